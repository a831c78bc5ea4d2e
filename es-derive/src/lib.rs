//! The macros of `es_core`. They are re-exported by its prelude, which is where to take them from.
//!
//! | macro | goes above | writes |
//! |---|---|---|
//! | [`AggregateId`](macro@AggregateId) | a newtype | what an id needs: text, data, and back |
//! | [`Event`](macro@Event) | a struct | its stored name and version |
//! | [`EventSet`](macro@EventSet) | an enum of events | storing, reading back, and the way to the handlers |
//! | [`Aggregate`](macro@Aggregate) | a struct or an enum | its stored name, its id, its events, its snapshots |
//! | [`ReadModel`](macro@ReadModel) | a struct | its table, and its rows' first values |
//! | [`Projection`](macro@Projection) | a type | its stored name and version |
//! | [`Reactor`](macro@Reactor) | a type | its stored name |
//! | [`event_handler`](macro@event_handler) | an `impl` block | one handler for each event |
//! | [`command_handler`](macro@command_handler) | an `impl` block | one handler for each command |
//!
//! All of them take `crate = path`, for code that has `es_core` under another name.
//!
//! Each macro is a folder: `model` reads what the user wrote, `validate` holds the rules, `expand` writes the code, and
//! `fallback` writes what is left where a rule is broken, so that one mistake gives one message. All messages are in
//! `messages`.

use proc_macro::TokenStream;

mod aggregate;
mod aggregate_id;
mod attributes;
mod command_handler;
mod errors;
mod event;
mod event_handler;
mod event_set;
mod fingerprint;
mod generics;
mod handlers;
mod krate;
mod lock;
mod messages;
mod names;
mod print;
mod projection;
mod proofs;
mod quiet;
mod reactor;
mod read_model;
mod running;
mod source;
mod spans;
mod suggest;
#[cfg(test)]
mod typing;
mod version;

/// Makes a newtype the identity of an aggregate.
///
/// What is inside is anything that is text and data: it has `Display`, `FromStr`, `Serialize` and `DeserializeOwned`, as
/// `String`, `Uuid` and the whole numbers have. Written are `Display`, `FromStr` (with the error of what is inside),
/// `Serialize` and `Deserialize` (as what is inside), `From` what is inside, and `es_core::AggregateId`. The rest of
/// what an id needs is derived as ever: `Clone`, `Debug`, `PartialEq`, `Eq` and `Hash`.
///
/// ```
/// use es_core::prelude::*;
///
/// #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// struct AccountId(String);
///
/// #[derive(AggregateId, Clone, Copy, Debug, PartialEq, Eq, Hash)]
/// struct OrderNumber(u64);
///
/// assert_eq!(AccountId::from("savings".to_owned()).to_string(), "savings");
/// assert_eq!("4711".parse(), Ok(OrderNumber(4711)));
/// ```
///
/// # Keys of `#[aggregate_id(..)]`
///
/// `crate = path`: where `es_core` is.
#[proc_macro_derive(AggregateId, attributes(aggregate_id))]
pub fn aggregate_id(input: TokenStream) -> TokenStream {
    quiet::quiet(aggregate_id::derive(input.into())).into()
}

/// Makes a struct with named fields an event: a fact, with the name and version under which it is stored.
///
/// The stored name is the struct's, unless the attribute says another: then the struct can be renamed freely. It has 1
/// to 255 bytes, and nothing else in the store may have it.
///
/// ```
/// use es_core::prelude::*;
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event(name = "MoneyDeposited")]
/// struct Deposited { amount: i64 }
///
/// assert_eq!(Deposited::NAME, "MoneyDeposited");
/// assert_eq!(Deposited::VERSION, 1);
/// ```
///
/// # Keys of `#[event(..)]`
///
/// - `name = ".."`: the stored name.
/// - `version = N`: the version of the stored form, 1 unless it is given.
/// - `previous = Type`: the type of the version before, which becomes this one by `From` or `TryFrom`.
/// - `upcast(1 = function, ..)`: steps over JSON, each from its version to the next, for what structs cannot say: the
///   function takes a `serde_json::Value` and returns one, or a `Result` with one. With `previous`, the steps cover the
///   versions between that type and this one.
/// - `oldest = N`: the oldest version that is read, where older ones were never stored.
/// - `unlocked`: the event is not held against `events.lock`, nor put into it; for a test that uses a released name.
/// - `crate = path`: where `es_core` is.
///
/// # The lock
///
/// Where there is an `events.lock` beside the crate's `Cargo.toml`, what it says of this version is compared with the
/// struct. What stored events could not be read with is an error at the field: another type, a field that is gone or that
/// they lack, another serde attribute. The file is written by the test `es_core::testing::schema_lock!`, never by a
/// macro.
#[proc_macro_derive(Event, attributes(event))]
pub fn event(input: TokenStream) -> TokenStream {
    quiet::quiet(event::derive(input.into())).into()
}

