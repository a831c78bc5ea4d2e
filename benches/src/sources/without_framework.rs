//! The domain without any framework: two enums and three `match`es. Nothing can run it as it is, and less cannot be
//! written.

use super::{Case, REFUSED, command, event, lines, set, state};

/// The domain without a framework.
pub fn without_framework(cases: &[Case]) -> String {
    let commands = lines(cases, |Case { command, .. }| format!("{command}({command}),\n"));
    let decode = lines(cases, |Case { event, .. }| {
        format!("\"{event}\" => serde_json::from_slice(payload).map(Self::{event}),\n")
    });
    let name = lines(cases, |Case { event, .. }| format!("Self::{event}(_) => \"{event}\",\n"));
    let encode = lines(cases, |Case { event, .. }| format!("Self::{event}(event) => serde_json::to_vec(event),\n"));
    let apply = lines(cases, |case| {
        let (event, change) = (&case.event, case.change("self"));
        format!("BankEvent::{event}(event) => {{\n{change}\n}}\n")
    });
    let decisions = lines(cases, |case| {
        let Case { event, command, .. } = case;
        let (refusal, outcome) = (case.refusal("self"), case.outcome());
        format!(
            "BankCommand::{command}(command) => {{
                if {refusal} {{
                    return Err(Refused {{ balance: self.balance }});
                }}
                Ok(vec![BankEvent::{event}({outcome})])
            }}\n"
        )
    });
    let head = [
        "use serde::{Deserialize, Serialize, de::Error as _};\n",
        &lines(cases, |case| event(case, "Serialize, Deserialize, Debug")),
        &set(cases, "Debug"),
        &lines(cases, command),
        &state("Default, Debug", ""),
        REFUSED,
    ];
    format!(
        "{head}
        pub enum BankCommand {{ {commands} }}
        impl BankEvent {{
            pub fn name(&self) -> &'static str {{
                match self {{ {name} }}
            }}
            pub fn encode(&self) -> Result<Vec<u8>, serde_json::Error> {{
                match self {{ {encode} }}
            }}
            pub fn decode(name: &str, payload: &[u8]) -> Result<Self, serde_json::Error> {{
                match name {{
                    {decode}
                    _ => Err(serde_json::Error::custom(\"no event of that name is known\")),
                }}
            }}
        }}
        impl Bank {{
            pub fn apply(&mut self, event: &BankEvent) {{
                match event {{ {apply} }}
            }}
            pub fn decide(&self, command: &BankCommand) -> Result<Vec<BankEvent>, Refused> {{
                match command {{ {decisions} }}
            }}
        }}\n",
        head = head.concat(),
    )
}
