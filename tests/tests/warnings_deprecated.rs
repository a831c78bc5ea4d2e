//! What is deprecated gives a warning where a user mentions it, and none for what the macros write about it.
//!
//! Each mention of the user's is expected; a warning that is not there fails, and one too many fails as well.
#![deny(warnings)]

pub mod domain {
    use es_core::prelude::*;

    #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
    #[deprecated]
    pub struct LampId(String);

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    #[deprecated]
    pub struct LampLitV1 {}

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    #[event(name = "LampLitV1", version = 2, previous = LampLitV1)]
    #[deprecated]
    pub struct LampLit {
        #[deprecated]
        pub watts: u32,
    }

    #[expect(deprecated)]
    impl From<LampLitV1> for LampLit {
        fn from(_: LampLitV1) -> Self {
            Self { watts: 40 }
        }
    }

    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub struct LampPutOut {}

    #[derive(EventSet, Clone, Debug, PartialEq)]
    #[deprecated]
    pub enum LampEvent {
        #[expect(deprecated)]
        Lit(LampLit),
        #[deprecated]
        PutOut(LampPutOut),
    }

    #[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
    #[aggregate(name = "lamp", id = LampId, event = LampEvent, snapshot(every = 100))]
    #[deprecated]
    pub struct Lamp {
        #[deprecated]
        pub watts: u32,
    }

    #[event_handler]
    #[expect(deprecated)]
    impl Lamp {
        #[deprecated]
        fn lit(&mut self, event: LampLit) {
            self.watts = event.watts;
        }

        fn put_out(&mut self, _: &LampPutOut) {
            self.watts = 0;
        }
    }

    #[derive(Clone, Debug)]
    #[deprecated]
    pub struct Light<'a> {
        #[deprecated]
        pub by: &'a str,
    }

    #[derive(Clone, Debug)]
    #[deprecated]
    pub struct PutOut;

    #[derive(Clone, Debug)]
    #[deprecated]
    pub struct TooDark;

    #[command_handler]
    #[expect(deprecated)]
    impl Lamp {
        #[deprecated]
        fn light(_: Light<'_>) -> Result<LampLit, TooDark> {
            Ok(LampLit { watts: 60 })
        }

        fn extinguish(&self, _: &PutOut, _: &CommandContext<'_, Self>) -> Result<Draft<Self>, TooDark> {
            if self.watts == 0 { Err(TooDark) } else { Ok(self.draft()) }
        }
    }
}

#[test]
#[expect(deprecated)]
fn what_is_deprecated_works() {
    use domain::{Lamp, LampLit, Light, PutOut};
    use es_core::testing::given;

    drop(given::<Lamp>(()).when(Light { by: "porter" }).then(LampLit { watts: 60 }));
    drop(given::<Lamp>(LampLit { watts: 60 }).when(PutOut).then_nothing());
}
