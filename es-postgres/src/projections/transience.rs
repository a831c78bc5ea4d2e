//! Which errors pass. By SQLSTATE and kind of error, never by text.

use std::error::Error;

use es_core::{
    projection::{HandlerError, Transience},
    store::StoreError,
};
use sqlx::error::DatabaseError;

use crate::error;

/// What an error is, by the first of its causes that says so.
pub(super) fn of(error: &HandlerError) -> Transience {
    // The wrapper shows the causes of what is in it, and not that itself.
    let itself = match (error.downcast_ref::<sqlx::Error>(), error.downcast_ref::<StoreError>()) {
        (Some(error), _) => Some(of_driver(error)),
        (_, Some(error)) => of_store(error),
        _ => None,
    };
    let causes = || std::iter::successors(error.source(), |error| (*error).source()).find_map(of_cause);
    itself.or_else(causes).unwrap_or(Transience::Lasting)
}

/// What is to be said of a statement that failed only because an earlier one had.
pub(super) fn advice(error: &HandlerError) -> Option<String> {
    let itself = error.downcast_ref::<sqlx::Error>();
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    let mut of_driver = itself.into_iter().chain(causes.filter_map(|error| error.downcast_ref::<sqlx::Error>()));
    of_driver.any(is_behind_a_failure).then(|| PASSED_OVER.to_owned())
}

/// What a handler is told that has not handed on an error.
pub(super) const PASSED_OVER: &str = "a handler has passed over the error of a statement, behind which the transaction takes no \
                                      others; hand on each of them with `?`, or put a savepoint before what may fail";

/// 25P02: the transaction had failed before.
fn is_behind_a_failure(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(DatabaseError::code).as_deref() == Some("25P02")
}

fn of_cause(error: &(dyn Error + 'static)) -> Option<Transience> {
    if let Some(error) = error.downcast_ref::<sqlx::Error>() {
        return Some(of_driver(error));
    }
    error.downcast_ref::<StoreError>().and_then(of_store)
}

/// `None` where what lies beneath says more.
fn of_store(error: &StoreError) -> Option<Transience> {
    match error {
        StoreError::Unavailable(_) | StoreError::OutcomeUnknown { .. } => Some(Transience::Unavailable),
        // Another writer was first: all is read and decided anew.
        StoreError::Conflict(_) | StoreError::RetryTransaction { .. } => Some(Transience::Passing),
        StoreError::Backend { .. } => None,
        // It is about no event.
        StoreError::Misconfigured(_) => Some(Transience::Broken),
        _ => Some(Transience::Lasting),
    }
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
    use std::{error::Error, fmt};

    use es_core::{
        projection::{HandlerError, Transience},
        store::{StoreError, Unavailable},
    };

    use super::{of, of_code};

    #[derive(Debug)]
    struct Outer(Box<dyn Error + Send + Sync>);

    impl fmt::Display for Outer {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("outer")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(self.0.as_ref())
        }
    }

    fn lost() -> sqlx::Error {
        sqlx::Error::Io(std::io::Error::other("reset"))
    }

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
    fn causes_are_looked_at_as_deep_as_they_go() {
        let unavailable = || StoreError::from(Unavailable::new("away", "gone"));
        let backend = |source: sqlx::Error| StoreError::Backend { doing: "testing", source: source.into() };
        assert_eq!(of(&HandlerError::new(lost())), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(Outer(lost().into()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(Outer(Outer(unavailable().into()).into()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(backend(lost()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(Outer(backend(sqlx::Error::RowNotFound).into()))), Transience::Lasting);
        assert_eq!(of(&HandlerError::new(sqlx::Error::PoolClosed)), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new("no such customer")), Transience::Lasting);
        // A file that a handler cannot read is no connection that is lost.
        assert_eq!(of(&HandlerError::new(std::io::Error::other("no such file"))), Transience::Lasting);
    }
}
