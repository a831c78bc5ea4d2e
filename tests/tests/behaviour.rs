//! What the macros write does what they promise: events, sets, folding, snapshots.

use es_core::{
    EventHandlers, EventSchema,
    prelude::*,
    store::{DecodeError, NewEvent},
};

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct LampId(String);

/// Not `Clone`: its handler looks at it only.
#[derive(Event, Serialize, Deserialize, Debug, PartialEq)]
struct LampLit {
    watts: u32,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(name = "LampNamed", version = 1)]
struct Named {
    name: String,
}

#[derive(Event, Serialize, Deserialize, Debug, PartialEq)]
struct LampPutOut {}

#[derive(EventSet, Debug, PartialEq)]
enum LampEvent {
    Lit(LampLit),
    Named(Named),
    PutOut(LampPutOut),
}

#[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
#[aggregate(name = "lamp", id = LampId, event = LampEvent, snapshot(every = 2))]
struct Lamp {
    watts: u32,
    name: String,
    put_out_by: Option<String>,
}

#[event_handler]
impl Lamp {
    fn lit(&mut self, event: &LampLit) {
        self.watts = event.watts;
    }

    fn named(&mut self, event: Named) {
        self.name = event.name;
    }

    fn put_out(&mut self, _: &LampPutOut, metadata: &Metadata) {
        self.watts = 0;
        self.put_out_by.clone_from(&metadata.actor);
    }
}

fn metadata(actor: &str) -> Metadata {
    let mut metadata = Metadata::at(DateTime::UNIX_EPOCH);
    metadata.actor = Some(actor.to_owned());
    metadata
}

#[test]
fn an_event_has_the_name_of_its_struct_or_the_one_it_was_given() {
    assert_eq!((LampLit::NAME, LampLit::VERSION), ("LampLit", 1));
    assert_eq!((Named::NAME, Named::VERSION), ("LampNamed", 1));
}

#[test]
fn a_set_knows_its_events() {
    assert_eq!(
        LampEvent::SCHEMAS,
        [EventSchema::of::<LampLit>(), EventSchema::of::<Named>(), EventSchema::of::<LampPutOut>()]
    );
    let event = LampEvent::from(Named { name: "hall".to_owned() });
    assert_eq!(event, LampEvent::Named(Named { name: "hall".to_owned() }));
    assert_eq!(event.schema().name, "LampNamed");
}

#[test]
fn events_are_encoded_and_decoded_by_name() {
    for event in [LampEvent::Lit(LampLit { watts: 60 }), LampEvent::PutOut(LampPutOut {})] {
        let stored = NewEvent::encode(&event, metadata("porter")).expect("it can be stored");
        assert_eq!(stored.schema, event.schema());
        let decoded = LampEvent::decode(stored.schema.name, stored.schema.version, stored.payload.as_bytes());
        assert_eq!(decoded, Ok(Some(event)));
    }
}

