//! Whether a difference is a failure or is to be written.

use std::env;

use super::LockError;

/// What the environment says: `ES_LOCK=accept` asks for files to be written, and `CI` forbids it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Environment {
    /// The value of `ES_LOCK`.
    pub es_lock: Option<String>,
    /// Whether this is a machine that checks what people wrote.
    pub ci: bool,
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
    pub(in crate::testing) fn accepts(&self) -> Result<bool, LockError> {
        match self.es_lock.as_deref() {
            None | Some("") => Ok(false),
            Some(es_lock::ACCEPT) if self.ci => Err(LockError::RefusedInCi),
            Some(es_lock::ACCEPT) => Ok(true),
            Some(other) => Err(LockError::UnknownValue { value: other.to_owned() }),
        }
    }
}
