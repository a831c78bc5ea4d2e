//! The domain as one would write it against the same public traits, without the macros.
//!
//! It is as short as the traits allow: one `match` where the macros write an implementation for each event, and none of
//! the proofs that the macros add.

use super::{Case, Extent, REFUSED, command, event, lines, set, state};

/// The domain by hand.
pub fn by_hand(cases: &[Case], extent: Extent) -> String {
    let mut source = "use es_core::{CommandTarget, EventHandlers, EventSchema, Metadata, event::EventEncoder, prelude::*, store::DecodeError};\n".to_owned();
    source += &lines(cases, |case| event(case, "Serialize, Deserialize, Debug"));
    source += &lines(cases, implementation_of_event);
    if extent >= Extent::Set {
        source += &set(cases, "Debug");
        source += &lines(cases, conversion);
        source += &implementation_of_set(cases);
    }
    if extent >= Extent::Aggregate {
        source += ID;
        source += &state("Default, Debug", "");
        source += AGGREGATE;
        source += &event_handlers(cases);
    }
    if extent >= Extent::Commands {
        source += REFUSED;
        source += &lines(cases, command);
        source += &lines(cases, implementation_of_command);
    }
    source
}

fn implementation_of_event(Case { event, .. }: &Case) -> String {
    format!(
        "impl Event for {event} {{
            const NAME: &'static str = \"{event}\";
            const VERSION: u32 = 1;
        }}\n"
    )
}

fn conversion(Case { event, .. }: &Case) -> String {
    format!(
        "impl From<{event}> for BankEvent {{
            fn from(event: {event}) -> Self {{
                Self::{event}(event)
            }}
        }}\n"
    )
}

fn implementation_of_set(cases: &[Case]) -> String {
    let schemas = lines(cases, |Case { event, .. }| format!("EventSchema::of::<{event}>(),\n"));
    let schema = lines(cases, |Case { event, .. }| format!("Self::{event}(_) => EventSchema::of::<{event}>(),\n"));
    let encode = lines(cases, |Case { event, .. }| format!("Self::{event}(event) => encoder.encode(event),\n"));
    let decode = lines(cases, |Case { event, .. }| {
        format!("\"{event}\" => {event}::decode(version, payload).map(|event| Some(Self::{event}(event))),\n")
    });
    format!(
        "impl IntoEvents<BankEvent> for BankEvent {{
            fn into_events(self, events: &mut Vec<BankEvent>) {{
                events.push(self);
            }}
        }}
        impl EventSet for BankEvent {{
            const SCHEMAS: &'static [EventSchema] = &[{schemas}];
            fn schema(&self) -> EventSchema {{
                match self {{ {schema} }}
            }}
            fn encode_with<C: EventEncoder>(&self, encoder: C) -> Result<C::Output, C::Error> {{
                match self {{ {encode} }}
            }}
            fn decode(name: &str, version: u32, payload: &[u8]) -> Result<Option<Self>, DecodeError> {{
                match name {{
                    {decode}
                    _ => Err(DecodeError::UnknownEvent),
                }}
            }}
        }}\n"
    )
}

const ID: &str = "
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq, Hash)]
pub struct BankId(pub String);
impl std::fmt::Display for BankId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(formatter)
    }
}
impl std::str::FromStr for BankId {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}
impl AggregateId for BankId {}
";

const AGGREGATE: &str = "
impl Aggregate for Bank {
    type Id = BankId;
    type Event = BankEvent;
    const NAME: &'static str = \"bank\";
    fn initial() -> Self {
        Self::default()
    }
}
";

fn event_handlers(cases: &[Case]) -> String {
    let fold = lines(cases, |case| {
        let (event, change) = (&case.event, case.change("self"));
        format!("BankEvent::{event}(event) => {{\n{change}\n}}\n")
    });
    format!(
        "impl EventHandlers<BankEvent> for Bank {{
            const READS_METADATA: bool = false;
            fn fold(&mut self, event: BankEvent, metadata: &Metadata) {{
                self.fold_ref(&event, metadata);
            }}
            fn fold_ref(&mut self, event: &BankEvent, _: &Metadata) {{
                match event {{ {fold} }}
            }}
        }}\n"
    )
}

fn implementation_of_command(case: &Case) -> String {
    let (command, refusal, outcome) = (&case.command, case.refusal("state"), case.outcome());
    let outcome = outcome.replace("command.", "self.");
    let refusal = refusal.replace("command.", "self.");
    format!(
        "impl Command<Bank> for {command} {{
            type Error = Refused;
            const TARGET: CommandTarget = CommandTarget::Existing;
            fn decide(&self, state: &Bank, _: &CommandContext<'_, Bank>) -> Result<Vec<BankEvent>, Refused> {{
                if {refusal} {{
                    return Err(Refused {{ balance: state.balance }});
                }}
                Ok(vec![{outcome}.into()])
            }}
        }}\n"
    )
}
