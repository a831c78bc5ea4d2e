//! What the macros write means the same wherever it is written: without a prelude, among types with the names of the
//! standard library's, under another name of `es_core`, inside functions, with raw identifiers.
#![no_implicit_prelude]

/// Types that generated code must not take for the real ones.
mod hostile {
    pub struct Aggregate;
    pub struct Box;
    pub struct Clone;
    pub struct Command;
    pub struct CommandContext;
    pub struct Default;
    pub struct Error;
    pub struct Event;
    pub struct EventSet;
    pub struct From;
    pub struct Metadata;
    pub struct Option;
    pub struct Result;
    pub struct Send;
    pub struct Some;
    pub struct String;
    pub struct Sync;
    pub struct Vec;

    pub mod core {}
    pub mod std {}
    pub mod es_core {}
    pub mod serde {}
}

/// A whole domain among hostile names.
mod domain {
    use super::hostile::*;

    #[derive(
        ::es_core::prelude::AggregateId,
        ::core::clone::Clone,
        ::core::fmt::Debug,
        ::core::cmp::PartialEq,
        ::core::cmp::Eq,
        ::core::hash::Hash,
    )]
    pub struct LampId(::std::string::String);

    #[derive(::es_core::prelude::Event, ::serde::Serialize, ::serde::Deserialize, ::core::clone::Clone)]
    pub struct LampLit {
        pub watts: ::core::primitive::u32,
    }

    #[derive(::es_core::prelude::Event, ::serde::Serialize, ::serde::Deserialize)]
    pub struct LampPutOut {}

    #[derive(::es_core::prelude::EventSet)]
    pub enum LampEvent {
        Lit(LampLit),
        PutOut(LampPutOut),
    }

    #[derive(::es_core::prelude::Aggregate, ::serde::Serialize, ::serde::Deserialize, ::core::default::Default)]
    #[aggregate(name = "lamp", id = LampId, event = LampEvent, snapshot(every = 1))]
    pub struct Lamp {
        pub watts: ::core::primitive::u32,
    }

    #[::es_core::prelude::event_handler]
    impl Lamp {
        fn lit(&mut self, event: LampLit) {
            self.watts = event.watts;
        }

        fn put_out(&mut self, _: &LampPutOut, _: &::es_core::Metadata) {
            self.watts = 0;
        }
    }

    #[derive(::core::clone::Clone)]
    pub struct Light {
        pub watts: ::core::primitive::u32,
    }

    pub struct PutOut;

    #[::es_core::prelude::command_handler]
    impl Lamp {
        #[command(or_default)]
        fn light(&self, command: Light) -> ::core::result::Result<LampLit, Error> {
            ::core::result::Result::Ok(LampLit { watts: command.watts })
        }

        fn extinguish(
            &self,
            _: &PutOut,
            _: &::es_core::CommandContext<'_, Self>,
        ) -> ::core::result::Result<::core::option::Option<LampPutOut>, Error> {
            ::core::result::Result::Ok(::core::option::Option::Some(LampPutOut {}))
        }
    }

    // The names are there to be in the way.
    pub type InTheWay =
        (Aggregate, Box, Clone, Command, CommandContext, Default, Error, Event, EventSet, From, Metadata, Option);
    pub type AlsoInTheWay = (Result, Send, Some, String, Sync, Vec);
}

#[::core::prelude::v1::test]
fn names_of_the_users_are_not_in_the_way() {
    use ::core::{assert_eq, convert::Into, result::Result::Ok, str::FromStr};

    let mut lamp = <domain::Lamp as ::es_core::Aggregate>::initial();
    let metadata = ::es_core::Metadata::at(::es_core::prelude::DateTime::UNIX_EPOCH);
    ::es_core::EventHandlers::fold(&mut lamp, domain::LampEvent::Lit(domain::LampLit { watts: 60 }), &metadata);
    assert_eq!(lamp.watts, 60);
    let id = domain::LampId::from_str("hall");
    assert_eq!(id, Ok(<::std::string::String as FromStr>::from_str("hall").unwrap().into()));
    let context =
        ::es_core::CommandContext::new(id.as_ref().expect("an id"), ::es_core::StreamVersion::EMPTY, &metadata);
    let events = ::es_core::Command::decide(&domain::Light { watts: 40 }, &lamp, &context);
    assert_eq!(events.map(|events| events.len()).ok(), ::core::option::Option::Some(1));
    let events = ::es_core::Command::decide(&domain::PutOut, &lamp, &context);
    assert_eq!(events.map(|events| events.len()).ok(), ::core::option::Option::Some(1));
    let _: ::core::option::Option<(domain::InTheWay, domain::AlsoInTheWay)> = ::core::option::Option::None;
}

/// Primitive types under the names of other types. What `serde` derives does not stand that, so it is written out.
mod primitives {
    #![expect(non_camel_case_types, reason = "the names are those of the primitive types")]
    #![expect(dead_code, reason = "the names are only there to be in the way")]

    pub struct str;
    pub struct u8;
    pub struct u32;
    pub struct u64;
    pub struct bool;
    pub struct usize;

