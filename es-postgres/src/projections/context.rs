//! What handlers of projections are given.

use es_core::projection::ProjectionId;
use sqlx::PgConnection;

/// The transaction in which a projection's handlers do what they do: it commits with the move of the checkpoint, or not at
/// all, so that each event has its effects once.
///
/// ```no_run
/// use es_core::prelude::*;
/// use es_postgres::{PgContext, sqlx};
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug)]
/// # struct LampLit {}
/// # #[derive(EventSet, Debug)]
/// # enum LampEvent { Lit(LampLit) }
///
/// #[derive(Projection)]
/// #[projection(name = "lamplighter")]
/// struct Lamplighter;
///
/// #[event_handler(covers(LampEvent))]
/// impl Lamplighter {
///     async fn lit(&self, _: &LampLit, envelope: &Envelope, context: &mut PgContext<'_>) -> Result<(), sqlx::Error> {
///         sqlx::query("insert into lit (lamp, at) values ($1, $2)")
///             .bind(envelope.stream.id())
///             .bind(envelope.recorded_at)
///             .execute(context.connection())
///             .await?;
///         Ok(())
///     }
/// }
/// ```
///
/// A handler neither commits nor rolls back: the server refuses the one, and a batch whose transaction a handler has ended
/// fails, which stops the projection. Savepoints are its own. `set constraints` takes the names of its own constraints, and
/// not `all`.
/// Pass on every error of a statement: behind it the transaction takes no others. What is set for the session is undone
/// behind the batch.
#[derive(Debug)]
pub struct PgContext<'t> {
    connection: &'t mut PgConnection,
    projection: ProjectionId,
    used: &'t mut bool,
}

impl<'t> PgContext<'t> {
    pub(super) fn new(connection: &'t mut PgConnection, projection: ProjectionId, used: &'t mut bool) -> Self {
        Self { connection, projection, used }
    }

    /// The connection that is in the transaction, for statements of your own.
    pub fn connection(&mut self) -> &mut PgConnection {
        *self.used = true;
        self.connection
    }

    /// Which projection this is, in which version: to write what a version builds apart from what another has built.
    pub fn projection(&self) -> ProjectionId {
        self.projection
    }
}
