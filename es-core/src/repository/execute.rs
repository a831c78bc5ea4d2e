//! A command about to be executed: what is said about it before.

use std::{
    fmt,
    future::{Future, IntoFuture},
    pin::Pin,
};

use chrono::{DateTime, Utc};

use super::{Decided, Executed, Repository, asked::Asked, error::ExecuteError, setters::metadata_setters};
use crate::{aggregate::Aggregate, command::Command, recorded::Metadata, store::EventStore};

/// A command about to be executed; await it, or say first who asks, when, and under which key.
///
/// `C` is the command and `E` its error.
#[must_use = "nothing happens until this is awaited"]
pub struct Execute<'a, A: Aggregate, S, C, E> {
    asked: Asked<'a, A, S, C>,
    /// The way to a future for `.await`, fixed where `C` is known to be a command: for something that is none the
    /// compiler then says just that, and not also that this is no future.
    boxed: fn(Self) -> BoxFuture<'a, Outcome<A, E>>,
}

pub(super) type Outcome<A, E> = Result<Executed<A>, ExecuteError<E>>;
pub(super) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

impl<A: Aggregate, S, C, E> Execute<'_, A, S, C, E> {
    metadata_setters!(|execute| execute.asked.metadata);

    /// When it happened, where that is not now.
    pub fn occurred_at(mut self, time: DateTime<Utc>) -> Self {
        self.asked.metadata.occurred_at = time;
        self
    }

    /// Names this command within its stream: a second one of the same name is not decided again, but answered with
    /// the first result. A command that led to no events, or was refused, does not take the name.
    ///
    /// The name alone counts: **another command under a name that is taken is not executed**, and gets the first one's
    /// result. Make names of what is asked, such as a request's id, and never use one for two things.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.asked.idempotency_key = Some(key.into());
        self
    }
}

impl<'a, A: Aggregate, S: EventStore, C: Command<A>> Execute<'a, A, S, C, C::Error> {
    pub(super) fn new(repository: &'a Repository<A, S>, id: &'a A::Id, command: C) -> Self
    where
        C: 'a,
        C::Error: Send,
    {
        let boxed = |execute: Self| -> BoxFuture<'a, _> { Box::pin(execute.run()) };
        let metadata = Metadata::at(Utc::now());
        Self { asked: Asked { repository, id, command, metadata, idempotency_key: None }, boxed }
    }

    /// Executes, without the box that `.await` needs.
    ///
    /// # Errors
    /// [`ExecuteError`]
    pub async fn run(self) -> Result<Executed<A>, ExecuteError<C::Error>> {
        self.asked.under_way().run().await
    }

    /// Decides upon the present state, and stores nothing: for a command that is to be stored together with others, by
    /// whoever called this. The state is always loaded, and never one that the repository [remembers](Repository::cached).
    ///
    /// ```
    /// # use es_core::prelude::*;
    /// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
    /// # struct LampId(String);
    /// # #[derive(Event, Serialize, Deserialize, Clone, Debug)]
    /// # struct LampLit {}
    /// # #[derive(EventSet, Debug)]
    /// # enum LampEvent { Lit(LampLit) }
    /// # #[derive(Aggregate, Default, Debug)]
    /// # #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
    /// # struct Lamp { lit: u32 }
    /// # #[event_handler]
    /// # impl Lamp { fn lit(&mut self, _: &LampLit) { self.lit += 1; } }
    /// # struct Light;
    /// # #[command_handler]
    /// # impl Lamp {
    /// #     #[command(or_default)]
    /// #     fn light(&self, _: &Light) -> Result<LampLit, std::convert::Infallible> { Ok(LampLit {}) }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = MemoryStore::new();
    /// # let lamps = store.repository::<Lamp>();
    /// # let id = LampId("hall".into());
    /// let decided = lamps.execute(&id, Light).idempotency_key("request-7").decide().await?;
    /// assert_eq!((decided.version.get(), decided.events.len()), (0, 1));
    /// if let Some(append) = decided.append {
    ///     store.append(append).await?;            // a conflict means: decide again
    /// }
    /// let again = lamps.execute(&id, Light).idempotency_key("request-7").decide().await?;
    /// assert!(again.append.is_none() && again.replayed.is_some());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`ExecuteError`], but no conflict: whoever stores the events meets it.
    pub async fn decide(self) -> Result<Decided<A>, ExecuteError<C::Error>> {
        Decided::upon_present_state(self.asked.under_way()).await
    }
}

impl<'a, A: Aggregate, S, C, E> IntoFuture for Execute<'a, A, S, C, E> {
    type Output = Outcome<A, E>;
    type IntoFuture = BoxFuture<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        (self.boxed)(self)
    }
}

impl<A: Aggregate, S, C, E> fmt::Debug for Execute<'_, A, S, C, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Execute")
            .field("id", self.asked.id)
            .field("metadata", &self.asked.metadata)
            .field("idempotency_key", &self.asked.idempotency_key)
            .finish_non_exhaustive()
    }
}
