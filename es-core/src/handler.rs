//! Event handlers: what a function in an `#[event_handler]` block is given, and what it gives back.

use std::future::Future;

use crate::{
    projection::HandlerError,
    recorded::{Envelope, Metadata},
};

/// How one event changes a state; written by `#[event_handler]` for each function of an aggregate or a read model.
///
/// An event is a fact: an aggregate cannot refuse it, and the handler of a read model may only fail at it, by an `Err`,
/// which is then a matter of the read model's [policy](crate::FailurePolicy). A fold must depend on nothing but the state, the event and what it is
/// given with it: it runs again in every replay.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no handler for `{E}`",
    label = "no handler for `{E}`",
    note = "add `fn name(&mut self, event: &{E})` to the `#[event_handler]` block of `{Self}`"
)]
pub trait Apply<E> {
    /// What the handler is given with the event: that of the type, [`Folds::Given`].
    type Given: Given;

    /// Changes the state, taking the event: the way of a replay.
    fn apply(&mut self, event: E, given: &Self::Given) -> <Self::Given as Given>::Outcome;

    /// Changes the state, keeping the event for its other readers: the way of a decision.
    fn apply_ref(&mut self, event: &E, given: &Self::Given) -> <Self::Given as Given>::Outcome;
}

/// What a block of handlers that are not `async` belongs to; written by the derives of aggregates and read models.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither an aggregate nor a read model",
    label = "its handlers have no place",
    note = "add `#[derive(Aggregate, Default)]` and `#[aggregate(name = \"..\", id = .., event = ..)]` to `{Self}`, or `#[derive(ReadModel)]` and `#[read_model(table = \"..\")]`; the handlers of a projection are all `async`"
)]
pub trait Folds {
    /// The events that it can have: the set of an aggregate; [`AnyAggregate`](crate::event::AnyAggregate) for a read
    /// model.
    type Scope;
    /// What its handlers are given with an event.
    type Given: Given;
    /// Whether events of any aggregate can be handled, so that only the block itself can tell which there are.
    #[doc(hidden)]
    const OPEN: bool;
}

/// What a handler is given with the event: [`Metadata`] in an aggregate, [`Envelope`] in a read model.
///
/// An aggregate folds while it decides, after the append and in every replay, so it sees only what is fixed before the
/// append. A read model sees events that are stored, so it sees all that is known of them.
pub trait Given: 'static {
    /// What comes of a handler: nothing in an aggregate; in a read model a [`Row`], or why the event cannot be folded.
    type Outcome;

    /// The outcome of a handler that returns nothing.
    fn nothing() -> Self::Outcome;
}

impl Given for Metadata {
    type Outcome = ();

    fn nothing() {}
}

impl Given for Envelope {
    type Outcome = Result<Row, HandlerError>;

    fn nothing() -> Self::Outcome {
        Ok(Row::Keep)
    }
}

/// What becomes of a read model's row after an event. A handler that returns nothing keeps it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use = "the row is only removed when the handler returns this"]
pub enum Row {
    /// It stays, as the handler left it.
    #[default]
    Keep,
    /// It is removed; a later event begins a new one.
    Delete,
}

/// What a block of `async` handlers belongs to; written by the derives of projections and reactors.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a projection nor a reactor",
    label = "its `async` handlers have no place",
    note = "add `#[derive(Projection)]` and `#[projection(name = \"..\")]` to `{Self}`, or `#[derive(Reactor)]` and `#[reactor(name = \"..\")]`; the handlers of aggregates and read models are not `async`"
)]
pub trait Acts {
    /// What its handlers are given with an event: the [`Envelope`] in a projection, in a reactor the
    /// [`Delivery`](crate::projection::Delivery).
    type Given: Send + Sync + 'static;

    /// That of an event which is tried for the `attempt`th time.
    fn given(envelope: Envelope, attempt: u32) -> Self::Given;
}

/// What one event causes in a projection, in the context `C`, or in a reactor; written by `#[event_handler]` for each
/// `async` function.
///
/// A handler without a context of its own works in any. `G` is what the handlers are given, [`Acts::Given`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no handler for `{E}` in the context `{C}`",
    label = "not handled in `{C}`",
    note = "the handlers of a projection all take the context of the store that they run on: `context: &mut {C}`"
)]
pub trait Handle<E, C, G = Envelope> {
    /// Handles the event.
    ///
    /// # Errors
    /// The handler's own.
    fn handle(&self, event: E, given: &G, context: &mut C) -> impl Future<Output = Result<(), HandlerError>> + Send;
}
