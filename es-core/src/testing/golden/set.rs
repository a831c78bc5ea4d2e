//! A set of events with the values that are to be filed.

use std::any::type_name;

use serde_json::Value;

use super::file;
use crate::{
    event::{EventSchema, EventSet},
    store::{DecodeError, EncodeError, encode::JsonEncoder},
};

/// A set of events, with values of them.
#[derive(Clone, Debug)]
pub struct GoldenSet {
    name: String,
    /// Each event with the oldest version that is read.
    events: Vec<(EventSchema, u32)>,
    retired: &'static [&'static str],
    values: Result<Vec<(EventSchema, Value)>, EncodeError>,
    present: fn(&str, u32, &[u8]) -> Result<Value, DecodeError>,
}

/// One version of one event.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) event: &'static str,
    pub(super) number: u32,
    pub(super) present: u32,
    /// What the values are stored as; none for an earlier version.
    pub(super) values: Vec<Value>,
}

impl Version {
    pub(super) fn is_present(&self) -> bool {
        self.number == self.present
    }
}

impl GoldenSet {
    /// A set, with at least one value of each of its events.
    pub fn of<S: EventSet>(values: &[S]) -> Self {
        let type_name = type_name::<S>();
        let last_segment = || type_name.rsplit("::").next().unwrap_or(type_name).to_owned();
        let by_hand = || S::SCHEMAS.iter().map(|schema| (*schema, schema.version)).collect();
        Self {
            name: S::SHAPE.map_or_else(last_segment, |shape| shape.name.to_owned()),
            events: S::SHAPE.map_or_else(by_hand, |shape| {
                let locked = shape.events.iter().filter(|event| !event.is_unlocked());
                locked.map(|event| (EventSchema::new(event.name, event.version), event.oldest)).collect()
            }),
            retired: S::RETIRED,
            values: values.iter().map(|value| Ok((value.schema(), encode(value)?))).collect(),
            present: present::<S>,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Every version of every event.
    pub(super) fn versions(&self) -> Result<Vec<Version>, EncodeError> {
        let values = self.values.as_ref().map_err(Clone::clone)?;
        let versions = self.events.iter().flat_map(|(schema, oldest)| {
            (*oldest..=schema.version).map(|number| {
                let own = values.iter().filter(|(of, _)| number == schema.version && of.name == schema.name);
                let values = own.map(|(_, value)| value.clone()).collect();
                Version { event: schema.name, number, present: schema.version, values }
            })
        });
        Ok(versions.collect())
    }

    /// Whether a file is of some version, or of a retired event.
    pub(super) fn has_file(&self, name: &str) -> Result<bool, EncodeError> {
        let is_of_a_version = self.versions()?.iter().any(|version| file::name(version.event, version.number) == name);
        Ok(is_of_a_version || self.retired.iter().any(|event| file::is_of(name, event)))
    }

    /// What a stored event is stored as once it is read: its present form.
    pub(super) fn present(&self, version: &Version, stored: &Value) -> Result<Value, DecodeError> {
        (self.present)(version.event, version.number, stored.to_string().as_bytes())
    }
}

fn present<S: EventSet>(name: &str, version: u32, payload: &[u8]) -> Result<Value, DecodeError> {
    let event = S::decode(name, version, payload)?.ok_or(DecodeError::UnknownEvent)?;
    encode(&event).map_err(|error| DecodeError::Payload { path: error.path, message: error.message })
}

fn encode<S: EventSet>(event: &S) -> Result<Value, EncodeError> {
    let json = event.encode_with(JsonEncoder)?;
    serde_json::from_str(&json).map_err(|error| EncodeError::of_raw_json(event.schema(), &error.to_string()))
}
