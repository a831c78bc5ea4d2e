//! Drafts: decisions that look at what their own first events lead to.

use crate::{
    aggregate::{Aggregate, EventHandlers},
    command::{CommandContext, IntoEvents, may_follow},
    recorded::Metadata,
};

/// A decision in the making: the events so far, and the state that they lead to.
///
/// A command handler with `&self` begins one with [`self.draft()`](Aggregate::draft), and one without `self` with
/// [`Draft::<Self>::new()`](Draft::new). It returns the draft inside `Ok`. Only its events go on from there: nothing has
/// happened until they are stored.
///
/// ```
/// use es_core::{prelude::*, testing::given};
/// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// # struct AccountId(String);
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
/// # struct MoneyWithdrawn { amount: i64 }
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
/// # struct AccountOverdrawn { by: i64 }
/// # #[derive(EventSet, Clone, Debug, PartialEq)]
/// # enum AccountEvent { Withdrawn(MoneyWithdrawn), Overdrawn(AccountOverdrawn) }
/// # #[derive(Aggregate, Default, Clone, Debug)]
/// # #[aggregate(name = "account", id = AccountId, event = AccountEvent)]
/// # struct Account { balance: i64 }
/// # #[event_handler]
/// # impl Account {
/// #     fn withdrawn(&mut self, event: &MoneyWithdrawn) { self.balance -= event.amount; }
/// #     fn overdrawn(&mut self, _: &AccountOverdrawn) {}
/// # }
/// # struct Withdraw { amount: i64 }
///
/// #[command_handler]
/// impl Account {
///     #[command(or_default)]
///     fn withdraw(&self, command: &Withdraw) -> Result<Draft<Self>, std::convert::Infallible> {
///         let mut draft = self.draft();
///         draft.record(MoneyWithdrawn { amount: command.amount });
///         let balance = draft.state().balance;
///         if balance < 0 {
///             draft.record(AccountOverdrawn { by: -balance });
///         }
///         Ok(draft)
///     }
/// }
///
/// given::<Account>(())
///     .when(Withdraw { amount: 10 })
///     .then((MoneyWithdrawn { amount: 10 }, AccountOverdrawn { by: 10 }));
/// ```
///
/// # Event handlers that read metadata
///
/// They must see in the draft what they will see in every replay: the id of the event, who asked, and when. Only the
/// command's context knows that, so there a draft begins with [`context.draft(self)`](CommandContext::draft) or
/// [`context.new_draft()`](CommandContext::new_draft). The other two ways do not compile:
///
/// ```compile_fail,E0277
/// use es_core::prelude::*;
/// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// # struct LampId(String);
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
/// # struct LampLit {}
/// # #[derive(EventSet, Clone, Debug, PartialEq)]
/// # enum LampEvent { Lit(LampLit) }
/// # #[derive(Aggregate, Default, Clone, Debug)]
/// # #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
/// # struct Lamp { lit_by: Option<String> }
///
/// #[event_handler]
/// impl Lamp {
///     fn lit(&mut self, _: &LampLit, metadata: &Metadata) {
///         self.lit_by.clone_from(&metadata.actor);
///     }
/// }
///
/// let draft = Lamp::default().draft();       // for whom?
/// ```
///
/// # In an answer with others
///
/// A draft may be in an `Option` or at the beginning of a tuple. It knows nothing of events that stand before it, so they
/// are recorded in it; anything else does not compile:
///
/// ```compile_fail,E0080
/// # use es_core::prelude::*;
/// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// # struct LampId(String);
/// # #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
/// # struct LampLit {}
/// # #[derive(EventSet, Clone, Debug, PartialEq)]
/// # enum LampEvent { Lit(LampLit) }
/// # #[derive(Aggregate, Default, Clone, Debug)]
/// # #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
/// # struct Lamp { lit: bool }
/// # #[event_handler]
/// # impl Lamp { fn lit(&mut self, _: &LampLit) { self.lit = true; } }
/// # let lamp = Lamp::default();
/// let both = (lamp.draft(), LampLit {}).into_event_vec();
/// let events: Vec<LampEvent> = (LampLit {}, lamp.draft()).into_event_vec();
/// ```
#[derive(Clone, Debug)]
#[must_use = "the events happen when the command handler returns the draft"]
pub struct Draft<A: Aggregate> {
    state: A,
    events: Vec<A::Event>,
    /// What the command knows; its event id is the one that those of the events are made from.
    command: Metadata,
}

/// A draft can begin from a state that can be copied.
#[diagnostic::on_unimplemented(
    message = "a draft begins from a copy of the state, and `{A}` is not `Clone`",
    label = "needs `{A}: Clone`",
    note = "add `#[derive(Clone)]` to `{A}`; the state itself changes only when the events are stored"
)]
pub trait FromState<A>: Sized {
    /// The copy from which it begins.
    fn copy(state: &A) -> A;
}

