//! Commands: what an aggregate may be asked, and what it answers.

use crate::{
    aggregate::Aggregate,
    recorded::{Metadata, StreamVersion},
};

/// Something that can be asked of the aggregate `A`; written by `#[command_handler]` for each handler.
///
/// A decision is pure: it sees the state and the command, and returns events or refuses. Ask services first, and put
/// their answer into the command. A decision may run again, against a newer state, when another writer came first.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a command of `{A}`",
    label = "`{A}` has no handler for this command",
    note = "add `fn name(&self, command: &{Self}) -> Result<Event, Error>` to the `#[command_handler]` block of `{A}`"
)]
pub trait Command<A>: Send + Sync {
    /// Why the domain may refuse this command.
    type Error;

    /// Which streams the command may be given to.
    const TARGET: CommandTarget;

    /// The events that follow from the command, in order; none when nothing is to happen.
    ///
    /// # Errors
    /// The domain's refusal.
    // The bound is here, and not at the trait, so that of a type that is no aggregate this is said once and not again for
    // each of its commands.
    fn decide(&self, state: &A, context: &CommandContext<'_, A>) -> Result<Vec<A::Event>, Self::Error>
    where
        A: Aggregate;
}

/// Which streams a command may be given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandTarget {
    /// Only to an empty stream: a handler without `self`. On any other the answer is `AlreadyExists`.
    New,
    /// Only to a stream that has events: a handler with `&self`. On an empty one the answer is `NotFound`.
    Existing,
    /// To both: a handler marked `#[command(or_default)]`, which sees the default state of an empty stream.
    Either,
}

/// Why a command cannot be given to a stream, whatever the state would decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WrongTarget {
    NotFound,
    AlreadyExists,
}

impl CommandTarget {
    /// Whether a stream at `version` may be given the command.
    pub(crate) fn check(self, version: StreamVersion) -> Result<(), WrongTarget> {
        match self {
            Self::New if version > StreamVersion::EMPTY => Err(WrongTarget::AlreadyExists),
            Self::Existing if version == StreamVersion::EMPTY => Err(WrongTarget::NotFound),
            _ => Ok(()),
        }
    }
}

/// What a decision may know beside the state and the command.
///
/// Handlers take it as an optional second argument, `context: &CommandContext<'_, Self>`.
#[derive(Debug)]
pub struct CommandContext<'a, A: Aggregate> {
    id: &'a A::Id,
    version: StreamVersion,
    metadata: &'a Metadata,
}

impl<'a, A: Aggregate> CommandContext<'a, A> {
    /// A context from its parts, for tests that call handlers directly.
    pub fn new(id: &'a A::Id, version: StreamVersion, metadata: &'a Metadata) -> Self {
        Self { id, version, metadata }
    }

    /// The id of the aggregate that is asked.
    pub fn id(&self) -> &A::Id {
        self.id
    }

    /// The version of the state that decides; 0 for an empty stream.
    pub fn version(&self) -> StreamVersion {
        self.version
    }

    /// What the events will carry: time, actor, correlation. The event id is that of this attempt
    /// at the command, not of an event.
    pub fn metadata(&self) -> &Metadata {
        self.metadata
    }
}

/// What a command handler may return inside `Ok`: events of the set `Set`, in order.
///
/// Implemented by `#[derive(EventSet)]` for the set and each of its events, and here for `()` (nothing happened),
/// [`Draft`](crate::Draft), and [`Option`], [`Vec`], arrays and tuples of those.
///
/// ```
/// use es_core::prelude::*;
///
/// #[derive(Event, Serialize, Deserialize, Debug, PartialEq)]
/// struct LampLit {}
///
/// #[derive(EventSet, Debug, PartialEq)]
/// enum LampEvent { Lit(LampLit) }
///
/// let events: Vec<LampEvent> = (LampLit {}, Some(LampLit {}), None::<LampLit>).into_event_vec();
/// assert_eq!(events, [LampEvent::Lit(LampLit {}), LampEvent::Lit(LampLit {})]);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event of `{Set}`",
    label = "not an event of `{Set}`, nor made of some",
    note = "return an event of `{Set}`, the set itself, a draft, `()`, or an `Option`, a `Vec`, an array or a tuple of those; another event needs a variant in `{Set}`, and of an earlier version the newest takes its place"
)]
pub trait IntoEvents<Set> {
    /// Whether nothing may stand before these events: those of a [`Draft`](crate::Draft), which knows them by their
    /// place.
    const COMES_FIRST: bool = false;

