//! One error for several callers.

use super::{Misconfigured, StoreError, Unavailable};

impl StoreError {
    /// The same error for another caller whose request was sent together with this one, with its cause in words: what a
    /// database reports cannot be copied. What is about one request alone becomes [`Unavailable`]. For stores.
    #[must_use]
    pub fn for_another(&self) -> Self {
        match self {
            Self::Misconfigured(misconfigured) => {
                let source = misconfigured.source.as_ref().map(|source| source.to_string().into());
                Misconfigured::new(misconfigured.reason.clone(), source).into()
            }
            Self::Unavailable(unavailable) => {
                let mut copy = Unavailable::new(unavailable.reason.clone(), unavailable.source.to_string());
                copy.closed = unavailable.closed;
                copy.into()
            }
            Self::WrongSchema { found, needed } => Self::WrongSchema { found: *found, needed: *needed },
            Self::Backend { doing, source } => Self::Backend { doing, source: source.to_string().into() },
            other => Unavailable::new("it could not be asked", other.to_string()).into(),
        }
    }
}
