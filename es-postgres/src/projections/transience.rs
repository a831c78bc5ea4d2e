//! Which errors pass. By SQLSTATE and kind of error, never by text.

use es_core::projection::{HandlerError, Transience};
use sqlx::error::DatabaseError;

use crate::error;

/// What an error is, by the first of its causes that says so.
pub(super) fn of(error: &HandlerError) -> Transience {
    Transience::of(error, |cause| cause.downcast_ref().map(of_driver))
}

/// What is to be said of a statement that failed only because an earlier one had.
pub(super) fn advice(error: &HandlerError) -> Option<String> {
    let mut of_driver = error.causes().filter_map(|cause| cause.downcast_ref());
    of_driver.any(is_behind_a_failure).then(|| PASSED_OVER.to_owned())
}

/// What a handler is told that has not handed on an error.
pub(super) const PASSED_OVER: &str = "a handler has passed over the error of a statement, behind which the transaction takes no \
                                      others; hand on each of them with `?`, or put a savepoint before what may fail";

/// 25P02: the transaction had failed before.
fn is_behind_a_failure(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(DatabaseError::code).as_deref() == Some("25P02")
}

fn of_driver(error: &sqlx::Error) -> Transience {
    match error {
        error if error::is_lost(error) => Transience::Unavailable,
        sqlx::Error::Database(database) => of_code(database.code().as_deref().unwrap_or_default()),
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed => Transience::Unavailable,
        _ => Transience::Lasting,
    }
}

fn of_code(code: &str) -> Transience {
    match code {
        // A serialization failure, a deadlock; a lock or a statement that took too long, a transaction that was idle for too
        // long: what takes too long each time should come to the policy, and not be tried for ever. 25P02: an earlier
        // statement failed, and its error was passed over, whatever it was; tried again, it may be another one.
        "40001" | "40P01" | "55P03" | "57014" | "25P03" | "25P02" => Transience::Passing,
        // The server was ended, starts, or takes over; 25006: it only reads.
        "57P01" | "57P02" | "57P03" | "57P05" | "40003" | "25006" => Transience::Unavailable,
        // A message that the server does not take, such as a statement with too few arguments; the connection is there. Ours: a
        // handler that commits.
        "08P01" | "ES003" => Transience::Broken,
        // 08: the connection; 53: out of connections, memory or disk.
        code if code.starts_with("08") || code.starts_with("53") => Transience::Unavailable,
        // 42: a statement that the server does not take, or a right or a table that is missing; 28 and 3D, 3F: nobody is let
        // in, no such database or schema; 58, F0, XX: the server itself is at a loss. None of it is about one event.
        code if ["42", "28", "3D", "3F", "58", "F0", "XX"].iter().any(|class| code.starts_with(class)) => {
            Transience::Broken
        }
        _ => Transience::Lasting,
    }
}

#[cfg(test)]
mod tests {
    use es_core::{
        projection::{HandlerError, Transience},
        store::{StoreError, Unavailable},
    };

    use super::{of, of_code};

    #[test]
    fn codes_are_told_apart() {
        for (code, transience) in [
            ("40001", Transience::Passing),
            ("40P01", Transience::Passing),
            ("55P03", Transience::Passing),
            ("57014", Transience::Passing),
            ("25P02", Transience::Passing),
            ("25P03", Transience::Passing),
            ("57P01", Transience::Unavailable),
            ("08006", Transience::Unavailable),
            ("08P01", Transience::Broken),
            ("ES003", Transience::Broken),
            ("53300", Transience::Unavailable),
            ("23505", Transience::Lasting),
            ("22003", Transience::Lasting),
            ("42P01", Transience::Broken),
            ("42501", Transience::Broken),
            ("", Transience::Lasting),
        ] {
            assert_eq!(of_code(code), transience, "{code}");
        }
    }

    #[test]
    fn errors_of_the_driver_are_told_apart_wherever_they_lie() {
        let lost = || sqlx::Error::Io(std::io::Error::other("reset"));
        let unavailable = || StoreError::from(Unavailable::new("away", "gone"));
        let backend =
            |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Backend { doing: "testing", source };
        assert_eq!(of(&HandlerError::new(lost())), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(backend(lost().into()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(backend(backend(lost().into()).into()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(backend(sqlx::Error::RowNotFound.into()))), Transience::Lasting);
        assert_eq!(of(&HandlerError::new(backend(unavailable().into()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(sqlx::Error::PoolClosed)), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new("no such customer")), Transience::Lasting);
        // A file that a handler cannot read is no connection that is lost.
        assert_eq!(of(&HandlerError::new(std::io::Error::other("no such file"))), Transience::Lasting);
    }
}