    /// Puts the events behind those that are in `events`.
    fn into_events(self, events: &mut Vec<Set>);

    /// The events as a new vector.
    fn into_event_vec(self) -> Vec<Set>
    where
        Self: Sized,
    {
        let mut events = Vec::new();
        self.into_events(&mut events);
        events
    }
}

#[diagnostic::do_not_recommend]
impl<Set> IntoEvents<Set> for () {
    fn into_events(self, _: &mut Vec<Set>) {}
}

impl<Set, T: IntoEvents<Set>> IntoEvents<Set> for Option<T> {
    const COMES_FIRST: bool = T::COMES_FIRST;

    fn into_events(self, events: &mut Vec<Set>) {
        if let Some(inner) = self {
            inner.into_events(events);
        }
    }
}

impl<Set, T: IntoEvents<Set>> IntoEvents<Set> for Vec<T> {
    fn into_events(self, events: &mut Vec<Set>) {
        const { may_follow(T::COMES_FIRST) };
        for inner in self {
            inner.into_events(events);
        }
    }
}

impl<Set, T: IntoEvents<Set>, const N: usize> IntoEvents<Set> for [T; N] {
    fn into_events(self, events: &mut Vec<Set>) {
        const { may_follow(T::COMES_FIRST) };
        for inner in self {
            inner.into_events(events);
        }
    }
}

/// Refuses an answer in which a draft comes behind other events.
pub(crate) const fn may_follow(comes_first: bool) {
    assert!(
        !comes_first,
        "a draft stands behind other events: record those in the draft, because it knows nothing of what comes before it"
    );
}

macro_rules! tuple_into_events {
    ($first:ident $(, $name:ident)*) => {
        #[diagnostic::do_not_recommend]
        impl<Set, $first: IntoEvents<Set>, $($name: IntoEvents<Set>),*> IntoEvents<Set> for ($first, $($name,)*) {
            const COMES_FIRST: bool = $first::COMES_FIRST;

            fn into_events(self, events: &mut Vec<Set>) {
                $(const { may_follow($name::COMES_FIRST) };)*
                #[expect(non_snake_case, reason = "one name serves as type and as variable")]
                let ($first, $($name,)*) = self;
                $first.into_events(events);
                $($name.into_events(events);)*
            }
        }
    };
}

tuple_into_events!(A);
tuple_into_events!(A, B);
tuple_into_events!(A, B, C);
tuple_into_events!(A, B, C, D);
tuple_into_events!(A, B, C, D, E);
tuple_into_events!(A, B, C, D, E, F);
tuple_into_events!(A, B, C, D, E, F, G);
tuple_into_events!(A, B, C, D, E, F, G, H);

/// What a command handler returns: `Result<events, error>`, under whatever alias.
#[diagnostic::on_unimplemented(
    message = "a command handler returns a `Result`, not `{Self}`",
    label = "not a `Result`",
    note = "write `-> Result<Event, Error>`; a decision that is never refused may use `std::convert::Infallible` as its error"
)]
pub trait Decision {
    /// What happened.
    type Events;
    /// Why nothing did.
    type Error;

    /// The plain result.
    ///
    /// # Errors
    /// The domain's refusal.
    fn into_result(self) -> Result<Self::Events, Self::Error>;
}

impl<T, E> Decision for Result<T, E> {
    type Events = T;
    type Error = E;

    fn into_result(self) -> Self {
        self
    }
}
