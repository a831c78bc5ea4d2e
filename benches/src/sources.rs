//! The measured code as text, in each of the ways in which one may write it.

mod by_hand;
mod macros;
mod without_framework;

use crate::domain::{self, Case};

pub use self::{by_hand::by_hand, macros::macros, without_framework::without_framework};

/// How much of a domain is written; each step has all that comes before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Extent {
    /// The structs of the events, which are also `Event`s.
    Events,
    /// Their set.
    Set,
    /// The state, and how the events change it.
    Aggregate,
    /// The commands.
    Commands,
}

/// Nothing but the libraries: what the compiler needs before it comes to the code.
pub fn nothing() -> String {
    "pub use es_core::prelude::*;\n".to_owned()
}

/// The structs of the events with serde's derives, and nothing of ours.
pub fn serde_alone(cases: &[Case]) -> String {
    let structs = cases.iter().map(|case| event(case, "Serialize, Deserialize, Debug"));
    format!("use serde::{{Deserialize, Serialize}};\n{}", structs.collect::<String>())
}

/// The struct of an event.
fn event(case: &Case, derives: &str) -> String {
    item(&case.event, derives)
}

/// The struct of a command.
fn command(case: &Case) -> String {
    format!("pub struct {} {{\n{}\n}}\n", case.command, domain::FIELDS)
}

fn item(name: &str, derives: &str) -> String {
    format!("#[derive({derives})]\npub struct {name} {{\n{}\n}}\n", domain::FIELDS)
}

/// The state.
fn state(derives: &str, attributes: &str) -> String {
    format!("#[derive({derives})]\n{attributes}pub struct Bank {{\n{}\n}}\n", domain::STATE)
}

/// The enum of the events.
fn set(cases: &[Case], derives: &str) -> String {
    let variants = lines(cases, |Case { event, .. }| format!("{event}({event}),\n"));
    format!("#[derive({derives})]\npub enum BankEvent {{\n{variants}}}\n")
}

/// Why a command is refused.
const REFUSED: &str = "#[derive(Debug)]\npub struct Refused {\npub balance: i64,\n}\n";

/// One piece for each case.
fn lines(cases: &[Case], piece: impl Fn(&Case) -> String) -> String {
    cases.iter().map(piece).collect()
}