#[diagnostic::do_not_recommend]
impl<A: Aggregate + Clone> FromState<A> for Draft<A> {
    fn copy(state: &A) -> A {
        state.clone()
    }
}

/// No event handler of the aggregate reads metadata, so that a draft needs no command to begin from; written by
/// `#[event_handler]`.
///
/// What an event handler sees in a draft must be what it will see in every replay. The metadata of events is known to the
/// command's context alone.
#[diagnostic::on_unimplemented(
    message = "an event handler of `{Self}` reads metadata, which a draft without the command's context does not have",
    label = "this draft knows no metadata",
    note = "write `context.draft(self)`, or `context.new_draft()` in a handler without `self`, with `context: &CommandContext<'_, Self>` as the command handler's second argument"
)]
pub trait ReadsNoMetadata {}

impl<A: Aggregate> Draft<A> {
    /// A draft from the state of an empty stream, for command handlers without `self`. In one with `&self` it would
    /// decide upon a state that is not the aggregate's: there a draft begins with [`self.draft()`](Aggregate::draft).
    #[expect(clippy::new_without_default, reason = "a default would hide that the draft is for an empty stream")]
    pub fn new() -> Self
    where
        A: ReadsNoMetadata,
    {
        Self::without_metadata(A::initial())
    }

    /// A draft for event handlers that read no metadata.
    pub(crate) fn without_metadata(state: A) -> Self {
        Self { state, events: Vec::new(), command: Metadata::unread() }
    }

    /// Adds an event, or several in the shapes that a command handler may return, and applies each to the draft's state.
    pub fn record<E: IntoEvents<A::Event>>(&mut self, events: E) {
        const { may_follow(E::COMES_FIRST) };
        for event in events.into_event_vec() {
            self.state.fold_ref(&event, &self.command.of_event(self.events.len()));
            self.events.push(event);
        }
    }

    /// The state that the events so far lead to.
    pub fn state(&self) -> &A {
        &self.state
    }

    /// The events so far, in order.
    pub fn events(&self) -> &[A::Event] {
        &self.events
    }

    /// Whether nothing has been recorded.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

impl<A: Aggregate> CommandContext<'_, A> {
    /// A draft from a copy of `state`, in which event handlers see the metadata that the events will be stored with.
    ///
    /// ```
    /// use es_core::{prelude::*, testing::given};
    /// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
    /// # struct LampId(String);
    /// # #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    /// # struct LampLit {}
    /// # #[derive(EventSet, Clone, Debug, PartialEq)]
    /// # enum LampEvent { Lit(LampLit) }
    /// # #[derive(Aggregate, Default, Clone, Debug)]
    /// # #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
    /// # struct Lamp { lit_by: Option<String> }
    /// # #[event_handler]
    /// # impl Lamp {
    /// #     fn lit(&mut self, _: &LampLit, metadata: &Metadata) { self.lit_by.clone_from(&metadata.actor); }
    /// # }
    /// # struct Light;
    /// # #[derive(Debug, PartialEq)]
    /// # struct Nobody;
    ///
    /// #[command_handler]
    /// impl Lamp {
    ///     #[command(or_default)]
    ///     fn light(&self, _: &Light, context: &CommandContext<'_, Self>) -> Result<Draft<Self>, Nobody> {
    ///         let mut draft = context.draft(self);
    ///         draft.record(LampLit {});
    ///         if draft.state().lit_by.is_none() { Err(Nobody) } else { Ok(draft) }
    ///     }
    /// }
    ///
    /// given::<Lamp>(()).actor("porter").when(Light).then(LampLit {});
    /// given::<Lamp>(()).when(Light).then_error(Nobody);
    /// ```
    pub fn draft(&self, state: &A) -> Draft<A>
    where
        Draft<A>: FromState<A>,
    {
        self.draft_from(Draft::copy(state))
    }

    /// A draft from the state of an empty stream, for handlers without `self`. In one with `&self` it would decide upon a
    /// state that is not the aggregate's: write [`context.draft(self)`](Self::draft) there.
    pub fn new_draft(&self) -> Draft<A> {
        self.draft_from(A::initial())
    }

    fn draft_from(&self, state: A) -> Draft<A> {
        let reads_metadata = <A as EventHandlers<A::Event>>::READS_METADATA;
        let command = if reads_metadata { self.metadata().clone() } else { Metadata::unread() };
        Draft { state, events: Vec::new(), command }
    }
}

impl<Set, A: Aggregate<Event = Set>> IntoEvents<Set> for Draft<A> {
    const COMES_FIRST: bool = true;

    fn into_events(self, events: &mut Vec<Set>) {
        events.extend(self.events);
    }
}