/// Makes an enum the set of all events that an aggregate can have, one in each variant.
///
/// ```
/// use es_core::prelude::*;
///
/// #[derive(Event, Serialize, Deserialize)]
/// struct AccountOpened { overdraft: i64 }
///
/// #[derive(Event, Serialize, Deserialize)]
/// struct MoneyDeposited { amount: i64 }
///
/// #[derive(EventSet)]
/// enum AccountEvent {
///     Opened(AccountOpened),
///     Deposited(MoneyDeposited),
/// }
///
/// let event = AccountEvent::from(MoneyDeposited { amount: 100 });
/// assert_eq!(event.schema().name, "MoneyDeposited");
/// let decoded = AccountEvent::decode("MoneyDeposited", 1, br#"{"amount": 100}"#);
/// assert!(matches!(decoded, Ok(Some(AccountEvent::Deposited(MoneyDeposited { amount: 100 })))));
/// ```
///
/// Written are `es_core::EventSet`; for each event `From`, `IntoEvents` and `EventOf`; and `Dispatch` for everything
/// that has a handler for each of the events. That no two of them have the same stored name is checked; and, where
/// there is an `events.lock`, that every version of an event which it lists under this set can still be read.
///
/// # Keys of `#[event_set(..)]`
///
/// - `retired("..", ..)`: stored names of events whose structs were removed on purpose. What is stored under them can be
///   read in its stored form; states, histories and whatever else reads typed events pass over it.
/// - `unlocked`: the set is not held against `events.lock`; for a test's own set that has the name of a released one.
/// - `crate = path`: where `es_core` is.
#[proc_macro_derive(EventSet, attributes(event_set))]
pub fn event_set(input: TokenStream) -> TokenStream {
    quiet::quiet(event_set::derive(input.into())).into()
}

/// Makes a struct or an enum an aggregate: the state that decides about commands.
///
/// The state of an aggregate to which nothing has happened is its `Default`. How events change it is said by
/// [`event_handler`](macro@event_handler), what it may be asked by [`command_handler`](macro@command_handler).
///
/// ```
/// use es_core::prelude::*;
/// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// # struct AccountId(String);
/// # #[derive(Event, Serialize, Deserialize)]
/// # struct MoneyDeposited { amount: i64 }
/// # #[derive(EventSet)]
/// # enum AccountEvent { Deposited(MoneyDeposited) }
///
/// #[derive(Aggregate, Serialize, Deserialize, Default)]
/// #[aggregate(name = "account", id = AccountId, event = AccountEvent, snapshot(every = 100))]
/// struct Account { balance: i64 }
///
/// #[event_handler]
/// impl Account {
///     fn deposited(&mut self, event: &MoneyDeposited) {
///         self.balance += event.amount;
///     }
/// }
///
/// assert_eq!(Account::NAME, "account");
/// ```
///
/// # Keys of `#[aggregate(..)]`
///
/// - `name = ".."`: the stored name, the type of the streams. Nothing else in the store may have it, and it never changes.
/// - `id = Type`: what tells one from another.
/// - `event = Type`: the set of its events.
/// - `snapshot(every = N, version = M)`: keeps the state after every `N` events, so that loading need not begin at the
///   first event. The state must be `Serialize` and `Deserialize`. A snapshot is used as long as the fields' names, types
///   and serde attributes are the same; raise `version` (1 unless given) when the state means something else although
///   they are: when a handler changed, or a type inside.
/// - `unlocked`: the name is not held against `events.lock`; for a test's own aggregate with the events of a released one.
/// - `crate = path`: where `es_core` is.
#[proc_macro_derive(Aggregate, attributes(aggregate))]
pub fn aggregate(input: TokenStream) -> TokenStream {
    quiet::quiet(aggregate::derive(input.into())).into()
}