    #[derive(
        ::core::clone::Clone,
        ::core::fmt::Debug,
        ::core::cmp::PartialEq,
        ::core::cmp::Eq,
        ::core::hash::Hash,
        ::es_core::prelude::AggregateId,
    )]
    pub struct LampId(::std::string::String);

    #[derive(::es_core::prelude::Event)]
    pub struct LampLit {}

    impl ::serde::Serialize for LampLit {
        fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
            serializer.collect_map(::core::iter::empty::<((), ())>())
        }
    }

    impl<'de> ::serde::Deserialize<'de> for LampLit {
        fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> ::core::result::Result<Self, D::Error> {
            <::serde::de::IgnoredAny as ::serde::Deserialize>::deserialize(deserializer).map(|_| Self {})
        }
    }

    #[derive(::es_core::prelude::EventSet)]
    #[event_set(retired("LampSold"))]
    pub enum LampEvent {
        Lit(LampLit),
    }

    #[derive(::es_core::prelude::Aggregate, ::core::default::Default)]
    #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
    pub struct Lamp {}

    #[::es_core::prelude::event_handler]
    impl Lamp {
        fn lit(&mut self, _: &LampLit) {}
    }

    pub struct Light;

    #[::es_core::prelude::command_handler]
    impl Lamp {
        fn light(_: &Light) -> ::core::result::Result<LampLit, ()> {
            ::core::result::Result::Ok(LampLit {})
        }
    }
}

#[::core::prelude::v1::test]
fn primitive_types_may_be_shadowed() {
    let lamps = ::es_core::EventStore::repository::<primitives::Lamp>(&::es_core::MemoryStore::new());
    let id = <primitives::LampId as ::core::str::FromStr>::from_str("hall").unwrap();
    ::core::mem::drop(lamps.execute(&id, primitives::Light).run());
}

#[path = "hygiene/elsewhere.rs"]
mod elsewhere;

#[::core::prelude::v1::test]
fn the_library_may_be_elsewhere() {
    fn is_an_id<T: elsewhere::library::AggregateId>() {}
    fn has_a_first_state<T: elsewhere::library::private::HasInitial>() {}
    is_an_id::<elsewhere::OtherId>();
    has_a_first_state::<elsewhere::Lamp>();
    ::core::assert_eq!(<elsewhere::OtherId as elsewhere::library::AggregateId>::PROVED, 0);
    ::core::assert_eq!(<elsewhere::OtherEvent as elsewhere::library::Event>::NAME, "OtherEvent");
    ::core::assert_eq!(<elsewhere::OtherEvent as elsewhere::library::Event>::VERSION, 1);
    ::core::assert!(<elsewhere::OtherEvent as elsewhere::library::Event>::SHAPE.is_some());
    let lamps = ::es_core::EventStore::repository::<elsewhere::Lamp>(&::es_core::MemoryStore::new());
    ::core::mem::drop(lamps.execute(&elsewhere::LampId(1), elsewhere::Light).run());
}

#[::core::prelude::v1::test]
#[expect(non_camel_case_types, reason = "keywords have no capitals")]
fn inside_a_function_with_raw_identifiers() {
    use ::es_core::prelude::*;
    use ::std::prelude::v1::*;

    #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
    struct r#type(u64);

    #[derive(Event, Serialize, Deserialize, Clone)]
    struct r#match {
        r#fn: i64,
    }

    #[derive(EventSet)]
    enum r#enum {
        r#if(r#match),
    }

    #[derive(Aggregate, Serialize, Deserialize, Default)]
    #[aggregate(name = "raw", id = r#type, event = r#enum, snapshot(every = 1))]
    struct r#struct {
        r#mod: i64,
    }

    #[event_handler]
    impl r#struct {
        fn r#for(&mut self, r#in: r#match) {
            self.r#mod = r#in.r#fn;
        }
    }

    struct r#use;

    #[command_handler]
    impl r#struct {
        fn r#while(_: &r#use) -> Result<r#match, r#type> {
            Ok(r#match { r#fn: 1 })
        }
    }

    ::core::assert_eq!(r#match::NAME, "match");
    ::core::assert_eq!(r#struct::NAME, "raw");
    let metadata = Metadata::at(DateTime::UNIX_EPOCH);
    let mut state = r#struct::initial();
    ::es_core::EventHandlers::fold(&mut state, r#enum::r#if(r#match { r#fn: 5 }), &metadata);
    ::core::assert_eq!(state.r#mod, 5);
    let id = r#type(1);
    let events = r#use.decide(&state, &CommandContext::new(&id, StreamVersion::EMPTY, &metadata)).unwrap();
    ::core::assert_eq!(events.len(), 1);
}

#[path = "hygiene/through_a_macro.rs"]
mod through_a_macro;

#[::core::prelude::v1::test]
fn a_macro_may_write_them() {
    let mut state = <through_a_macro::Lamp as ::es_core::Aggregate>::initial();
    let metadata = ::es_core::Metadata::at(::es_core::prelude::DateTime::UNIX_EPOCH);
    let event = through_a_macro::Lit { payload: ::std::vec![1, 2] };
    ::es_core::EventHandlers::fold_ref(&mut state, &through_a_macro::LampEvent::First(event), &metadata);
    ::core::assert_eq!(state.payload, [1, 2]);
}
