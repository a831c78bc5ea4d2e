//! Given/when/then: a domain's rules as sentences, without a store.

use std::fmt::{Debug, Write as _};

use chrono::Utc;
use similar::{ChangeTag, TextDiff};

use crate::{
    aggregate::Aggregate,
    command::{Command, CommandContext, IntoEvents, WrongTarget},
    recorded::{Metadata, StreamVersion},
};

/// Begins a sentence about an aggregate to which `events` have happened: one event, a tuple of them, or `()`.
///
/// ```
/// use es_core::{prelude::*, testing::given};
/// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// # struct LampId(String);
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
/// # struct LampLit {}
/// # #[derive(EventSet, Debug, PartialEq)]
/// # enum LampEvent { Lit(LampLit) }
/// # #[derive(Aggregate, Default, Debug)]
/// # #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
/// # struct Lamp { lit: bool }
/// # #[event_handler]
/// # impl Lamp { fn lit(&mut self, _: &LampLit) { self.lit = true; } }
/// # struct Light;
/// # #[derive(Debug, PartialEq)]
/// # enum LampError { AlreadyLit }
/// # #[command_handler]
/// # impl Lamp {
/// #     #[command(or_default)]
/// #     fn light(&self, _: &Light) -> Result<LampLit, LampError> {
/// #         if self.lit { Err(LampError::AlreadyLit) } else { Ok(LampLit {}) }
/// #     }
/// # }
///
/// given::<Lamp>(()).when(Light).then(LampLit {}).then_state(|lamp| assert!(lamp.lit));
/// given::<Lamp>(LampLit {}).when(Light).then_error(LampError::AlreadyLit);
/// ```
pub fn given<A: Aggregate>(events: impl IntoEvents<A::Event>) -> Given<A> {
    let metadata = Metadata::at(Utc::now());
    let mut given = Given { state: A::initial(), version: StreamVersion::EMPTY, id: None, metadata };
    for event in events.into_event_vec() {
        given.state.fold(event, &given.metadata.for_next_event());
        given.version = given.version.after(1);
    }
    given
}

/// An aggregate to which things have happened.
#[derive(Debug)]
#[must_use = "ask it something with `when`"]
pub struct Given<A: Aggregate> {
    state: A,
    version: StreamVersion,
    id: Option<A::Id>,
    metadata: Metadata,
}

impl<A: Aggregate> Given<A> {
    /// The id that handlers see in their context; without it they see one made of "1".
    pub fn with_id(mut self, id: A::Id) -> Self {
        self.id = Some(id);
        self
    }

    /// Who asks, as handlers see it.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.metadata.actor = Some(actor.into());
        self
    }

    /// What handlers see as actor, time and correlation.
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// Gives a command to the aggregate.
    ///
    /// # Panics
    /// When no id was given and "1" is not one, neither as a text, a number, nor a UUID.
    #[track_caller]
    #[must_use = "say what should have followed with one of the `then` methods"]
    #[expect(clippy::needless_pass_by_value, reason = "reads as a sentence: when(Deposit { .. })")]
    pub fn when<C: Command<A>>(self, command: C) -> When<A, C::Error> {
        let Self { mut state, version, id, metadata } = self;
        let outcome = match C::TARGET.check(version) {
            Err(WrongTarget::NotFound) => Outcome::NotFound,
            Err(WrongTarget::AlreadyExists) => Outcome::AlreadyExists,
            Ok(()) => {
                let id = id.or_else(some_id::<A>).expect("this kind of id cannot be made up: say `.with_id(..)`");
                match command.decide(&state, &CommandContext::new(&id, version, &metadata)) {
                    Ok(events) => {
                        for (earlier, event) in events.iter().enumerate() {
                            state.fold_ref(event, &metadata.of_event(earlier));
                        }
                        Outcome::Happened(events)
                    }
                    Err(error) => Outcome::Rejected(error),
                }
            }
        };
        When { state, outcome, expected: false }
    }
}

fn some_id<A: Aggregate>() -> Option<A::Id> {
    ["1", "00000000-0000-0000-0000-000000000001"].iter().find_map(|text| text.parse().ok())
}

/// What a command led to, to be held against what it should.
#[derive(Debug)]
pub struct When<A: Aggregate, E> {
    state: A,
    outcome: Outcome<A::Event, E>,
    /// Whether a `then` has held the outcome against what it should be.
    expected: bool,
}

#[derive(Debug)]
enum Outcome<S, E> {
    Happened(Vec<S>),
    Rejected(E),
    NotFound,
    AlreadyExists,
}

