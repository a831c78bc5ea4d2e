//! What golden payloads can bring to light.

use std::{fmt, io, path::PathBuf};

use super::FOLDER;
use crate::{
    store::{DecodeError, EncodeError},
    testing::EnvironmentError,
};

/// Why golden payloads are not proved, or could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GoldenError {
    /// What is filed and what the code does differ.
    #[error("golden payloads in {}:\n{}", folder.display(), List(problems))]
    Failed {
        /// The folder of all files.
        folder: PathBuf,
        /// All that is wrong.
        problems: Vec<GoldenProblem>,
    },
    /// Two sets have one name, and their files would be the same.
    #[error("two sets are called `{set}`; give each once, and rename one if they are two")]
    SetTwice {
        /// The name.
        set: String,
    },
    /// A value cannot be stored at all.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The environment asks for something that is not done.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// A file could not be read or written.
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

/// One thing that is wrong. Files are named by their path within the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GoldenProblem {
    /// The present version has no file.
    NotFiled {
        /// The file that should be there.
        file: String,
    },
    /// No value of an event is given, so that nobody would notice what it is stored as.
    NoValue {
        /// The set.
        set: String,
        /// The stored name.
        event: String,
    },
    /// An earlier version has no file, and no code is left that could write it.
    EarlierNotFiled {
        /// The file that should be there.
        file: String,
        /// The stored name.
        event: String,
        /// The version.
        version: u32,
    },
    /// What a value is stored as is not in its file.
    NewForm {
        /// The file.
        file: String,
        /// What the value is stored as now.
        stored: String,
    },
    /// An event of the present version has all that was filed when it is stored, and more: it was added since, and can be
    /// missing.
    Extended {
        /// The file.
        file: String,
        /// The case, from 1.
        case: usize,
        /// The lines that differ: `+` those that were added.
        diff: String,
    },
    /// An event of the present version is stored in another form than when it was filed.
    FormChanged {
        /// The file.
        file: String,
        /// The case, from 1.
        case: usize,
        /// The lines that differ: `-` those that are filed.
        diff: String,
    },
    /// An event of an earlier version becomes another value than when it was filed.
    ValueChanged {
        /// The file.
        file: String,
        /// The case, from 1.
        case: usize,
        /// The lines that differ: `-` those that are filed.
        diff: String,
    },
    /// A stored event cannot be read any more.
    Unreadable {
        /// The file.
        file: String,
        /// The case, from 1.
        case: usize,
        /// Why not.
        error: DecodeError,
    },
    /// The file has another present version beside the stored one, or none.
    Behind {
        /// The file.
        file: String,
        /// The version that is filed.
        filed: Option<u32>,
        /// The present version.
        present: u32,
    },
    /// The file is not what such a file is.
    Malformed {
        /// The file.
        file: String,
        /// What is wrong.
        message: String,
    },
    /// No version of any event has this file.
    Stray {
        /// The file.
        file: String,
    },
    /// The folder is that of a set that is not given. Nothing is written for a set that has no folder until this is
    /// mended: it could be the same set, under another name.
    SetNotGiven {
        /// The folder.
        folder: String,
        /// The folder that it should have if it was renamed; `None` where that could be none or several.
        renamed: Option<String>,
    },
}

const ACCEPT: &str = "run `ES_LOCK=accept cargo test`";

impl fmt::Display for GoldenProblem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFiled { file } => write!(formatter, "{file} does not exist yet: {ACCEPT} to write it"),
            Self::NoValue { set, event } => write!(
                formatter,
                "`golden!(..)` has no value of the event `{event}` of `{set}`: add one, since without it nobody is told when \
                 the event is stored in another form; if that form is not filed yet, {ACCEPT} after it"
            ),
            Self::EarlierNotFiled { file, event, version } => write!(
                formatter,
                "{file} does not exist, and no code is left that could write it: write it by hand, with one stored event \
                 or several, and {ACCEPT}:\n{{ \"event\": {event:?}, \"version\": {version}, \"cases\": [{{ \"stored\": {{ .. }} }}] }}"
            ),
            Self::NewForm { file, stored } => write!(
                formatter,
                "{file} does not have this value:\n{stored}\nIf it is a new one, or has a new field that may be missing \
                 (where it is the event's own, the lock says so), {ACCEPT}; if it is neither, a type within the event is stored \
                 in another form now, and the event needs a new version"
            ),
            Self::Extended { file, case, diff } => write!(
                formatter,
                "case {case} of {file} is read as before, and stored with more than before: a field that may be missing was \
                 added, to the event (the lock says so) or to a type within, or is no longer left out. Stored events stay \
                 readable: {ACCEPT}\n{diff}"
            ),
            Self::FormChanged { file, case, diff } => write!(
                formatter,
                "case {case} of {file} can still be read, and is stored in another form now, without a new version: the \
                 event has changed (the lock says so), or a type within has. Add a version; or, if old and new programs can \
                 read both, {ACCEPT}\n{diff}"
            ),
            Self::ValueChanged { file, case, diff } => write!(
                formatter,
                "case {case} of {file} becomes another value now: what leads from version to version has changed, or a type \
                 within. If the new value is right, {ACCEPT}\n{diff}"
            ),
            Self::Unreadable { file, case, error } => write!(
                formatter,
                "case {case} of {file} cannot be read any more: {error}. Stored events of that form cannot either: put back \
                 what read them; or, if none was ever stored, remove the case. `ES_LOCK=accept` writes nothing to this file \
                 until then"
            ),
            Self::Behind { file, filed: Some(filed), present } => write!(
                formatter,
                "{file} has version {filed} beside what is stored, and the present one is {present}: {ACCEPT}, and look at \
                 the values"
            ),
            Self::Behind { file, .. } => {
                write!(formatter, "{file} does not say yet what it becomes: {ACCEPT}, and look at the values")
            }
            Self::Malformed { file, message } => write!(formatter, "{file} cannot be understood: {message}"),
            Self::Stray { file } => write!(
                formatter,
                "{file} is of no version that the code knows: put the event back, or retire its name, or, if it was never \
                 stored, remove the file"
            ),
            Self::SetNotGiven { folder, renamed } => {
                let new = renamed.as_deref().unwrap_or("..");
                write!(
                    formatter,
                    "{FOLDER}/{folder} has the payloads of a set that is not given to `golden!(..)`. If the set was renamed, \
                     `git mv {FOLDER}/{folder} {FOLDER}/{new}`; if it was not, give it to `golden!(..)`; only if it was never \
                     stored, remove the folder. Until then `ES_LOCK=accept` writes nothing for a set that has no folder"
                )
            }
        }
    }
}

/// One to a paragraph.
struct List<'a>(&'a [GoldenProblem]);

impl fmt::Display for List<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|problem| writeln!(formatter, "- {problem}"))
    }
}
