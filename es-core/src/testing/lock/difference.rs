//! What differs between the lock and the code.

use std::{collections::BTreeSet, fmt};

use es_lock::{Lock, Reader, Set};

use super::form;

/// One thing that the lock and the code say differently.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The lock does not have the set.
    NewSet {
        /// Its name.
        set: String,
    },
    /// The test does not have the set.
    SetGone {
        /// Its name.
        set: String,
    },
    /// The lock does not have the event in this version.
    NewVersion {
        /// The set.
        set: String,
        /// The stored name.
        event: String,
        /// The version.
        version: u32,
    },
    /// The code does not have the event in this version.
    VersionGone {
        /// The set.
        set: String,
        /// The stored name.
        event: String,
        /// The version.
        version: u32,
    },
    /// A version is read by something else than when it was released. What is stored need not have changed.
    ReaderChanged {
        /// The set.
        set: String,
        /// The stored name.
        event: String,
        /// The version.
        version: u32,
        /// What read it when it was released.
        was: Reader,
        /// What reads it now.
        now: Reader,
    },
    /// A version has a new field, which stored events can do without; it is otherwise as it was released.
    NewField {
        /// The set.
        set: String,
        /// The stored name.
        event: String,
        /// The version.
        version: u32,
        /// The stored name of the field.
        field: String,
        /// Whether serde is told of a default; without one the field is an `Option`.
        has_default: bool,
    },
    /// The stored form of a version is another.
    FormChanged {
        /// The set.
        set: String,
        /// The stored name.
        event: String,
        /// The version.
        version: u32,
    },
    /// The lock does not have the name as one that is retired.
    NewRetired {
        /// The set.
        set: String,
        /// The stored name.
        event: String,
    },
    /// The code does not retire the name.
    RetiredGone {
        /// The set.
        set: String,
        /// The stored name.
        event: String,
    },
    /// The lock does not have the aggregate.
    NewAggregate {
        /// The set.
        set: String,
        /// The stored name.
        aggregate: String,
    },
    /// The code does not have the aggregate.
    AggregateGone {
        /// The set.
        set: String,
        /// The stored name.
        aggregate: String,
    },
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NewSet { set } => write!(formatter, "the set `{set}` is new"),
            Self::SetGone { set } => write!(
                formatter,
                "the set `{set}` is released and is not given to this test: give it to `schema_lock!(..)`; or, if it was \
                 renamed, write its new name in `events.lock`, and rename its folder in `events.golden`; or, if it was never \
                 stored, delete its lines from `events.lock` by hand"
            ),
            Self::NewVersion { event, version, .. } => write!(formatter, "`{event}` v{version} is new"),
            Self::VersionGone { set, event, version } => write!(
                formatter,
                "`{event}` v{version} is released and `{set}` does not have it; stored ones could not be read"
            ),
            Self::ReaderChanged { event, version, was, now, .. } => {
                write!(
                    formatter,
                    "`{event}` v{version} was read by {was} when it was released, and is read by {now} now"
                )
            }
            Self::NewField { event, version, field, has_default: true, .. } => {
                write!(formatter, "`{event}` v{version} has a new field `{field}` with a default")
            }
            Self::NewField { event, version, field, .. } => {
                write!(formatter, "`{event}` v{version} has a new field `{field}` that may be missing")
            }
            Self::FormChanged { event, version, .. } => {
                write!(formatter, "`{event}` v{version} has another form than when it was released")
            }
            Self::NewRetired { set, event } => write!(formatter, "`{event}` of `{set}` is newly retired"),
            Self::RetiredGone { set, event } => {
                write!(formatter, "`{event}` was retired from `{set}` and is no longer; stored ones could not be read")
            }
            Self::NewAggregate { set, aggregate } => {
                write!(formatter, "the aggregate \"{aggregate}\" with the events of `{set}` is new")
            }
            Self::AggregateGone { set, aggregate } => write!(
                formatter,
                "the aggregate \"{aggregate}\" with the events of `{set}` is released and is not there; stored streams would not be found"
            ),
        }
    }
}

/// All differences, set by set.
pub(super) fn between(released: &Lock, code: &Lock) -> Vec<Difference> {
    let names: BTreeSet<_> = released.sets.iter().chain(&code.sets).map(|set| &set.name).collect();
    let differences = names.into_iter().flat_map(|name| match (released.set(name), code.set(name)) {
        (Some(released), Some(code)) => within(released, code),
        (Some(_), None) => vec![Difference::SetGone { set: name.clone() }],
        (None, _) => vec![Difference::NewSet { set: name.clone() }],
    });
    differences.collect()
}

fn within(released: &Set, code: &Set) -> Vec<Difference> {
    let mut found = Vec::new();
    let set = &code.name;
    for_each_missing(&code.aggregates, &released.aggregates, |aggregate| {
        found.push(Difference::NewAggregate { set: set.clone(), aggregate });
    });
    for_each_missing(&released.aggregates, &code.aggregates, |aggregate| {
        found.push(Difference::AggregateGone { set: set.clone(), aggregate });
    });
    for event in &code.events {
        match released.event(&event.name, event.version) {
            None => {
                let (set, event, version) = (set.clone(), event.name.clone(), event.version);
                found.push(Difference::NewVersion { set, event, version });
            }
            Some(was) => found.extend(form::between(set, was, event)),
        }
    }
    for event in released.events.iter().filter(|event| code.event(&event.name, event.version).is_none()) {
        // A name that is retired takes its versions with it, and is named once, below.
        if !code.retired.contains(&event.name) {
            let (set, event, version) = (set.clone(), event.name.clone(), event.version);
            found.push(Difference::VersionGone { set, event, version });
        }
    }
    for_each_missing(&code.retired, &released.retired, |event| {
        found.push(Difference::NewRetired { set: set.clone(), event });
    });
    for_each_missing(&released.retired, &code.retired, |event| {
        found.push(Difference::RetiredGone { set: set.clone(), event });
    });
    found
}

fn for_each_missing(names: &[String], among: &[String], each: impl FnMut(String)) {
    names.iter().filter(|name| !among.contains(name)).cloned().for_each(each);
}