impl<S, E> Outcome<S, E> {
    fn name(&self) -> &'static str {
        match self {
            Self::Happened(events) if events.is_empty() => "nothing happened",
            Self::Happened(_) => "events happened",
            Self::Rejected(_) => "the command was rejected",
            Self::NotFound => "the aggregate does not exist, and the command is not one that begins it",
            Self::AlreadyExists => "the aggregate exists already, and the command is one that begins it",
        }
    }
}

#[expect(clippy::return_self_not_must_use, reason = "each `then` is an assertion; the next one is optional")]
impl<A: Aggregate, E> When<A, E> {
    /// Just these events followed, in this order.
    ///
    /// # Panics
    /// When others did, with the difference.
    #[track_caller]
    pub fn then(self, events: impl IntoEvents<A::Event>) -> Self
    where
        A::Event: Debug + PartialEq,
        E: Debug,
    {
        let expected = events.into_event_vec();
        match &self.outcome {
            Outcome::Happened(happened) if *happened == expected => {}
            Outcome::Happened(happened) => panic!("other events followed:\n{}", difference(&expected, happened)),
            Outcome::Rejected(error) => panic!("expected {expected:#?}, but the command was rejected: {error:#?}"),
            other => panic!("expected {expected:#?}, but {}", other.name()),
        }
        self.expected()
    }

    /// No event followed, and the command was not refused.
    ///
    /// # Panics
    /// When an event followed, or the command was refused.
    #[track_caller]
    pub fn then_nothing(self) -> Self
    where
        A::Event: Debug + PartialEq,
        E: Debug,
    {
        self.then(())
    }

    /// The domain refused with this error.
    ///
    /// # Panics
    /// When it did not, or with another.
    #[track_caller]
    #[expect(clippy::needless_pass_by_value, reason = "reads as a sentence: then_error(AccountError::Closed)")]
    pub fn then_error(self, expected: E) -> Self
    where
        A::Event: Debug,
        E: Debug + PartialEq,
    {
        match &self.outcome {
            Outcome::Rejected(error) if *error == expected => {}
            Outcome::Rejected(error) => panic!("it was rejected for another reason:\n{}", difference(&expected, error)),
            Outcome::Happened(events) => panic!("expected {expected:#?}, but these events followed: {events:#?}"),
            other => panic!("expected {expected:#?}, but {}", other.name()),
        }
        self.expected()
    }

    /// The domain refused with an error for which `matches` answers `true`.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn then_rejected(self, matches: impl FnOnce(&E) -> bool) -> Self
    where
        A::Event: Debug,
        E: Debug,
    {
        match &self.outcome {
            Outcome::Rejected(error) => assert!(matches(error), "it was rejected for another reason: {error:#?}"),
            Outcome::Happened(events) => panic!("expected a rejection, but these events followed: {events:#?}"),
            other => panic!("expected a rejection, but {}", other.name()),
        }
        self.expected()
    }

    /// The command was for an existing aggregate, and this one does not exist.
    ///
    /// # Panics
    /// When the command led to anything else.
    #[track_caller]
    pub fn then_not_found(self) -> Self {
        assert!(matches!(self.outcome, Outcome::NotFound), "expected NotFound, but {}", self.outcome.name());
        self.expected()
    }

    /// The command begins an aggregate, and this one exists already.
    ///
    /// # Panics
    /// When the command led to anything else.
    #[track_caller]
    pub fn then_already_exists(self) -> Self {
        assert!(matches!(self.outcome, Outcome::AlreadyExists), "expected AlreadyExists, but {}", self.outcome.name());
        self.expected()
    }

    /// Looks at the state after the events that followed.
    ///
    /// # Panics
    /// When the command was refused and nothing before this expected it: the state would be that of before, and a test
    /// might pass because of it.
    #[track_caller]
    pub fn then_state(self, look: impl FnOnce(&A)) -> Self {
        let happened = self.expected || matches!(self.outcome, Outcome::Happened(_));
        assert!(happened, "expected events, but {}", self.outcome.name());
        look(&self.state);
        self
    }

    fn expected(mut self) -> Self {
        self.expected = true;
        self
    }
}

/// Two values line by line, with `-` before what was expected and `+` before what came.
pub(super) fn difference(expected: &impl Debug, actual: &impl Debug) -> String {
    let (expected, actual) = (format!("{expected:#?}"), format!("{actual:#?}"));
    let mut text = String::from("(- expected, + actual)\n");
    for change in TextDiff::from_lines(&expected, &actual).iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        let _ = writeln!(text, "{sign} {}", change.value().trim_end_matches('\n'));
    }
    text
}
