//! What the macros write gives no warning, of the compiler or of `clippy`, in code that forbids them.
#![deny(warnings, missing_docs, missing_debug_implementations, unreachable_pub, unused_qualifications, unused_results)]
#![deny(rust_2018_idioms, let_underscore, nonstandard_style, future_incompatible, keyword_idents, refining_impl_trait)]
#![deny(single_use_lifetimes, trivial_casts, trivial_numeric_casts, unused_lifetimes, unused_import_braces)]
#![deny(clippy::all, clippy::pedantic)]

/// A domain in which each macro writes all that it can.
pub mod domain {
    use es_core::prelude::*;

    /// An id.
    #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
    pub struct LampId(String);

    /// A copy.
    #[derive(AggregateId, Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct LampNumber(u32);

    /// An event.
    #[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
    #[event(name = "LampLighted", version = 1)]
    pub struct LampLit {
        /// Its only field.
        pub watts: u32,
    }

    /// A small event.
    #[derive(Event, Serialize, Deserialize, Clone, Copy, Debug, PartialEq)]
    pub struct LampPutOut {}

    /// A set.
    #[derive(EventSet, Clone, Debug, PartialEq)]
    pub enum LampEvent {
        /// One event.
        Lit(LampLit),
        /// Another.
        PutOut(LampPutOut),
    }

    /// A state.
    #[derive(Aggregate, Serialize, Deserialize, Default, Clone, Debug, PartialEq)]
    #[aggregate(name = "lamp", id = LampId, event = LampEvent, snapshot(every = 100, version = 2))]
    pub struct Lamp {
        watts: u32,
        changes: u32,
    }

    #[event_handler]
    impl Lamp {
        fn lit(&mut self, event: LampLit, metadata: &Metadata) {
            self.watts = event.watts;
            self.changes += u32::from(metadata.actor.is_some());
        }

        fn put_out(&mut self, _: &LampPutOut) {
            self.watts = 0;
        }
    }

    /// A command.
    #[derive(Clone, Debug)]
    pub struct Light {
        /// Its only field.
        pub watts: u32,
    }

    /// A command that is nothing but itself.
    #[derive(Clone, Copy, Debug)]
    pub struct PutOut;

    /// Another.
    #[derive(Clone, Copy, Debug)]
    pub struct Begin;

    /// A command that borrows, and one more.
    #[derive(Clone, Copy, Debug)]
    pub struct Lend<'a> {
        /// To whom.
        pub to: &'a str,
    }

    /// One that borrows twice.
    #[derive(Clone, Copy, Debug)]
    pub struct Swap<'a, 'b>(pub &'a str, pub &'b str);

    /// A refusal that borrows.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Missing<'a> {
        /// Who.
        pub who: &'a str,
    }

    /// A refusal.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub struct Broken;

    #[command_handler]
    impl Lamp {
        fn begin(_: Begin) -> Result<LampLit, Broken> {
            Ok(LampLit { watts: 60 })
        }

        fn lend(&self, command: &Lend<'_>, context: &CommandContext<'_, Self>) -> Result<Draft<Self>, Broken> {
            if command.to.is_empty() {
                return Err(Broken);
            }
            let mut draft = context.draft(self);
            draft.record(LampPutOut {});
            Ok(draft)
        }

        fn swap<'b>(&self, command: Swap<'_, 'b>) -> Result<(), Missing<'b>> {
            Err(Missing { who: command.1 })
        }

        #[command(or_default)]
        fn light(&self, command: Light) -> Result<(LampLit, Option<LampPutOut>), Broken> {
            Ok((LampLit { watts: command.watts }, None))
        }

        fn extinguish(&self, _: &PutOut, context: &CommandContext<'_, Self>) -> Result<Vec<LampEvent>, Broken> {
            if context.version() == StreamVersion::EMPTY || self.watts == 0 { Err(Broken) } else { Ok(vec![]) }
        }
    }
}

/// What is made of events for those who read, and what follows from them elsewhere.
pub mod reading {
    use super::domain::{LampEvent, LampId, LampLit, LampPutOut};
    use es_core::prelude::*;

    /// A row.
    #[derive(ReadModel, Clone, Debug, PartialEq)]
    #[read_model(table = "lamps", version = 2, shards = 4, policy = dead_letter)]
    pub struct LampSummary {
        #[read_model(key)]
        id: LampId,
        #[read_model(index)]
        watts: u32,
        #[read_model(json)]
        all: Vec<u32>,
        #[read_model(text, index)]
        last: Option<String>,
        #[read_model(sql = "inet")]
        address: Option<std::net::IpAddr>,
    }

    #[event_handler(covers(LampEvent))]
    impl LampSummary {
        #[key(LampId::from(event.watts.to_string()), envelope.metadata.actor.clone().map(LampId::from))]
        fn lit(&mut self, event: &LampLit) {
            self.watts += event.watts;
            self.all.push(event.watts);
        }

        #[key(Some(LampId::from("hall".to_owned())))]
        fn put_out(&mut self, _: LampPutOut, envelope: &Envelope) -> Row {
            self.last.clone_from(&envelope.metadata.actor);
            Row::Keep
        }
    }

    /// A projection.
    #[derive(Projection, Clone, Copy, Debug)]
    #[projection(name = "log", shards = 2, policy = skip)]
    pub struct Log;

    #[event_handler(covers(LampEvent), ignore(LampPutOut))]
    impl Log {
        #[key(event.watts)]
        async fn lit(&self, event: &LampLit, lines: &mut Vec<u32>) {
            lines.push(event.watts);
        }
    }

    /// A reactor.
    #[derive(Reactor, Clone, Copy, Debug)]
    #[reactor(name = "porter", policy = stop)]
    pub struct Porter;

    #[event_handler]
    impl Porter {
        #[key(format!("{}-{}", event.watts, envelope.stream))]
        async fn lit(&self, event: LampLit, delivery: &Delivery) -> Result<(), std::io::Error> {
            if delivery.attempt > event.watts { Ok(()) } else { Err(std::io::ErrorKind::TimedOut.into()) }
        }

        #[key(1)]
        async fn put_out(&self, _: &LampPutOut) {}
    }
}

/// All of it private to a function, where nothing is exported.
#[test]
fn private_types_give_no_warnings_either() {
    use es_core::{prelude::*, testing::given};

    #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
    struct LampId(String);

    #[derive(Event, Serialize, Deserialize, Debug, PartialEq)]
    struct LampLit {
        by: String,
    }

    #[derive(EventSet, Debug, PartialEq)]
    enum LampEvent {
        Lit(LampLit),
    }

    #[derive(Aggregate, Default, Debug)]
    #[aggregate(name = "lamp", id = LampId, event = LampEvent)]
    struct Lamp {
        lit: bool,
    }

    #[event_handler]
    impl Lamp {
        fn lit(&mut self, _: &LampLit) {
            self.lit = true;
        }
    }

    #[derive(Debug)]
    struct Light;

    #[command_handler]
    impl Lamp {
        fn light(_: &Light) -> Result<LampLit, std::convert::Infallible> {
            Ok(LampLit { by: "porter".to_owned() })
        }
    }

    drop(given::<Lamp>(()).when(Light).then(LampLit { by: "porter".to_owned() }).then_state(|lamp| assert!(lamp.lit)));
}
