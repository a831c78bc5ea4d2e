//! The domain as the macros have it written.

use super::{Case, Extent, REFUSED, command, event, lines, set, state};

/// The domain by the macros.
pub fn macros(cases: &[Case], extent: Extent) -> String {
    let mut source = "use es_core::prelude::*;\n".to_owned();
    source += &lines(cases, |case| event(case, "Event, Serialize, Deserialize, Debug"));
    if extent >= Extent::Set {
        source += &set(cases, "EventSet, Debug");
    }
    if extent >= Extent::Aggregate {
        source += "#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]\npub struct BankId(pub String);\n";
        source +=
            &state("Aggregate, Default, Debug", "#[aggregate(name = \"bank\", id = BankId, event = BankEvent)]\n");
        source += &block("event_handler", &lines(cases, on_event));
    }
    if extent >= Extent::Commands {
        source += REFUSED;
        source += &lines(cases, command);
        source += &block("command_handler", &lines(cases, on_command));
    }
    source
}

fn block(attribute: &str, handlers: &str) -> String {
    format!("#[{attribute}]\nimpl Bank {{\n{handlers}}}\n")
}

fn on_event(case: &Case) -> String {
    let (name, event, change) = (&case.on_event, &case.event, case.change("self"));
    format!("fn {name}(&mut self, event: &{event}) {{\n{change}\n}}\n")
}

fn on_command(case: &Case) -> String {
    let Case { event, command, on_command, .. } = case;
    let (refusal, outcome) = (case.refusal("self"), case.outcome());
    format!(
        "fn {on_command}(&self, command: &{command}) -> Result<{event}, Refused> {{
            if {refusal} {{
                return Err(Refused {{ balance: self.balance }});
            }}
            Ok({outcome})
        }}\n"
    )
}
