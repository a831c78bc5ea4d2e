//! Whether a difference between the code and a file is a failure or is to be written.

use std::env;

/// What the environment says: `ES_LOCK=accept` asks for files to be written, and `CI` forbids it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Environment {
    /// The value of `ES_LOCK`.
    pub es_lock: Option<String>,
    /// Whether this is a machine that checks what people wrote.
    pub ci: bool,
}

/// The environment asks for something that is not done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// A machine that checks what people wrote was asked to write it itself.
    #[error(
        "`ES_LOCK=accept` is refused where `CI` is set: what is released is looked at by people; run it on your own \
         machine, and commit what it writes"
    )]
    RefusedInCi,
    /// `ES_LOCK` has a value that means nothing.
    #[error("`ES_LOCK={value}` means nothing; write `ES_LOCK=accept`, or unset it")]
    UnknownValue {
        /// The value.
        value: String,
    },
}

/// What became of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// They say what the code says.
    Unchanged,
    /// At least one was written.
    Written,
}

impl Environment {
    /// Nothing is to be written.
    pub fn check() -> Self {
        Self::default()
    }

    /// What differs is to be written.
    pub fn accept() -> Self {
        Self { es_lock: Some(es_lock::ACCEPT.to_owned()), ci: false }
    }

    /// That of this process.
    pub fn of_process() -> Self {
        Self {
            es_lock: env::var_os(es_lock::VARIABLE).map(|value| value.to_string_lossy().into_owned()),
            ci: env::var_os("CI").is_some_and(|value| !value.is_empty()),
        }
    }

    /// Sets whether this is a machine that checks what people wrote.
    #[must_use]
    pub fn ci(mut self, ci: bool) -> Self {
        self.ci = ci;
        self
    }

    /// Whether files are to be written.
    pub(super) fn accepts(&self) -> Result<bool, EnvironmentError> {
        match self.es_lock.as_deref() {
            None | Some("") => Ok(false),
            Some(es_lock::ACCEPT) if self.ci => Err(EnvironmentError::RefusedInCi),
            Some(es_lock::ACCEPT) => Ok(true),
            Some(other) => Err(EnvironmentError::UnknownValue { value: other.to_owned() }),
        }
    }
}
