//! The form of `events.lock`: what it says, how it is printed, how it is read.
//!
//! The macros of `es-derive` read the file and the tests of `es-core` write it, so its form is a crate of its own.
//! There is nothing here for applications: they write `es_core::testing::schema_lock!`.
//!
//! ```
//! let text = "\
//! ## es events.lock, format 1; written by `ES_LOCK=accept cargo test`
//! set AccountEvent of account
//!   event AccountOpened v1
//!     overdraft: i64
//!   event MoneyDeposited v1  #[serde(deny_unknown_fields)]
//!     amount: i64
//!     description: String  #[serde(default)]
//!   event MoneyWithdrawn v1 read by a step over JSON
//!   retired AccountRenamed
//! ";
//! let lock = es_lock::Lock::parse(text)?;
//! assert_eq!(lock.sets[0].events[1].name, "MoneyDeposited");
//! assert_eq!(lock.to_string(), text);
//! # Ok::<(), es_lock::ParseError>(())
//! ```

#![forbid(unsafe_code)]

mod parse;
mod print;
mod words;

pub use parse::{Fault, ParseError, is_ours, set_names};
pub use words::word;

/// The name of the file, in the root of a crate.
pub const FILE: &str = "events.lock";

/// The number of the form that this crate reads and writes.
pub const FORMAT: u32 = 1;

/// The environment variable that says what to do about a difference.
pub const VARIABLE: &str = "ES_LOCK";

/// The value of [`VARIABLE`] with which the test writes the file, and the macros do not compare.
pub const ACCEPT: &str = "accept";

/// All that one crate has released.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// The sets of events.
    pub sets: Vec<Set>,
}

/// A set of events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    /// The name of its enum.
    pub name: String,
    /// The stored names of the aggregates that have these events.
    pub aggregates: Vec<String>,
    /// Each version of each event.
    pub events: Vec<Event>,
    /// The stored names of events that have no struct any more.
    pub retired: Vec<String>,
}

/// One version of one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The stored name.
    pub name: String,
    /// The version.
    pub version: u32,
    /// What reads it.
    pub reader: Reader,
}

/// What reads a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A struct, which says the stored form.
    Struct(Form),
    /// A function over JSON, which leads on to a version that is read otherwise.
    Step,
    /// Code that no macro wrote.
    Hand,
}

/// A stored form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// The serde attributes of the struct that matter to what is stored.
    pub attributes: Vec<String>,
    /// The fields.
    pub fields: Vec<Field>,
}

/// One field of a stored form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The name as it is stored.
    pub name: String,
    /// The type as it is written.
    pub ty: String,
    /// The serde attributes that matter to what is stored.
    pub attributes: Vec<String>,
}

impl Lock {
    /// Brings everything into the order of the file.
    pub fn sort(&mut self) {
        self.sets.sort_by(|left, right| left.name.cmp(&right.name));
        for set in &mut self.sets {
            set.aggregates.sort();
            set.retired.sort();
            set.events.sort_by(|left, right| (&left.name, left.version).cmp(&(&right.name, right.version)));
            for form in set.events.iter_mut().filter_map(Event::form_mut) {
                form.sort();
            }
        }
    }

    /// The set of this name.
    pub fn set(&self, name: &str) -> Option<&Set> {
        self.sets.iter().find(|set| set.name == name)
    }
}

impl Set {
    /// One version of one event.
    pub fn event(&self, name: &str, version: u32) -> Option<&Event> {
        self.events.iter().find(|event| event.name == name && event.version == version)
    }
}

impl Event {
    /// The stored form, where a struct says it.
    pub fn form(&self) -> Option<&Form> {
        match &self.reader {
            Reader::Struct(form) => Some(form),
            Reader::Step | Reader::Hand => None,
        }
    }

    pub(crate) fn form_mut(&mut self) -> Option<&mut Form> {
        match &mut self.reader {
            Reader::Struct(form) => Some(form),
            Reader::Step | Reader::Hand => None,
        }
    }
}

impl Form {
    /// Brings the fields and the attributes into the order of the file: neither matters to what is stored.
    pub fn sort(&mut self) {
        self.attributes.sort();
        self.fields.sort_by(|left, right| left.name.cmp(&right.name));
        for field in &mut self.fields {
            field.attributes.sort();
        }
    }
}
