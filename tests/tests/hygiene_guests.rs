//! What the macros write fits where users put it: under any visibility, in functions and macros, under any name, around
//! fields of any type.
#![deny(warnings)]

use es_core::{prelude::*, testing::given};

// ── Visibility ──────────────────────────────────────────────────────────────

/// What is seen nowhere else, or only in part of the crate.
mod visibility {
    mod inner {
        use es_core::prelude::*;

        #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
        pub(in super::super) struct LampId(String);

        #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
        struct LampLitV1 {}

        #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
        #[event(name = "LampLitV1", version = 2, previous = LampLitV1)]
        pub(in super::super) struct LampLit {
            pub(super) watts: u32,
        }

        impl From<LampLitV1> for LampLit {
            fn from(_: LampLitV1) -> Self {
                Self { watts: 40 }
            }
        }

        #[derive(EventSet, Clone, Debug, PartialEq)]
        pub(in super::super) enum LampEvent {
            Lit(LampLit),
        }

        #[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
        #[aggregate(name = "lamp", id = LampId, event = LampEvent, snapshot(every = 5))]
        pub(in super::super) struct Lamp {
            watts: u32,
        }

        #[event_handler]
        impl Lamp {
            pub(super) fn lit(&mut self, event: &LampLit) {
                self.watts = event.watts;
            }
        }

        struct Refused;

        /// Of a trait that is public, for a type that is not.
        struct Hidden;

        pub(super) struct Light;

        #[command_handler]
        impl Lamp {
            pub(super) fn light(_: &Light) -> Result<LampLit, String> {
                Ok(LampLit { watts: 60 })
            }

            fn hidden(&self, _: &Hidden) -> Result<Draft<Self>, Refused> {
                if self.watts > 0 { Ok(self.draft()) } else { Err(Refused) }
            }
        }

        pub(super) fn hidden_is_refused(lamp: &Lamp) -> bool {
            lamp.hidden(&Hidden).is_err()
        }
    }

    #[test]
    fn what_is_private_stays_private() {
        use es_core::testing::given;

        drop(given::<inner::Lamp>(()).when(inner::Light).then(inner::LampLit { watts: 60 }));
        assert!(inner::hidden_is_refused(&inner::Lamp::default()));
        assert_eq!(inner::Lamp::light(&inner::Light).map(|event| event.watts), Ok(60));
        assert_eq!("hall".parse::<inner::LampId>().map(|id| id.to_string()), Ok("hall".to_owned()));
    }
}

// ── Macros of the user's ────────────────────────────────────────────────────

macro_rules! field {
    ($kind:ty) => { Option<$kind> };
}

/// Calls another, and hands on fragments of every kind.
macro_rules! domain {
    ($visibility:vis $name:ident: $id:ident($inner:ty), $stored:literal, every $every:tt, $($event:ident => $handler:ident),+) => {
        #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
        $visibility struct $id($inner);

        $(domain!(@event $visibility $event);)+

        domain!(@rest $visibility $name, $id, $stored, $every, $($event => $handler),+);
    };
    (@event $visibility:vis $event:ident) => {
        #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
        #[event(version = 1)]
        $visibility struct $event { amount: field!(i64) }
    };
    (@rest $visibility:vis $name:ident, $id:ty, $stored:literal, $every:tt, $($event:ident => $handler:ident),+) => {
        #[derive(EventSet, Clone, Debug, PartialEq)]
        $visibility enum Events { $($event($event)),+ }

        #[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
        #[aggregate(name = $stored, id = $id, event = Events, snapshot(every = $every))]
        $visibility struct $name { total: i64 }

        #[event_handler]
        impl $name {
            $(fn $handler(&mut self, event: &$event) { self.total += event.amount.unwrap_or_default(); })+
        }
    };
}

macro_rules! commands {
    ($owner:ident: $($handler:ident($command:ty) -> $event:ident),+) => {
        #[command_handler]
        impl $owner {
            $(
                #[command(or_default)]
                fn $handler(&self, command: &$command) -> Result<$event, std::num::TryFromIntError> {
                    let amount = i64::try_from(command.0)?;
                    Ok($event { amount: Some(amount) })
                }
            )+
        }
    };
}

#[test]
fn macros_of_the_users_may_write_them_inside_a_function() {
    domain!(pub(crate) Account: Number(u64), "account", every 10, Deposited => deposited, Paid => paid);

    struct Deposit(u64);
    struct Pay<T>(T);

    commands!(Account: deposit(Deposit) -> Deposited, pay(Pay<u128>) -> Paid);

    let number = Number::from(7);
    assert_eq!(number.to_string(), "7");
    assert_eq!((Deposited::NAME, Account::NAME), ("Deposited", "account"));
    drop(
        given::<Account>(Deposited { amount: Some(5) })
            .when(Pay(3_u128))
            .then_state(|state| assert_eq!(state.total, 8)),
    );
    drop(given::<Account>(()).when(Deposit(u64::MAX)).then_rejected(|_| true));
}

// ── Fields of any type ──────────────────────────────────────────────────────

const LETTERS: usize = 4;

