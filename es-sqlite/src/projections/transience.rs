//! Which errors pass. By result codes and kind of error, never by text.

use es_core::{
    projection::{HandlerError, Transience},
    store::StoreError,
};
use sqlx::error::DatabaseError;

use crate::error::{self, code};

/// What an error is, by the first of its causes that says so.
pub(super) fn of(error: &HandlerError) -> Transience {
    Transience::of(error, |cause| cause.downcast_ref().and_then(of_driver))
}

/// What is to be said of a statement by which a handler has tried to end the transaction of its batch.
pub(super) fn advice(error: &HandlerError) -> Option<String> {
    /// The extended code of a commit that our hook has refused.
    const COMMIT_HOOK: &str = "531";
    let mut of_driver = error.causes().filter_map(|cause| cause.downcast_ref());
    let is_refused =
        |error: &sqlx::Error| error.as_database_error().and_then(DatabaseError::code).as_deref() == Some(COMMIT_HOOK);
    of_driver.any(is_refused).then(|| {
        "a handler has ended the transaction of its batch; leave `commit` and `rollback` to the engine".to_owned()
    })
}

/// `None` of an error of ours that a handler was given as one of the driver: it lies beneath.
fn of_driver(error: &sqlx::Error) -> Option<Transience> {
    if let sqlx::Error::Io(error) = error
        && error.get_ref().and_then(|inner| inner.downcast_ref::<StoreError>()).is_some()
    {
        return None;
    }
    Some(match (error::code_of(error), error) {
        (Some(code), _) => of_code(code),
        (None, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => Transience::Unavailable,
        (None, error) if error::is_lost(error) => Transience::Unavailable,
        (None, _) => Transience::Lasting,
    })
}

fn of_code(code: i32) -> Transience {
    match code {
        // Another writer has the file; or the disk is full or does not answer, or there is no memory.
        code::BUSY | code::LOCKED | code::FULL | code::IOERR | code::NOMEM => Transience::Unavailable,
        // A statement that took too long: what does so each time should come to the policy, and not be tried for ever.
        code::INTERRUPT => Transience::Passing,
        // A statement that SQLite does not take, or a table that is missing; or the file itself is not as it should be. None of
        // it is about one event.
        code::ERROR
        | code::PERM
        | code::READONLY
        | code::CORRUPT
        | code::CANTOPEN
        | code::SCHEMA
        | code::AUTH
        | code::NOTADB => Transience::Broken,
        _ => Transience::Lasting,
    }
}

#[cfg(test)]
mod tests {
    use es_core::{
        projection::{HandlerError, Transience},
        store::{Misconfigured, StoreError, Unavailable},
    };

    use super::{of, of_code};

    #[test]
    fn codes_are_told_apart() {
        for (code, transience) in [
            (5, Transience::Unavailable),
            (6, Transience::Unavailable),
            (9, Transience::Passing),
            (10, Transience::Unavailable),
            (13, Transience::Unavailable),
            (1, Transience::Broken),
            (8, Transience::Broken),
            (23, Transience::Broken),
            (19, Transience::Lasting),
            (20, Transience::Lasting),
            (0, Transience::Lasting),
        ] {
            assert_eq!(of_code(code), transience, "{code}");
        }
    }

    #[test]
    fn errors_of_the_driver_are_told_apart_wherever_they_lie() {
        let lost = || sqlx::Error::WorkerCrashed;
        let unavailable = || StoreError::from(Unavailable::new("away", "gone"));
        let backend =
            |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Backend { doing: "testing", source };
        let handed_out = |error| sqlx::Error::Io(std::io::Error::other(error));
        let broken = || StoreError::from(Misconfigured::new("no", None));
        assert_eq!(of(&HandlerError::new(lost())), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(backend(lost().into()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(backend(backend(lost().into()).into()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(handed_out(unavailable()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(backend(handed_out(unavailable()).into()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(handed_out(backend(lost().into())))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(handed_out(broken()))), Transience::Broken);
        assert_eq!(of(&HandlerError::new(backend(sqlx::Error::RowNotFound.into()))), Transience::Lasting);
        assert_eq!(of(&HandlerError::new(backend(unavailable().into()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(sqlx::Error::PoolClosed)), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new("no such customer")), Transience::Lasting);
        // A file that a handler cannot read is no connection that is lost.
        assert_eq!(of(&HandlerError::new(std::io::Error::other("no such file"))), Transience::Lasting);
    }
}
