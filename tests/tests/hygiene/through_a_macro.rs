//! A domain written by a macro of the user's, from pieces of its arguments.

use ::es_core::prelude::*;
use ::std::prelude::v1::*;

macro_rules! domain {
    (
        $id:ty, $set:ident, $state:ident, $payload:ty,
        events: $first:ident ($by_reference:ty), $second:ident ($metadata:ty),
        commands: $change:ty, $keep:ty, ($context:ty) -> $error:ty
    ) => {
        #[derive(Event, Serialize, Deserialize, Clone)]
        pub(super) struct $first {
            pub(super) payload: $payload,
        }

        #[derive(Event, Serialize, Deserialize, Clone)]
        pub(super) struct $second {}

        #[derive(EventSet)]
        pub(super) enum $set {
            First($first),
            Second($second),
        }

        #[derive(Aggregate, Serialize, Deserialize, Default)]
        #[aggregate(name = "lamp", id = $id, event = $set, snapshot(every = 1))]
        pub(super) struct $state {
            pub(super) payload: $payload,
        }

        #[event_handler]
        impl $state {
            fn first(&mut self, event: $by_reference, _: &Metadata) {
                self.payload.clone_from(&event.payload);
            }

            fn second(&mut self, _: $second, _: $metadata) {}
        }

        #[command_handler]
        impl $state {
            fn change(&self, _: $change, _: &CommandContext<'_, Self>) -> Result<Option<$first>, $error> {
                Ok(None)
            }

            fn keep(&self, _: &$keep, _: $context) -> Result<(), $error> {
                Ok(())
            }
        }
    };
}

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LampId(u64);

domain! {
    LampId, LampEvent, Lamp, Vec<u8>,
    events: Lit (&Lit), PutOut (&Metadata),
    commands: u8, u16, (&CommandContext<'_, Self>) -> Box<dyn ::std::error::Error + Send + Sync>
}