#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
struct Money<C> {
    amount: i64,
    currency: std::marker::PhantomData<C>,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Crown;

#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
struct Grid<T, const N: usize>(Vec<T>);

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct Key(std::primitive::u32);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Coined {
    worth: Money<Crown>,
    stamp: [u8; LETTERS],
    grid: Grid<[u8; 1 + 1], { LETTERS * 2 }>,
    by: Option<Box<dyn_free::Name>>,
    nested: std::collections::BTreeMap<String, <Vec<i8> as IntoIterator>::Item>,
}

mod dyn_free {
    pub(super) type Name = String;
}

#[derive(EventSet, Clone, Debug, PartialEq)]
enum MintEvent {
    Coined(self::Coined),
}

#[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "mint", id = self::Key, event = self::MintEvent, snapshot(every = 3, version = 2))]
struct Mint {
    last: Option<Money<Crown>>,
    stamp: [u8; LETTERS],
    grid: Grid<[u8; 1 + 1], { LETTERS * 2 }>,
}

#[event_handler]
impl self::Mint {
    fn coined(&mut self, event: self::Coined) {
        (self.last, self.stamp, self.grid) = (Some(event.worth), event.stamp, event.grid);
    }
}

struct Coin<const N: usize> {
    stamp: [u8; N],
}

#[command_handler]
impl self::Mint {
    #[command(or_default)]
    fn coin(&self, command: &Coin<{ LETTERS }>) -> Result<self::Coined, std::convert::Infallible> {
        let (worth, grid) = (Money { amount: 1, ..Money::default() }, Grid(vec![[1, 2]]));
        Ok(Coined { worth, stamp: command.stamp, grid, by: None, nested: [].into() })
    }

    /// An array as a command, and nothing but that.
    #[command(or_default)]
    fn shake(&self, [first, ..]: &[u8; 3]) -> Result<(), u8> {
        Err(*first)
    }
}

#[test]
fn fields_have_constants_and_parameters() {
    drop(given::<Mint>(()).when(Coin { stamp: *b"MINT" }).then_state(|mint| {
        assert_eq!((&mint.stamp, mint.grid.0.len()), (b"MINT", 1));
        assert_eq!(mint.last.as_ref().map(|worth| worth.amount), Some(1));
    }));
    drop(given::<Mint>(()).when([7_u8, 8, 9]).then_error(7));
}

// ── Names ───────────────────────────────────────────────────────────────────

/// Names of traits, of types, of the prelude and of the parts of generated code.
mod names {
    use es_core::prelude::{Aggregate, AggregateId, Event, EventSet, command_handler, event_handler};
    use serde::{Deserialize, Serialize};

    #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
    pub(super) struct String(std::string::String);

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub(super) struct Option {
        pub(super) r#type: u32,
        pub(super) __event: u8,
        pub(super) __metadata: u8,
    }

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub(super) struct Vec {}

    #[derive(EventSet, Clone, Debug, PartialEq)]
    pub(super) enum Result {
        Ok(Option),
        Err(Vec),
    }

    #[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
    #[aggregate(name = "box", id = String, event = Result, snapshot(every = 1))]
    pub(super) struct Box {
        pub(super) r#match: u32,
        pub(super) state: u32,
    }

    #[event_handler]
    impl Box {
        fn apply(&mut self, __event: &Option) {
            self.r#match = __event.r#type;
        }

        fn r#move(&mut self, self_: &Vec) {
            let Vec {} = self_;
            self.state += 1;
        }
    }

    #[derive(Clone, Debug)]
    pub(super) struct Send {
        pub(super) r#in: u32,
    }

    #[derive(Clone, Debug)]
    pub(super) struct Sync;

    #[derive(Clone, Debug, PartialEq)]
    pub(super) struct Error;

    #[command_handler]
    impl Box {
        #[command(or_default)]
        fn decide(&self, __command: Send) -> std::result::Result<Option, Error> {
            let (__state, __context, __outcome) = (self, (), __command.r#in);
            if __state.r#match > 9 { Err(Error) } else { Ok(Option { r#type: __outcome, __event: 0, __metadata: 0 }) }
        }

        fn fold(&self, Sync: &Sync) -> std::result::Result<Vec, Error> {
            Ok(Vec {})
        }
    }
}

#[test]
fn names_of_traits_and_of_generated_code_are_free() {
    use names::{Box, Option, Send, Sync, Vec};

    let event = |r#type| Option { r#type, __event: 0, __metadata: 0 };
    drop(given::<Box>(()).when(Send { r#in: 5 }).then(event(5)).then_state(|state| assert_eq!(state.r#match, 5)));
    drop(given::<Box>(event(10)).when(Send { r#in: 5 }).then_error(names::Error));
    drop(given::<Box>(event(1)).when(Sync).then(Vec {}).then_state(|state| assert_eq!(state.state, 1)));
    assert_eq!(
        <names::Result as EventSet>::SCHEMAS.iter().map(|schema| schema.name).collect::<std::vec::Vec<_>>(),
        ["Option", "Vec"]
    );
    assert_eq!("a".parse::<names::String>().map(|id| id.to_string()), Ok("a".to_owned()));
}
