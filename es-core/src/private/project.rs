//! The way from stored events to the handlers of projections and reactors.

use std::{future::Future, marker::PhantomData};

use super::block::{HandledBy, OneRole};
use crate::{
    event::AnyAggregate,
    handler::{Acts, Handle},
    projection::{Delivery, HandlerError, Projection, ProjectionError, Reactor},
    recorded::{Envelope, Metadata},
    store::StoredEvent,
};

/// Proves that a type may have `async` handlers.
pub const fn acts<A: Acts>() -> usize {
    0
}

/// Whether a type is a projection or a reactor: `<RoleOf<T>>::ACTS` is `true` of one, and of anything else the name leads
/// to [`MayNotAct`].
#[derive(Debug)]
pub struct RoleOf<T>(PhantomData<T>);

impl<T: Acts> RoleOf<T> {
    /// It is one.
    pub const ACTS: bool = true;
}

/// Everything that is neither.
pub trait MayNotAct {
    /// It is none.
    const ACTS: bool = false;
}

impl<T> MayNotAct for RoleOf<T> {}

/// The role of a projection.
#[derive(Debug)]
pub enum Projecting {}

/// The role of a reactor.
#[derive(Debug)]
pub enum Reacting {}

/// A role with `async` handlers.
pub trait ActingRole<A> {
    /// What the handlers are given.
    type Given: Send + Sync + 'static;

    /// That of an event.
    fn given(envelope: Envelope, attempt: u32) -> Self::Given;
}

impl<P: Projection> ActingRole<P> for Projecting {
    type Given = Envelope;

    fn given(envelope: Envelope, _: u32) -> Envelope {
        envelope
    }
}

impl<R: Reactor> ActingRole<R> for Reacting {
    type Given = Delivery;

    fn given(envelope: Envelope, attempt: u32) -> Delivery {
        Delivery::new(R::NAME, attempt, envelope)
    }
}

#[diagnostic::do_not_recommend]
impl<A: OneRole<Role: ActingRole<A>>> Acts for A {
    type Given = <A::Role as ActingRole<A>>::Given;

    fn given(envelope: Envelope, attempt: u32) -> Self::Given {
        A::Role::given(envelope, attempt)
    }
}

/// What may have handlers that take a context.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a reactor, and its handlers take no context",
    label = "no context here",
    note = "remove it, and keep what the handlers need in the fields of `{Self}`: a reactor acts outside of the store, and only a projection within its transaction"
)]
pub trait ActsInContext {}

#[diagnostic::do_not_recommend]
impl<P: Projection> ActsInContext for P {}

/// Handlers take a context.
pub const fn may_take_context<A: ActsInContext>() {}

/// The handlers of the projection or reactor `A` in the context `C`.
pub trait HandlersIn<A, C> {
    /// Handles a stored event; one that is not handled is passed over. `attempt` counts from 1.
    fn handle_stored<'a>(
        owner: &'a A,
        stored: &'a StoredEvent,
        attempt: u32,
        context: &'a mut C,
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send + 'a;
}

/// Hands a stored event to the handler of its type. The metadata is decoded only where the handler `READS` what is given.
///
/// # Errors
/// [`ProjectionError`]
pub async fn handle<A, E, C, const HANDLER: usize, const READS: bool>(
    owner: &A,
    stored: &StoredEvent,
    attempt: u32,
    context: &mut C,
) -> Result<(), ProjectionError>
where
    E: HandledBy<A, AnyAggregate, HANDLER>,
    A: Acts + Handle<E, C, A::Given>,
{
    let Some(event) = E::decode_alone(stored) else { return Ok(()) };
    let event = event?;
    let envelope = if READS { stored.envelope()? } else { unread(stored) };
    let outcome = owner.handle(event, &A::given(envelope, attempt), context).await;
    outcome.map_err(|error| ProjectionError::handler(stored, error))
}

/// Where an event stands, for those who do not ask what is known about it.
pub(super) fn unread(stored: &StoredEvent) -> Envelope {
    Envelope::new(stored.stream.clone(), stored.version, stored.position, stored.recorded_at, Metadata::unread())
}

/// What an `async` handler may return.
#[diagnostic::on_unimplemented(
    message = "an `async` handler returns `()` or a `Result<(), Error>`, not `{Self}`",
    label = "neither `()` nor a `Result<(), Error>`",
    note = "write `-> Result<(), Error>` with an error that implements `std::error::Error`, or remove the return type"
)]
pub trait Handled {
    /// The plain result.
    ///
    /// # Errors
    /// The handler's own.
    fn handled(self) -> Result<(), HandlerError>;
}

impl Handled for () {
    fn handled(self) -> Result<(), HandlerError> {
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn std::error::Error + Send + Sync>>> Handled for Result<(), E> {
    fn handled(self) -> Result<(), HandlerError> {
        self.map_err(HandlerError::new)
    }
}
