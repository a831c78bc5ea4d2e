//! Code that takes `es_core` from another path.

use ::es_core::prelude::*;
use ::std::prelude::v1::*;

/// A library that is `es_core` but for some parts of its own: what the macros write takes them from where they are told.
pub(super) mod library {
    use ::es_core::private as real;

    pub(crate) use ::es_core::*;

    pub(crate) trait AggregateId {
        const PROVED: usize;
    }

    pub(crate) trait Event {
        const NAME: &'static str;
        const VERSION: u32;
        const SHAPE: ::core::option::Option<&'static real::lock::Shape>;
    }

    pub(crate) trait Decision {
        type Events;
        type Error;

        fn into_result(self) -> ::core::result::Result<Self::Events, Self::Error>;
    }

    pub(crate) mod private {
        pub(crate) use super::real::*;

        pub(crate) trait HasInitial {}

        pub(crate) fn initial<A: ::core::default::Default>() -> A {
            A::default()
        }
    }
}

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
#[aggregate_id(crate = library)]
pub(super) struct OtherId(u64);

#[derive(Event)]
#[event(crate = super::elsewhere::library)]
pub(super) struct OtherEvent {}

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LampId(pub(super) u64);

#[derive(Event, Serialize, Deserialize)]
pub(super) struct LampLit {}

#[derive(EventSet)]
#[event_set(crate = crate::elsewhere::library)]
pub(super) enum LampEvent {
    Lit(LampLit),
}

#[derive(Aggregate, Serialize, Deserialize, Default)]
#[aggregate(crate = library, name = "lamp", id = LampId, event = LampEvent, snapshot(every = 1))]
pub(super) struct Lamp {}

#[event_handler(crate = library)]
impl Lamp {
    fn lit(&mut self, _: &LampLit, _: &Metadata) {}
}

pub(super) struct Light;

/// A decision to that library, and none to the real one.
pub(super) struct Always<T>(T);

impl<T> library::Decision for Always<T> {
    type Events = T;
    type Error = ();

    fn into_result(self) -> Result<T, ()> {
        Ok(self.0)
    }
}

#[command_handler(crate = self::library)]
impl Lamp {
    fn light(_: &Light) -> Always<LampLit> {
        Always(LampLit {})
    }
}
