//! Which errors of handlers pass, whatever the store. For those who write one.

use std::error::Error;

use super::{error::HandlerError, store::Transience};
use crate::store::{StoreError, Unavailable};

impl Transience {
    /// What an error of a handler is, by the first of its [causes](HandlerError::causes) that says so;
    /// [`Lasting`](Self::Lasting) where none does. For stores, which give what they know of their driver's errors: `None` is
    /// said of any other error, and of one beneath which the next cause says more. What a [`StoreError`] is, is known here.
    ///
    /// ```
    /// use es_core::projection::{HandlerError, Transience};
    ///
    /// let of_driver = |error: &std::fmt::Error| Some(Transience::Passing);
    /// let of = |error| Transience::of(&error, |cause| cause.downcast_ref().and_then(of_driver));
    /// assert_eq!(of(HandlerError::new(std::fmt::Error)), Transience::Passing);
    /// assert_eq!(of(HandlerError::new("no such customer")), Transience::Lasting);
    /// ```
    pub fn of(error: &HandlerError, of_driver: impl Fn(&(dyn Error + 'static)) -> Option<Self>) -> Self {
        error.causes().find_map(|cause| of_driver(cause).or_else(|| Self::of_ours(cause))).unwrap_or(Self::Lasting)
    }

    fn of_ours(cause: &(dyn Error + 'static)) -> Option<Self> {
        if cause.is::<Unavailable>() {
            return Some(Self::Unavailable);
        }
        cause.downcast_ref().and_then(Self::of_store)
    }

    /// `None` where what lies beneath says more.
    fn of_store(error: &StoreError) -> Option<Self> {
        match error {
            StoreError::Unavailable(_) | StoreError::OutcomeUnknown { .. } => Some(Self::Unavailable),
            // Another writer was first: all is read and decided anew.
            StoreError::Conflict(_) | StoreError::RetryTransaction { .. } => Some(Self::Passing),
            StoreError::Backend { .. } => None,
            // What a handler does wrong whatever the event is, or what is the matter with the store: it is about no event.
            StoreError::Misconfigured(_) => Some(Self::Broken),
            _ => Some(Self::Lasting),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{error::Error, io};

    use super::Transience;
    use crate::{
        projection::{HandlerError, ProjectionError},
        recorded::StreamId,
        store::{Conflict, Expected, Misconfigured, StoreError, Unavailable},
    };

    /// An error of a driver's.
    #[derive(Debug, thiserror::Error)]
    #[error("the driver says so")]
    struct Driver(Option<Transience>);

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] Box<dyn Error + Send + Sync>);

    fn of(error: impl Into<Box<dyn Error + Send + Sync>>) -> Transience {
        let of_driver = |cause: &(dyn Error + 'static)| cause.downcast_ref::<Driver>().and_then(|driver| driver.0);
        Transience::of(&HandlerError::new(error), of_driver)
    }

    fn lost() -> Driver {
        Driver(Some(Transience::Unavailable))
    }

    fn outer(error: impl Into<Box<dyn Error + Send + Sync>>) -> Outer {
        Outer(error.into())
    }

    fn backend(source: impl Into<Box<dyn Error + Send + Sync>>) -> StoreError {
        StoreError::Backend { doing: "testing", source: source.into() }
    }

    fn unavailable() -> StoreError {
        Unavailable::new("away", "gone").into()
    }

    #[test]
    fn errors_of_a_store_are_told_apart() {
        let conflict = Conflict::new(StreamId::new("lamp", "1"), Expected::NoStream, 1.into());
        assert_eq!(of(unavailable()), Transience::Unavailable);
        assert_eq!(of(StoreError::from(conflict)), Transience::Passing);
        assert_eq!(of(StoreError::from(Misconfigured::new("no", None))), Transience::Broken);
        assert_eq!(of(StoreError::WrongSchema { found: 1, needed: 2 }), Transience::Lasting);
        assert_eq!(of(backend("odd")), Transience::Lasting);
        assert_eq!(of(Unavailable::new("away", "gone")), Transience::Unavailable);
    }

    #[test]
    fn causes_are_looked_at_as_deep_as_they_go() {
        assert_eq!(of(lost()), Transience::Unavailable);
        assert_eq!(of(outer(lost())), Transience::Unavailable);
        assert_eq!(of(outer(outer(unavailable()))), Transience::Unavailable);
        assert_eq!(of(backend(lost())), Transience::Unavailable);
        assert_eq!(of(outer(backend(Driver(None)))), Transience::Lasting);
        assert_eq!(of("no such customer"), Transience::Lasting);
        // A file that a handler cannot read is no connection that is lost.
        assert_eq!(of(io::Error::other("no such file")), Transience::Lasting);
    }

    /// The first that says something decides.
    #[test]
    fn what_lies_above_is_believed() {
        let passing = StoreError::RetryTransaction { stream: StreamId::new("lamp", "1"), source: lost().into() };
        assert_eq!(of(passing), Transience::Passing);
    }

    /// These tell the causes of what is in them, and not that itself.
    #[test]
    fn what_wraps_an_error_as_itself_is_looked_into() {
        assert_eq!(of(ProjectionError::Store(unavailable())), Transience::Unavailable);
        assert_eq!(of(outer(HandlerError::new(lost()))), Transience::Unavailable);
        assert_eq!(of(io::Error::other(unavailable())), Transience::Unavailable);
        assert_eq!(of(outer(io::Error::other(backend(lost())))), Transience::Unavailable);
    }
}
