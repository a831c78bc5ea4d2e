//! What handlers may take and give back, each refused at the user's own token.

use crate::{
    handler::Row,
    projection::{Delivery, HandlerError},
    recorded::{Envelope, Metadata},
};

/// What a handler of `Self` may take by value.
#[diagnostic::on_unimplemented(
    message = "a handler takes `{T}` by value, and `{T}` is not `Clone`",
    label = "taken by value, but not `Clone`",
    note = "write `&{T}`, or add `#[derive(Clone)]` to `{T}`: the value is needed by others too, such as another handler"
)]
pub trait ByValue<T> {
    /// A copy of it.
    fn copy(value: &T) -> T;
}

#[diagnostic::do_not_recommend]
impl<H, T: Clone> ByValue<T> for H {
    fn copy(value: &T) -> T {
        value.clone()
    }
}

/// What an event handler may take as its second argument, where it is given `G`.
#[diagnostic::on_unimplemented(
    message = "the second argument of this event handler is `&{G}`, not `&{Self}`",
    label = "not `{G}`",
    note = "write `&{G}`; the handlers of an aggregate see the metadata, which is the same in a decision and in each replay, those of read models and projections the whole envelope, and those of reactors the delivery; a projection's context is `&mut`"
)]
pub trait SecondArgument<G> {
    /// The argument.
    fn of(given: &G) -> &Self;
}

impl SecondArgument<Metadata> for Metadata {
    fn of(metadata: &Metadata) -> &Self {
        metadata
    }
}

impl SecondArgument<Envelope> for Metadata {
    fn of(envelope: &Envelope) -> &Self {
        &envelope.metadata
    }
}

impl SecondArgument<Envelope> for Envelope {
    fn of(envelope: &Envelope) -> &Self {
        envelope
    }
}

impl SecondArgument<Delivery> for Metadata {
    fn of(delivery: &Delivery) -> &Self {
        &delivery.envelope.metadata
    }
}

impl SecondArgument<Delivery> for Envelope {
    fn of(delivery: &Delivery) -> &Self {
        &delivery.envelope
    }
}

impl SecondArgument<Delivery> for Delivery {
    fn of(delivery: &Delivery) -> &Self {
        delivery
    }
}

/// What an event handler may return, where the outcome is `O`.
#[diagnostic::on_unimplemented(
    message = "this event handler cannot return `{Self}`",
    label = "not what a handler of this type may return",
    note = "remove the return type in an aggregate, which cannot refuse an event, because that is a fact; a handler of a read model may return `Row`, `Result<(), Error>` or `Result<Row, Error>`, with an error that implements `std::error::Error`"
)]
pub trait Answers<O> {
    /// The outcome.
    fn outcome(self) -> O;
}

/// What comes of an event in a read model.
type Folded = Result<Row, HandlerError>;

#[diagnostic::do_not_recommend]
impl Answers<()> for () {
    fn outcome(self) {}
}

#[diagnostic::do_not_recommend]
impl Answers<Folded> for () {
    fn outcome(self) -> Folded {
        Ok(Row::Keep)
    }
}

#[diagnostic::do_not_recommend]
impl Answers<Folded> for Row {
    fn outcome(self) -> Folded {
        Ok(self)
    }
}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> Answers<Folded> for Result<Row, E> {
    fn outcome(self) -> Folded {
        self.map_err(HandlerError::new)
    }
}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> Answers<Folded> for Result<(), E> {
    fn outcome(self) -> Folded {
        self.map_err(HandlerError::new).map(|()| Row::Keep)
    }
}
