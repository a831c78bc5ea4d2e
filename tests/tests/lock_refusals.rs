//! What the lock could not hold is refused, and not left out of it.

use es_core::{
    prelude::*,
    testing::{
        Environment,
        lock::{self, LockError, LockedSet},
    },
};

/// It has a name of the lock's that no test of ours should take.
#[derive(Event, Serialize, Deserialize)]
#[event(unlocked)]
struct LampStolen {}

/// A set that would be given to the lock by mistake.
#[derive(EventSet)]
enum ThiefEvent {
    Stolen(LampStolen),
}

/// Two fields with one name, which serde writes and does not read.
#[derive(Event, Serialize, Deserialize)]
struct LampDoubled {
    #[serde(rename(serialize = "lamp"))]
    left: u8,
    #[serde(rename(serialize = "lamp"))]
    right: u8,
}

#[derive(EventSet)]
enum DoubleEvent {
    Doubled(LampDoubled),
}

#[test]
fn what_the_lock_could_not_hold_is_refused() {
    let refused = |set| lock::prove(tempfile::tempdir().expect("a folder").path(), &[set], &Environment::accept());
    let error = refused(LockedSet::of::<ThiefEvent>(&[]));
    assert!(matches!(error, Err(LockError::UnlockedEvent { event: "LampStolen", .. })), "{error:?}");
    let error = refused(LockedSet::of::<DoubleEvent>(&[]));
    assert!(matches!(error, Err(LockError::Unwritable { event: "LampDoubled", version: 1, .. })), "{error:?}");
}
