//! Aggregates: what is remembered, and how events change it.

use crate::{
    draft::{Draft, FromState, ReadsNoMetadata},
    event::EventSet,
    id::AggregateId,
    recorded::Metadata,
    snapshot::Snapshots,
};

/// The state that decides about commands, built up from the events of one stream.
///
/// Written by `#[derive(Aggregate)]`; the handlers for its events by `#[event_handler]`, those for its commands by
/// `#[command_handler]`. The state of an empty stream is [`Default::default`].
///
/// ```
/// use es_core::prelude::*;
///
/// #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// struct LampId(String);
///
/// #[derive(Event, Serialize, Deserialize, Clone)]
/// struct LampLit {}
///
/// #[derive(EventSet)]
/// enum LampEvent { Lit(LampLit) }
///
/// #[derive(Aggregate, Default)]
/// #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
/// struct Lamp { lit: u32 }
///
/// #[event_handler]
/// impl Lamp {
///     fn lit(&mut self, _: &LampLit) {
///         self.lit += 1;
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an aggregate",
    label = "not an `Aggregate`",
    note = "add `#[derive(Aggregate, Default)]` and `#[aggregate(name = \"..\", id = .., event = ..)]` to `{Self}`"
)]
pub trait Aggregate: EventHandlers<<Self as Aggregate>::Event> + Sized + Send + Sync + 'static {
    /// What tells one from another.
    type Id: AggregateId;
    /// All that can happen to one.
    type Event: EventSet;

    /// The stored name: the type of the streams. It must be unique in a store and never change.
    const NAME: &'static str;
    /// How often a snapshot of the state is kept, and how; `None` for never.
    const SNAPSHOTS: Option<Snapshots<Self>> = None;
    #[doc(hidden)]
    const PROVED: usize = 0;

    /// The state of an empty stream; `#[derive(Aggregate)]` takes [`Default::default`].
    fn initial() -> Self;

    /// A draft from a copy of this state, for decisions that look at what their own first events lead to. See [`Draft`].
    fn draft(&self) -> Draft<Self>
    where
        Draft<Self>: FromState<Self>,
        Self: ReadsNoMetadata,
    {
        Draft::without_metadata(Draft::copy(self))
    }
}

/// An aggregate's event handlers as a whole; written by `#[derive(Aggregate)]`, which finds them in the
/// `#[event_handler]` block.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not handle the events of `{Set}`",
    label = "no handlers for `{Set}`",
    note = "an aggregate handles the events of its own set, the one in `#[aggregate(event = ..)]`"
)]
pub trait EventHandlers<Set> {
    /// Whether any handler reads metadata; where none does, replay need not decode it.
    const READS_METADATA: bool;

    /// Changes the state by an event of the set.
    fn fold(&mut self, event: Set, metadata: &Metadata);

    /// Changes the state by an event of the set, which others still need.
    fn fold_ref(&mut self, event: &Set, metadata: &Metadata);
}
