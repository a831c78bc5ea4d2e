//! Reading what earlier versions of an event stored: the one chain, for every path out of a store.

use std::fmt::Display;

use serde_json::Value;

use crate::{
    event::Event,
    store::{DecodeError, decode},
};

/// How the previous version of an event becomes this one.
///
/// Implemented for whatever implements [`From`] or [`TryFrom`] for its previous version. Use `TryFrom` where an old
/// event may hold what the new one cannot: a failure is reported with the event's place in the store, and nothing is
/// skipped because of it.
#[diagnostic::on_unimplemented(
    message = "nothing says how `{Old}` becomes `{Self}`",
    label = "no conversion from the previous version",
    note = "write `impl From<{Old}> for {Self} {{ fn from(old: {Old}) -> Self {{ .. }} }}`, or `TryFrom` where it can fail"
)]
pub trait UpcastFrom<Old>: Sized {
    /// The same fact in the newer form.
    ///
    /// # Errors
    /// The text of the conversion's error.
    fn upcast_from(old: Old) -> Result<Self, String>;
}

#[diagnostic::do_not_recommend]
impl<Old, New> UpcastFrom<Old> for New
where
    New: TryFrom<Old>,
    New::Error: Display,
{
    fn upcast_from(old: Old) -> Result<Self, String> {
        Self::try_from(old).map_err(|error| error.to_string())
    }
}

/// What a function named in `#[event(upcast(1 = function))]` may return: JSON, or a `Result` with JSON.
#[diagnostic::on_unimplemented(
    message = "a JSON upcast returns `serde_json::Value`, or a `Result` with one, not `{Self}`",
    label = "not `serde_json::Value`",
    note = "write `fn upcast(old: serde_json::Value) -> serde_json::Value {{ .. }}`, or `-> Result<serde_json::Value, String>` where it can fail"
)]
pub trait UpcastJson {
    /// The JSON of the next version.
    ///
    /// # Errors
    /// The text of the function's error.
    fn into_json(self) -> Result<Value, String>;
}

impl UpcastJson for Value {
    fn into_json(self) -> Result<Value, String> {
        Ok(self)
    }
}

impl<E: Display> UpcastJson for Result<Value, E> {
    fn into_json(self) -> Result<Value, String> {
        self.map_err(|error| error.to_string())
    }
}

/// One step over JSON: the version that it reads, and the function that makes the next of it.
pub type JsonStep = (u32, fn(Value) -> Result<Value, String>);

/// Decodes an event of an earlier type, and lets it become the present one.
pub(crate) fn from_previous<Old, New>(version: u32, payload: &[u8]) -> Result<New, DecodeError>
where
    Old: Event,
    New: Event + UpcastFrom<Old>,
{
    let old = Old::decode(version, payload)?;
    New::upcast_from(old).map_err(|message| DecodeError::Upcast { from: Old::VERSION, to: New::VERSION, message })
}

/// Takes JSON of `version` through the steps that follow, and decodes what comes out.
pub(crate) fn from_json<E: Event>(version: u32, payload: &[u8], steps: &[JsonStep]) -> Result<E, DecodeError> {
    let mut json: Value = decode::json(payload)?;
    for (from, step) in steps.iter().filter(|(from, _)| *from >= version) {
        json = step(json).map_err(|message| DecodeError::Upcast { from: *from, to: from + 1, message })?;
    }
    decode::value(json)
}
