//! Why the lock is not what it should be.

use std::{fmt, io, path::PathBuf};

use es_lock::ParseError;

use super::Difference;
use crate::testing::EnvironmentError;

/// Why the lock is not proved, or could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// The lock and the code say different things.
    #[error(
        "{} is not what the code says:\n{}\n{diff}\n{}To release what the code says, run `ES_LOCK=accept cargo test`, and \
         look at the difference before you commit it.",
        path.display(),
        List(differences),
        BeforeAccepting(differences)
    )]
    Behind {
        /// The file.
        path: PathBuf,
        /// What differs.
        differences: Vec<Difference>,
        /// The lines that differ: `-` those of the file, `+` those of the code.
        diff: String,
    },
    /// A released set was not given where the file was to be written, and would have gone with all that it has released.
    #[error(
        "{} was not written: `ES_LOCK=accept` removes no released set, and {} not given to `schema_lock!(..)`\nGive it to \
         `schema_lock!(..)`; or, if it was renamed, write its new name in `events.lock`, and rename its folder in \
         `events.golden`; or, if it was never stored, delete its lines from `events.lock` by hand.",
        path.display(),
        Names(sets)
    )]
    SetsGone {
        /// The file.
        path: PathBuf,
        /// The names of the sets.
        sets: Vec<String>,
    },
    /// There is no lock yet.
    #[error("{} does not exist yet\nRun `ES_LOCK=accept cargo test` to write it, and commit it.", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be understood.
    #[error(
        "{} cannot be read: {source}\nRestore it from version control, or remove it and run `ES_LOCK=accept cargo test`.",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The line, and what is wrong with it.
        source: ParseError,
    },
    /// Two sets have one name, and the file could not tell them apart.
    #[error("`{first}` and `{second}` are both called `{set}`; rename one, or leave the one that is never stored out")]
    SetTwice {
        /// The name.
        set: String,
        /// The path of one.
        first: &'static str,
        /// The path of the other.
        second: &'static str,
    },
    /// Two types have one stored name: what is stored under it could be either.
    #[error(
        "`{first}` and `{second}` are both stored as `{event}`; write `#[event(name = \"..\")]` above the one that was \
         never stored"
    )]
    EventTwice {
        /// The stored name.
        event: &'static str,
        /// The path of one.
        first: &'static str,
        /// The path of the other.
        second: &'static str,
    },
    /// An event is exempt from the lock, and is in a set that is not.
    #[error(
        "`{event}` of `{set}` has `#[event(unlocked)]`, and `{set}` is given to `schema_lock!(..)`: nothing would hold what is \
         stored of it against its struct\nRemove `unlocked`; it is for the events of tests that have a released name."
    )]
    UnlockedEvent {
        /// The set.
        set: String,
        /// The stored name of the event.
        event: &'static str,
    },
    /// What a struct is stored as cannot be written into the lock.
    #[error(
        "what `{event}` v{version} is stored as cannot be written into the lock: {source}\nGive each of its fields a \
         serialised name of its own, and write no line breaks into its serde attributes."
    )]
    Unwritable {
        /// The stored name of the event.
        event: &'static str,
        /// Its version.
        version: u32,
        /// What cannot be written.
        source: ParseError,
    },
    /// Two sets have aggregates of one stored name.
    #[error("`{first}` and `{second}` are both the events of an aggregate that is stored as `{aggregate}`")]
    AggregateTwice {
        /// The stored name.
        aggregate: &'static str,
        /// One set.
        first: String,
        /// The other.
        second: String,
    },
    /// The environment asks for something that is not done.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The file could not be read or written.
    #[error("{doing} {} failed: {source}", path.display())]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// One to a line.
struct List<'a>(&'a [Difference]);

impl fmt::Display for List<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|difference| writeln!(formatter, "- {difference}"))
    }
}

/// What is to be done before the file is written anew.
struct BeforeAccepting<'a>(&'a [Difference]);

impl fmt::Display for BeforeAccepting<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.iter().any(|difference| matches!(difference, Difference::SetGone { .. })) {
            formatter.write_str("`ES_LOCK=accept` writes nothing until no released set is missing. ")?;
        }
        Ok(())
    }
}

/// One name, or several.
struct Names<'a>(&'a [String]);

impl fmt::Display for Names<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.iter().enumerate() {
            write!(formatter, "{}`{name}`", if index == 0 { "" } else { ", " })?;
        }
        formatter.write_str(if self.0.len() == 1 { " is" } else { " are" })
    }
}