#[doc = include_str!("docs/read_model.md")]
#[proc_macro_derive(ReadModel, attributes(read_model))]
pub fn read_model(input: TokenStream) -> TokenStream {
    quiet::quiet(read_model::derive(input.into())).into()
}

#[doc = include_str!("docs/projection.md")]
#[proc_macro_derive(Projection, attributes(projection))]
pub fn projection(input: TokenStream) -> TokenStream {
    quiet::quiet(projection::derive(input.into())).into()
}

#[doc = include_str!("docs/reactor.md")]
#[proc_macro_derive(Reactor, attributes(reactor))]
pub fn reactor(input: TokenStream) -> TokenStream {
    quiet::quiet(reactor::derive(input.into())).into()
}

#[doc = include_str!("docs/event_handler.md")]
#[proc_macro_attribute]
pub fn event_handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    quiet::quiet(event_handler::attribute(arguments.into(), &item.into())).into()
}

/// Makes every function of an `impl` block the handler of one command.
///
/// A handler is found by the type of its first argument beside `self`, whatever its name is. It answers with
/// `Result<events, error>`: one event, the set's enum, `()` for nothing, a draft, or an `Option`, a `Vec`, an array or a
/// tuple of them. The error is the command's own. A command may have handlers in several aggregates.
///
/// - With `&self` the command is for an aggregate that exists; on any other the answer is `NotFound`. Without `self` it
///   begins one; where there is one, the answer is `AlreadyExists`. With `&self` and `#[command(or_default)]` it is for
///   both: what does not exist is seen in its default state.
/// - `command: &Command` looks at the command; `command: Command` takes a copy of it, and the command must be `Clone`.
///   It may borrow: `command: &Command<'_>`.
/// - `context: &CommandContext<'_, Self>` as a second argument tells the id, the version, and who asks.
///
/// Where a decision depends on what its own first events lead to, it writes a draft: `self.draft()` begins one,
/// `draft.record(event)` adds to it, `draft.state()` shows what they lead to, and `Ok(draft)` is the answer.
///
/// A decision is pure. Ask services first, and put their answer into the command.
///
/// ```
/// use es_core::{prelude::*, testing::given};
/// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// # struct AccountId(String);
/// # #[derive(Event, Serialize, Deserialize, Debug, PartialEq)]
/// # struct AccountOpened {}
/// # #[derive(Event, Serialize, Deserialize, Debug, PartialEq)]
/// # struct MoneyWithdrawn { amount: i64 }
/// # #[derive(EventSet, Debug, PartialEq)]
/// # enum AccountEvent { Opened(AccountOpened), Withdrawn(MoneyWithdrawn) }
/// # #[derive(Aggregate, Default)]
/// # #[aggregate(name = "account", id = AccountId, event = AccountEvent)]
/// # struct Account { balance: i64 }
/// # #[event_handler]
/// # impl Account {
/// #     fn opened(&mut self, _: &AccountOpened) {}
/// #     fn withdrawn(&mut self, event: &MoneyWithdrawn) { self.balance -= event.amount; }
/// # }
/// # struct OpenAccount;
/// # struct Withdraw { amount: i64 }
/// # #[derive(Debug, PartialEq)]
/// # struct Overdrawn;
///
/// #[command_handler]
/// impl Account {
///     fn open(_: &OpenAccount) -> Result<AccountOpened, std::convert::Infallible> {
///         Ok(AccountOpened {})
///     }
///
///     fn withdraw(&self, command: &Withdraw) -> Result<MoneyWithdrawn, Overdrawn> {
///         if command.amount > self.balance {
///             return Err(Overdrawn);
///         }
///         Ok(MoneyWithdrawn { amount: command.amount })
///     }
/// }
///
/// given::<Account>(()).when(OpenAccount).then(AccountOpened {});
/// given::<Account>(AccountOpened {}).when(Withdraw { amount: 10 }).then_error(Overdrawn);
/// given::<Account>(()).when(Withdraw { amount: 10 }).then_not_found();
/// ```
///
/// # Keys of `#[command(..)]`
///
/// `or_default`, above a handler with `&self`: the command is for an empty stream too.
///
/// # Arguments
///
/// `#[command_handler(crate = path)]`: where `es_core` is.
#[proc_macro_attribute]
pub fn command_handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    quiet::quiet(command_handler::attribute(arguments.into(), &item.into())).into()
}
