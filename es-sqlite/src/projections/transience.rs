//! Which errors pass. By result codes and kind of error, never by text.

use std::error::Error;

use es_core::{
    projection::{HandlerError, Transience},
    store::StoreError,
};
use sqlx::error::DatabaseError;

use crate::error::{self, code};

/// What an error is, by the first of its causes that says so.
pub(super) fn of(error: &HandlerError) -> Transience {
    // The wrapper shows the causes of what is in it, and not that itself.
    let itself = match (error.downcast_ref::<sqlx::Error>(), error.downcast_ref::<StoreError>()) {
        (Some(error), _) => Some(of_driver(error)),
        (_, Some(error)) => of_store(error),
        _ => None,
    };
    itself.or_else(|| of_causes(error.source())).unwrap_or(Transience::Lasting)
}

/// What is to be said of a statement by which a handler has tried to end the transaction of its batch.
pub(super) fn advice(error: &HandlerError) -> Option<String> {
    /// The extended code of a commit that our hook has refused.
    const COMMIT_HOOK: &str = "531";
    let itself = error.downcast_ref::<sqlx::Error>();
    let causes = std::iter::successors(error.source(), |error| (*error).source());
    let mut of_driver = itself.into_iter().chain(causes.filter_map(|error| error.downcast_ref::<sqlx::Error>()));
    let is_refused =
        |error: &sqlx::Error| error.as_database_error().and_then(DatabaseError::code).as_deref() == Some(COMMIT_HOOK);
    of_driver.any(is_refused).then(|| {
        "a handler has ended the transaction of its batch; leave `commit` and `rollback` to the engine".to_owned()
    })
}

fn of_causes(first: Option<&(dyn Error + 'static)>) -> Option<Transience> {
    std::iter::successors(first, |error| (*error).source()).find_map(of_cause)
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
        // What a handler does wrong whatever the event is, or what is the matter with the file.
        StoreError::Misconfigured(_) => Some(Transience::Broken),
        _ => Some(Transience::Lasting),
    }
}

fn of_driver(error: &sqlx::Error) -> Transience {
    if let sqlx::Error::Io(error) = error
        && let Some(ours) = error.get_ref().and_then(|inner| inner.downcast_ref::<StoreError>())
    {
        // An error of ours that a handler was given as one of the driver.
        return of_store(ours).or_else(|| of_causes(ours.source())).unwrap_or(Transience::Lasting);
    }
    match (error::code_of(error), error) {
        (Some(code), _) => of_code(code),
        (None, sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed) => Transience::Unavailable,
        (None, error) if error::is_lost(error) => Transience::Unavailable,
        (None, _) => Transience::Lasting,
    }
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
    use std::{error::Error, fmt};

    use es_core::{
        projection::{HandlerError, Transience},
        store::{Misconfigured, StoreError, Unavailable},
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
    fn causes_are_looked_at_as_deep_as_they_go() {
        let lost = || sqlx::Error::WorkerCrashed;
        let unavailable = || StoreError::from(Unavailable::new("away", "gone"));
        let backend = |source: sqlx::Error| StoreError::Backend { doing: "testing", source: source.into() };
        let handed_out = |error| sqlx::Error::Io(std::io::Error::other(error));
        let broken = || StoreError::from(Misconfigured::new("no", None));
        assert_eq!(of(&HandlerError::new(lost())), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(Outer(lost().into()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(Outer(Outer(unavailable().into()).into()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(backend(lost()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(handed_out(unavailable()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(Outer(handed_out(unavailable()).into()))), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new(handed_out(broken()))), Transience::Broken);
        assert_eq!(of(&HandlerError::new(Outer(backend(sqlx::Error::RowNotFound).into()))), Transience::Lasting);
        assert_eq!(of(&HandlerError::new(sqlx::Error::PoolClosed)), Transience::Unavailable);
        assert_eq!(of(&HandlerError::new("no such customer")), Transience::Lasting);
        // A file that a handler cannot read is no connection that is lost.
        assert_eq!(of(&HandlerError::new(std::io::Error::other("no such file"))), Transience::Lasting);
    }
}
