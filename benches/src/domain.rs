//! The domain that is measured: its events, and the commands that lead to them.

/// One event, one command that leads to it, and what the event does to the state.
#[derive(Clone, Debug)]
pub struct Case {
    /// The event's type, `CardBlocked`.
    pub event: String,
    /// The command's type, `BlockCard`.
    pub command: String,
    /// The event's handler, `card_blocked`.
    pub on_event: String,
    /// The command's handler, `block_card`.
    pub on_command: String,
    /// A number of its own, so that no two handlers can become one.
    pub number: usize,
}

const SUBJECTS: [&str; 10] =
    ["Account", "Card", "Customer", "Cheque", "Invoice", "Loan", "Mandate", "Payment", "Statement", "Transfer"];

/// What happens to a subject, and what is asked for it.
const VERBS: [(&str, &str); 10] = [
    ("Opened", "Open"),
    ("Approved", "Approve"),
    ("Amended", "Amend"),
    ("Blocked", "Block"),
    ("Closed", "Close"),
    ("Confirmed", "Confirm"),
    ("Disputed", "Dispute"),
    ("Expired", "Expire"),
    ("Notified", "Notify"),
    ("Sent", "Send"),
];

/// The first `count` cases of the domain, which has 100.
///
/// # Panics
/// When more are asked for.
pub fn cases(count: usize) -> Vec<Case> {
    let pairs = SUBJECTS.iter().flat_map(|subject| VERBS.iter().map(move |verb| (subject, verb)));
    let cases: Vec<_> =
        pairs.take(count).enumerate().map(|(index, (subject, verb))| case(index, subject, *verb)).collect();
    assert_eq!(cases.len(), count, "the domain has no more events");
    cases
}

fn case(index: usize, subject: &str, (happened, asked): (&str, &str)) -> Case {
    Case {
        event: format!("{subject}{happened}"),
        command: format!("{asked}{subject}"),
        on_event: format!("{subject}_{happened}").to_lowercase(),
        on_command: format!("{asked}_{subject}").to_lowercase(),
        number: index + 1,
    }
}

impl Case {
    /// What the event does to the state, on `state`.
    pub fn change(&self, state: &str) -> String {
        let number = self.number;
        match number % 4 {
            0 => format!("{state}.balance += event.amount;\n{state}.last = event.reference + {number};"),
            1 => format!("{state}.balance -= event.amount;\n{state}.last = event.reference ^ {number};"),
            2 => format!("{state}.volume += event.amount * {number};\n{state}.noted += event.note.len();"),
            _ => format!("{state}.count += {number};\n{state}.last = {state}.last.max(event.reference);"),
        }
    }

    /// The reason to refuse the command, seen from `state`.
    pub fn refusal(&self, state: &str) -> String {
        format!("command.amount > {state}.balance + {}", self.number)
    }

    /// The event of the command.
    pub fn outcome(&self) -> String {
        format!("{} {{ reference: command.reference, amount: command.amount, note: command.note.clone() }}", self.event)
    }
}

/// The fields of each event and of each command.
pub const FIELDS: &str = "pub reference: u64,\npub amount: i64,\npub note: String,";

/// The fields of the state.
pub const STATE: &str = "pub balance: i64,\npub volume: i64,\npub noted: usize,\npub count: u64,\npub last: u64,";

/// An event's payload, which is the same for all kinds.
pub fn payload(reference: u64) -> Vec<u8> {
    let amount = reference % 100_000;
    format!(r#"{{"reference":{reference},"amount":{amount},"note":"booked at the counter"}}"#).into_bytes()
}
