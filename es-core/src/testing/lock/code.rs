//! What the code says, in the form of the lock.

use std::{any::type_name, collections::HashMap};

use es_lock::{Event, Lock, Reader, Set};

use super::LockError;
use crate::{
    event::{EventSchema, EventSet},
    private::lock::{EventType, Shape},
};

/// A set of events and the aggregates that have them, to be held against the lock.
#[derive(Clone, Debug)]
pub struct LockedSet {
    name: String,
    type_name: &'static str,
    aggregates: Vec<&'static str>,
    retired: &'static [&'static str],
    events: &'static [EventType],
    /// For a set that is written by hand, of whose events nothing else is known.
    schemas: &'static [EventSchema],
}

impl LockedSet {
    /// A set, with the stored names of its aggregates.
    pub fn of<S: EventSet>(aggregates: &[&'static str]) -> Self {
        let type_name = type_name::<S>();
        let last_segment = || type_name.rsplit("::").next().unwrap_or(type_name).to_owned();
        Self {
            name: S::SHAPE.map_or_else(last_segment, |shape| shape.name.to_owned()),
            type_name,
            aggregates: aggregates.to_vec(),
            retired: S::RETIRED,
            events: S::SHAPE.map_or(&[], |shape| shape.events),
            schemas: if S::SHAPE.is_some() { &[] } else { S::SCHEMAS },
        }
    }

    fn recorded(&self) -> Result<Set, LockError> {
        let by_hand = self.schemas.iter().map(|schema| without_struct(schema.name, schema.version, Reader::Hand));
        let mut events: Vec<_> = by_hand.collect();
        for event in self.events {
            if event.is_unlocked() {
                return Err(LockError::UnlockedEvent { set: self.name.clone(), event: event.name });
            }
            events.append(&mut versions(event)?);
        }
        Ok(Set {
            name: self.name.clone(),
            aggregates: self.aggregates.iter().map(|&name| name.to_owned()).collect(),
            events,
            retired: self.retired.iter().map(|&name| name.to_owned()).collect(),
        })
    }
}

/// What the code says of these sets, in the order of the file.
pub(super) fn lock(sets: &[LockedSet]) -> Result<Lock, LockError> {
    each_set_has_its_name(sets)?;
    each_event_has_its_name(sets)?;
    each_aggregate_has_its_name(sets)?;
    let mut lock = Lock { sets: sets.iter().map(LockedSet::recorded).collect::<Result<_, _>>()? };
    lock.sort();
    Ok(lock)
}

/// No two sets have one name, nor is one given twice.
fn each_set_has_its_name(sets: &[LockedSet]) -> Result<(), LockError> {
    let mut seen = HashMap::new();
    for set in sets {
        if let Some(first) = seen.insert(&set.name, set.type_name) {
            return Err(LockError::SetTwice { set: set.name.clone(), first, second: set.type_name });
        }
    }
    Ok(())
}

/// No two types have one stored name. One type may be in several sets.
fn each_event_has_its_name(sets: &[LockedSet]) -> Result<(), LockError> {
    let mut seen: HashMap<&str, &EventType> = HashMap::new();
    for event in sets.iter().flat_map(|set| set.events) {
        let first = *seen.entry(event.name).or_insert(event);
        if first.id != event.id {
            let (first, second) = ((first.type_name)(), (event.type_name)());
            return Err(LockError::EventTwice { event: event.name, first, second });
        }
    }
    Ok(())
}

/// No stored name of an aggregate is that of another.
fn each_aggregate_has_its_name(sets: &[LockedSet]) -> Result<(), LockError> {
    let mut seen = HashMap::new();
    for (set, aggregate) in sets.iter().flat_map(|set| set.aggregates.iter().map(move |name| (set, *name))) {
        if let Some(first) = seen.insert(aggregate, set) {
            let (first, second) = (first.name.clone(), set.name.clone());
            return Err(LockError::AggregateTwice { aggregate, first, second });
        }
    }
    Ok(())
}

/// Every version of an event that is read. Those that no struct says are read by steps over JSON, or, where the
/// event is written by hand, by its own code.
fn versions(event: &EventType) -> Result<Vec<Event>, LockError> {
    let mut structs = HashMap::new();
    let otherwise = if event.shape.is_some() { Reader::Step } else { Reader::Hand };
    let mut next: Option<&Shape> = event.shape;
    while let Some(shape) = next {
        structs.insert(shape.version, shape.text);
        next = shape.previous;
    }
    let recorded = |version| match structs.get(&version) {
        Some(text) => Event::parse(text).map_err(|source| LockError::Unwritable { event: event.name, version, source }),
        None => Ok(without_struct(event.name, version, otherwise.clone())),
    };
    (event.oldest..=event.version).map(recorded).collect()
}

fn without_struct(name: &str, version: u32, reader: Reader) -> Event {
    Event { name: name.to_owned(), version, reader }
}