#[test]
fn what_does_not_decode_is_told_apart() {
    assert_eq!(LampEvent::decode("LampBroken", 1, b"{}"), Err(DecodeError::UnknownEvent));
    assert_eq!(LampEvent::decode("Named", 1, b"{}"), Err(DecodeError::UnknownEvent));
    assert_eq!(LampEvent::decode("LampLit", 2, b"{}"), Err(DecodeError::UnknownVersion { newest: 1 }));
    let wrong = LampEvent::decode("LampLit", 1, br#"{"watts": "many"}"#);
    assert!(matches!(wrong, Err(DecodeError::Payload { ref path, .. }) if path == "watts"), "{wrong:?}");
}

#[test]
fn events_reach_their_handlers_both_ways() {
    let events = || {
        [
            LampEvent::Lit(LampLit { watts: 60 }),
            LampEvent::Named(Named { name: "hall".to_owned() }),
            LampEvent::PutOut(LampPutOut {}),
        ]
    };
    let expected = Lamp { watts: 0, name: "hall".to_owned(), put_out_by: Some("porter".to_owned()) };
    let (mut owned, mut shared) = (Lamp::initial(), Lamp::initial());
    for event in events() {
        shared.fold_ref(&event, &metadata("porter"));
        owned.fold(event, &metadata("porter"));
    }
    assert_eq!(owned, expected);
    assert_eq!(shared, expected);
}

#[test]
fn the_first_state_is_the_default() {
    assert_eq!(Lamp::initial(), Lamp::default());
}

/// Several states of the same events: with and without `metadata`, and with handlers that are compiled away.
mod states {
    use super::{LampEvent, LampId, LampLit, LampPutOut, Named};
    use es_core::prelude::*;

    #[derive(Aggregate, Default)]
    #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
    pub(super) struct Blind(u32);

    #[event_handler]
    impl Blind {
        fn lit(&mut self, _: &LampLit) {
            self.0 += 1;
        }

        #[cfg(not(test))]
        fn lit(&mut self, _: &LampLit, metadata: &Metadata) {
            self.0 = metadata.no_such_field;
        }

        fn named(&mut self, _: &Named) {}

        #[cfg(test)]
        fn put_out(&mut self, _: &LampPutOut) {}

        #[cfg(not(test))]
        fn helper(&mut self, metadata: NoSuchType) {}
    }

    #[derive(Aggregate, Default)]
    #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
    pub(super) struct Watching(u32);

    #[event_handler]
    impl Watching {
        #[cfg(test)]
        fn lit(&mut self, _: &LampLit, _: &Metadata) {
            self.0 += 1;
        }

        fn named(&mut self, _: &Named) {}

        fn put_out(&mut self, _: &LampPutOut) {}
    }

    /// A block that is not there, beside one that is.
    #[cfg(not(test))]
    #[event_handler]
    impl Watching {}

    #[event_handler]
    #[cfg(not(test))]
    impl Watching {}

    /// A state that is an enum, and names things by its own type.
    #[derive(Aggregate, Serialize, Deserialize, Default, Debug, PartialEq)]
    #[aggregate(name = "lamp", id = LampId, event = LampEvent, snapshot(every = 1))]
    pub(super) enum Either {
        #[default]
        Dark,
        Lit {
            watts: u32,
        },
    }

    #[event_handler]
    impl Either {
        #[expect(clippy::needless_arbitrary_self_type, reason = "it is one way to write it")]
        fn lit(self: &mut Self, &LampLit { watts }: &LampLit) {
            *self = Self::Lit { watts };
        }

        fn named(&mut self, _: &super::Named) {}

        #[expect(clippy::unused_unit, reason = "it is one way to write it")]
        fn put_out(&mut self, _: &LampPutOut) -> () {
            *self = Self::Dark;
        }
    }
}

#[test]
fn metadata_is_read_where_a_handler_asks_for_it() {
    const {
        assert!(<Lamp as EventHandlers<LampEvent>>::READS_METADATA);
        assert!(<states::Watching as EventHandlers<LampEvent>>::READS_METADATA);
        assert!(!<states::Blind as EventHandlers<LampEvent>>::READS_METADATA);
    }
}

#[test]
fn a_state_may_be_an_enum() {
    let mut state = states::Either::initial();
    state.fold(LampEvent::Lit(LampLit { watts: 40 }), &metadata("porter"));
    assert_eq!(state, states::Either::Lit { watts: 40 });
}

/// The same state five times, each a little different.
mod shapes {
    macro_rules! shape {
        ($name:ident, $key:ident($($setting:tt)*), { $($fields:tt)* }) => {
            #[derive(Aggregate, Serialize, Deserialize, Default)]
            #[aggregate(name = "lamp", id = super::LampId, event = super::LampEvent, $key($($setting)*))]
            pub(super) struct $name { $($fields)* }

            #[event_handler]
            impl $name {
                fn lit(&mut self, _: &super::LampLit) {}
                fn named(&mut self, _: &super::Named) {}
                fn put_out(&mut self, _: &super::LampPutOut) {}
            }
        };
    }

    use es_core::prelude::*;

    shape!(First, snapshot(every = 2), { watts: u32 });
    shape!(Renamed, snapshot(every = 100), { watts: u32 });
    shape!(OtherField, snapshot(every = 2), { volts: u32 });
    shape!(OtherType, snapshot(every = 2), { watts: u64 });
    shape!(OtherAttribute, snapshot(every = 2), { #[serde(rename = "w")] watts: u32 });
    shape!(OtherVersion, snapshot(every = 2, version = 2), { watts: u32 });
}

#[test]
fn a_snapshot_fits_as_long_as_the_fields_are_the_same() {
    fn fingerprint<A: Aggregate>() -> &'static str {
        A::SNAPSHOTS.expect("it keeps snapshots").fingerprint()
    }
    let first = fingerprint::<shapes::First>();
    assert_eq!(fingerprint::<shapes::Renamed>(), first);
    for other in [
        fingerprint::<shapes::OtherField>(),
        fingerprint::<shapes::OtherType>(),
        fingerprint::<shapes::OtherAttribute>(),
        fingerprint::<shapes::OtherVersion>(),
    ] {
        assert_ne!(other, first);
    }
    assert!(states::Blind::SNAPSHOTS.is_none());
}
