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
        "{} is not what the code says:\n{}\n{diff}\nTo release what the code says, run `ES_LOCK=accept cargo test`, and \
         look at the difference before you commit it.",
        path.display(),
        List(differences)
    )]
    Behind {
        /// The file.
        path: PathBuf,
        /// What differs.
        differences: Vec<Difference>,
        /// The lines that differ: `-` those of the file, `+` those of the code.
        diff: String,
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
