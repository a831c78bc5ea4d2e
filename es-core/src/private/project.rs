//! The way from stored events to the handlers of projections.

use std::future::Future;

use super::block::HandledBy;
use crate::{
    event::AnyAggregate,
    handler::Handle,
    projection::{HandlerError, Projection, ProjectionError},
    store::StoredEvent,
};

/// A type may have `async` handlers.
pub const fn is_projection<P: Projection>() {}

/// The key of a stored event where nothing else is said: its stream.
pub fn key_of_stream(stored: &StoredEvent) -> String {
    stored.stream.to_string()
}

/// The handlers of the projection `P` in the context `C`.
pub trait HandlersIn<P, C> {
    /// Handles a stored event; one that is not handled is passed over.
    fn handle_stored<'a>(
        projection: &'a P,
        stored: &'a StoredEvent,
        context: &'a mut C,
    ) -> impl Future<Output = Result<(), ProjectionError>> + Send + 'a;
}

/// Hands a stored event to the handler of its type.
///
/// # Errors
/// [`ProjectionError`]
pub async fn handle<H, E, C, const HANDLER: usize>(
    projection: &H,
    stored: &StoredEvent,
    context: &mut C,
) -> Result<(), ProjectionError>
where
    E: HandledBy<H, AnyAggregate, HANDLER>,
    H: Handle<E, C>,
{
    let Some(event) = E::decode_alone(stored) else { return Ok(()) };
    let (event, envelope) = (event?, stored.envelope()?);
    let outcome = projection.handle(event, &envelope, context).await;
    outcome.map_err(|error| ProjectionError::handler(stored, error))
}

/// What an `async` handler may return.
#[diagnostic::on_unimplemented(
    message = "a handler of a projection returns `()` or a `Result<(), Error>`, not `{Self}`",
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
