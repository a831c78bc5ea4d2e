//! Holding a snapshot against the events that it stands for.

use serde_json::Value;

use super::{
    Repository,
    rehydrate::{self, Hydrated},
};
use crate::{
    aggregate::Aggregate,
    recorded::StreamVersion,
    snapshot::Snapshots,
    store::{EventStore, KeptSnapshot, StoreError, Until},
};

/// What came of holding a snapshot against a replay of all events; by [`Repository::verify_snapshot`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotCheck {
    /// None is kept of this aggregate, or of its kind.
    NoSnapshot,
    /// It is of no use to this program, which replays all events instead.
    Unusable {
        /// The version that it holds the state of.
        version: StreamVersion,
        /// Why it is of no use.
        why: Unusable,
    },
    /// The replay comes to the same state.
    Same {
        /// The version that it holds the state of.
        version: StreamVersion,
    },
    /// The replay comes to another state: an event handler was changed, and the snapshot still fits by its fields. Raise
    /// `snapshot(version = ..)` of the aggregate, so that it and all like it are left aside.
    Different {
        /// The version that it holds the state of.
        version: StreamVersion,
        /// Where the two differ as JSON, such as `balance` or `lines[3].amount`; `.` for the whole.
        paths: Vec<String>,
    },
    /// It holds the state of a version that the stream has not reached: events were lost behind the program's back, and
    /// states built upon it are wrong. Delete it.
    Ahead {
        /// The version that it holds the state of.
        version: StreamVersion,
        /// The last version that there is.
        last: StreamVersion,
    },
}

/// Why a snapshot is of no use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unusable {
    /// It was made for a state with other fields, or for another version of the snapshots.
    OtherFingerprint {
        /// Its fingerprint.
        found: String,
        /// That of the present state.
        needed: &'static str,
    },
    /// The fingerprint fits, but it does not become a state.
    DoesNotDecode {
        /// What does not fit.
        message: String,
    },
    /// It becomes a state that does not become JSON again, or the replayed one does not.
    DoesNotEncode {
        /// What does not fit.
        message: String,
    },
}

impl SnapshotCheck {
    /// Whether no state can be wrong because of it.
    pub fn is_harmless(&self) -> bool {
        !matches!(self, Self::Different { .. } | Self::Ahead { .. })
    }
}

pub(super) async fn snapshot<A: Aggregate, S: EventStore>(
    repository: &Repository<A, S>,
    id: &A::Id,
) -> Result<SnapshotCheck, StoreError> {
    let stream = Repository::<A, S>::stream(id);
    let Some(snapshots) = A::SNAPSHOTS else { return Ok(SnapshotCheck::NoSnapshot) };
    let Some(kept) = repository.store.kept_snapshot(stream.clone()).await? else {
        return Ok(SnapshotCheck::NoSnapshot);
    };
    let version = kept.version;
    let found = match usable(&snapshots, &kept) {
        Ok(found) => found,
        Err(why) => return Ok(SnapshotCheck::Unusable { version, why }),
    };
    let (replayed, _): (Hydrated<A>, _) = rehydrate::load(
        &repository.store,
        rehydrate::request::<A>(stream).snapshot(None).until(Until::Version(version)),
    )
    .await?;
    if replayed.version < version {
        return Ok(SnapshotCheck::Ahead { version, last: replayed.version });
    }
    let replayed = match json(&snapshots, &replayed.state) {
        Ok(replayed) => replayed,
        Err(why) => return Ok(SnapshotCheck::Unusable { version, why }),
    };
    let mut paths = Vec::new();
    compare("", &found, &replayed, &mut paths);
    Ok(if paths.is_empty() { SnapshotCheck::Same { version } } else { SnapshotCheck::Different { version, paths } })
}

/// The state in a snapshot, as this program would write it.
fn usable<A: Aggregate>(snapshots: &Snapshots<A>, kept: &KeptSnapshot) -> Result<Value, Unusable> {
    if kept.fingerprint != snapshots.fingerprint() {
        let (found, needed) = (kept.fingerprint.clone(), snapshots.fingerprint());
        return Err(Unusable::OtherFingerprint { found, needed });
    }
    let state =
        snapshots.decode(&kept.state).map_err(|error| Unusable::DoesNotDecode { message: error.to_string() })?;
    json(snapshots, &state)
}

fn json<A: Aggregate>(snapshots: &Snapshots<A>, state: &A) -> Result<Value, Unusable> {
    let json = snapshots.encode(state).and_then(|json| serde_json::from_str(&json));
    json.map_err(|error| Unusable::DoesNotEncode { message: error.to_string() })
}

/// Collects the paths at which two values differ.
fn compare(path: &str, one: &Value, other: &Value, paths: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
            for name in names {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare_members(&path, one.get(name), other.get(name), paths);
            }
        }
        (Value::Array(one), Value::Array(other)) => {
            for index in 0..one.len().max(other.len()) {
                compare_members(&format!("{path}[{index}]"), one.get(index), other.get(index), paths);
            }
        }
        _ if one == other => {}
        _ => paths.push(if path.is_empty() { ".".to_owned() } else { path.to_owned() }),
    }
}

fn compare_members(path: &str, one: Option<&Value>, other: Option<&Value>, paths: &mut Vec<String>) {
    match (one, other) {
        (Some(one), Some(other)) => compare(path, one, other, paths),
        _ => paths.push(path.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::compare;

    #[test]
    fn every_place_of_difference_is_named_once() {
        let paths = |one, other| {
            let mut paths = Vec::new();
            compare("", &one, &other, &mut paths);
            paths
        };
        assert_eq!(paths(json!({"a": 1, "b": [1, {"c": 2}]}), json!({"b": [1, {"c": 2}], "a": 1})), [""; 0]);
        assert_eq!(
            paths(json!({"a": 1, "b": [1, {"c": 2}]}), json!({"a": 2, "b": [1, {"c": 3}, 4]})),
            ["a", "b[1].c", "b[2]"]
        );
        assert_eq!(paths(json!({"gone": null}), json!({"new": 0})), ["gone", "new"]);
        assert_eq!(paths(json!(1), json!([1])), ["."]);
    }
}
