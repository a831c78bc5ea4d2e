//! The lock is held against the code, and written only when a person asks for it.

use std::{fs, path::Path};

use es_core::{
    EventSchema, EventSet,
    event::EventEncoder,
    prelude::*,
    store::DecodeError,
    testing::{
        Environment, EnvironmentError, Outcome,
        lock::{self, Difference, LockError, LockedSet, Reader},
    },
};
use serde_json::Value;
use tempfile::TempDir;

// ── What is locked ──────────────────────────────────────────────────────────

#[derive(Event, Serialize, Deserialize)]
#[event(name = "LampLit")]
struct LampLitV1 {
    by: String,
}

#[derive(Event, Serialize, Deserialize)]
#[event(version = 3, previous = LampLitV1, upcast(2 = unchanged))]
#[serde(deny_unknown_fields)]
struct LampLit {
    by: String,
    #[serde(rename = "colour", default)]
    color: Option<Vec<(u8, String)>>,
}

impl From<LampLitV1> for LampLit {
    fn from(old: LampLitV1) -> Self {
        Self { by: old.by, color: None }
    }
}

fn unchanged(old: Value) -> Value {
    old
}

#[derive(Event, Serialize, Deserialize)]
struct LampPutOut {}

#[derive(EventSet)]
#[event_set(retired("Lamp: named", "LampAudited"))]
enum LampEvent {
    PutOut(LampPutOut),
    Lit(LampLit),
}

/// A second set with an event of the first.
#[derive(EventSet)]
enum SwitchEvent {
    Lit(LampLit),
}

/// What the lock of both is.
const WRITTEN: &str = "\
# es events.lock, format 1; written by `ES_LOCK=accept cargo test`
set LampEvent of lamp, \"old lamp\"
  event LampLit v1
    by: String
  event LampLit v2 read by a step over JSON
  event LampLit v3  #[serde(deny_unknown_fields)]
    by: String
    colour: Option<Vec<(u8, String)>>  #[serde(default)]
  event LampPutOut v1
  retired \"Lamp: named\"
  retired LampAudited
set SwitchEvent
  event LampLit v1
    by: String
  event LampLit v2 read by a step over JSON
  event LampLit v3  #[serde(deny_unknown_fields)]
    by: String
    colour: Option<Vec<(u8, String)>>  #[serde(default)]
";

fn sets() -> Vec<LockedSet> {
    vec![LockedSet::of::<SwitchEvent>(&[]), LockedSet::of::<LampEvent>(&["old lamp", "lamp"])]
}

/// A folder with this lock in it, and what is said about it.
fn folder(text: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("events.lock"), text).expect("a file");
    folder
}

fn check(text: &str) -> Result<Outcome, LockError> {
    lock::prove(folder(text).path(), &sets(), &Environment::check())
}

fn read(folder: &Path) -> String {
    fs::read_to_string(folder.join("events.lock")).expect("a file")
}

// ── Writing ─────────────────────────────────────────────────────────────────

#[test]
fn what_is_accepted_is_written_sorted_and_then_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path();
    assert!(matches!(lock::prove(path, &sets(), &Environment::check()), Err(LockError::Missing { .. })));
    assert_eq!(lock::prove(path, &sets(), &Environment::accept()).expect("it is written"), Outcome::Written);
    assert_eq!(read(path), WRITTEN);
    assert_eq!(lock::prove(path, &sets(), &Environment::check()).expect("it holds"), Outcome::Unchanged);
    assert_eq!(lock::prove(path, &sets(), &Environment::accept()).expect("it holds"), Outcome::Unchanged);
    let files: Vec<_> = fs::read_dir(path).expect("a folder").map(|file| file.expect("a file").file_name()).collect();
    assert_eq!(files, ["events.lock"], "nothing is left beside it");
}

#[test]
fn nothing_is_accepted_where_people_do_not_look() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = lock::prove(folder.path(), &sets(), &Environment::accept().ci(true));
    assert!(matches!(refused, Err(LockError::Environment(EnvironmentError::RefusedInCi))), "{refused:?}");
    assert!(!folder.path().join("events.lock").exists());
    let mut misspelt = Environment::check();
    misspelt.es_lock = Some("acept".to_owned());
    let refused = lock::prove(folder.path(), &sets(), &misspelt);
    assert!(matches!(refused, Err(LockError::Environment(EnvironmentError::UnknownValue { .. }))), "{refused:?}");
}

#[test]
fn only_what_this_test_wrote_is_overwritten() {
    for (text, overwritten) in [
        ("# es events.lock, format 1\n<<<<<<< ours\n", true),
        ("# es events.lock, format 2\nset LampEvent\n", false),
        ("{}\n", false),
        ("", false),
    ] {
        let folder = folder(text);
        let outcome = lock::prove(folder.path(), &sets(), &Environment::accept());
        assert_eq!(outcome.is_ok(), overwritten, "{text}: {outcome:?}");
        assert_eq!(read(folder.path()) != text, overwritten, "{text}");
        let outcome = check(text);
        assert!(matches!(outcome, Err(LockError::Unreadable { .. })), "{text}: {outcome:?}");
    }
}

// ── Comparing ───────────────────────────────────────────────────────────────

/// What differs when a part of the lock is another.
#[track_caller]
fn differences(from: &str, to: &str) -> Vec<Difference> {
    assert!(WRITTEN.contains(from), "{from}");
    match check(&WRITTEN.replacen(from, to, 1)) {
        Err(LockError::Behind { differences, diff, .. }) => {
            assert!(diff.contains("\n-") || diff.contains("\n+"), "{diff}");
            differences
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_difference_is_told() {
    let (set, event) = ("LampEvent".to_owned(), "LampLit".to_owned());
    let form = |version| vec![Difference::FormChanged { set: set.clone(), event: event.clone(), version }];
    assert_eq!(differences("    by: String\n", "    by: u8\n"), form(1));
    assert_eq!(differences("    by: String\n", ""), form(1));
    assert_eq!(differences("  #[serde(default)]", ""), form(3));
    assert_eq!(differences(" v3  #[serde(deny_unknown_fields)]", " v3"), form(3));
    assert_eq!(
        differences("  event LampLit v2 read by a step over JSON\n", ""),
        [Difference::NewVersion { set: set.clone(), event: event.clone(), version: 2 }]
    );
    assert_eq!(
        differences("  event LampPutOut", "  event LampBroken v2\n  event LampPutOut"),
        [Difference::VersionGone { set: set.clone(), event: "LampBroken".to_owned(), version: 2 }]
    );
    assert_eq!(
        differences("  retired LampAudited\n", ""),
        [Difference::NewRetired { set: set.clone(), event: "LampAudited".to_owned() }]
    );
    // Its versions go with it.
    assert_eq!(
        differences("  retired LampAudited\n", "  event LampAudited v1\n  event LampAudited v2\n"),
        [Difference::NewRetired { set: set.clone(), event: "LampAudited".to_owned() }]
    );
    assert_eq!(
        differences("  retired LampAudited\n", "  retired LampAudited\n  retired LampSold\n"),
        [Difference::RetiredGone { set: set.clone(), event: "LampSold".to_owned() }]
    );
    assert_eq!(
        differences("of lamp, \"old lamp\"", "of lamp"),
        [Difference::NewAggregate { set: set.clone(), aggregate: "old lamp".to_owned() }]
    );
    assert_eq!(
        differences("of lamp, ", "of lamp, torch, "),
        [Difference::AggregateGone { set, aggregate: "torch".to_owned() }]
    );
    assert!(matches!(
        &differences(" v2 read by a step over JSON", " v2")[..],
        [Difference::ReaderChanged { version: 2, was: Reader::Struct(_), now: Reader::Step, .. }]
    ));
    assert!(matches!(
        &differences(" v1\n    by: String\n", " v1 read by code written by hand\n")[..],
        [Difference::ReaderChanged { version: 1, was: Reader::Hand, now: Reader::Struct(_), .. }]
    ));
    assert!(matches!(
        &differences("    colour: Option<Vec<(u8, String)>>  #[serde(default)]\n", "")[..],
        [Difference::NewField { version: 3, field, has_default: true, .. }] if field == "colour"
    ));
    assert_eq!(
        differences("set SwitchEvent", "set TorchEvent\nset SwitchEvent"),
        [Difference::SetGone { set: "TorchEvent".to_owned() }]
    );
    assert_eq!(
        differences("set SwitchEvent", "set TorchEvent"),
        [Difference::NewSet { set: "SwitchEvent".to_owned() }, Difference::SetGone { set: "TorchEvent".to_owned() }]
    );
}

#[test]
fn a_difference_reads_well() {
    let written = WRITTEN.replacen("    by: String\n", "    by: u8\n", 1);
    let folder = folder(&written);
    let error = lock::prove(folder.path(), &sets(), &Environment::check()).expect_err("it differs").to_string();
    let shown = error.replace(&folder.path().display().to_string(), "");
    assert_eq!(
        shown,
        "\
/events.lock is not what the code says:
- `LampLit` v1 has another form than when it was released

--- the file
+++ the code
@@ -1,7 +1,7 @@
 # es events.lock, format 1; written by `ES_LOCK=accept cargo test`
 set LampEvent of lamp, \"old lamp\"
   event LampLit v1
-    by: u8
+    by: String
   event LampLit v2 read by a step over JSON
   event LampLit v3  #[serde(deny_unknown_fields)]
     by: String

To release what the code says, run `ES_LOCK=accept cargo test`, and look at the difference before you commit it."
    );
}

#[test]
fn a_set_that_is_not_given_is_not_removed() {
    let torch = WRITTEN.replacen("set SwitchEvent", "set TorchEvent\n  event TorchLit v1\nset SwitchEvent", 1);
    // After a merge with conflicts, too.
    let conflict = torch.replacen("set SwitchEvent", "<<<<<<< ours\nset SwitchEvent", 1);
    for text in [&torch, &conflict] {
        let folder = folder(text);
        let error = lock::prove(folder.path(), &sets(), &Environment::accept()).expect_err("it is refused");
        assert!(matches!(&error, LockError::SetsGone { sets, .. } if sets == &["TorchEvent"]), "{error:?}");
        assert_eq!(read(folder.path()), **text);
        assert_eq!(
            error.to_string().replace(&folder.path().display().to_string(), ""),
            "\
/events.lock was not written: `ES_LOCK=accept` removes no released set, and `TorchEvent` is not given to `schema_lock!(..)`
Give it to `schema_lock!(..)`; or, if it was renamed, write its new name in `events.lock`, and rename its folder in \
`events.golden`; or, if it was never stored, delete its lines from `events.lock` by hand."
        );
    }
    let told = check(&torch).expect_err("it is told").to_string();
    assert!(told.contains("`ES_LOCK=accept` writes nothing until no released set is missing."), "{told}");
    // Versions and events of a given set may go: the difference shows them.
    let folder = folder(&WRITTEN.replacen("  event LampPutOut", "  event LampBroken v2\n  event LampPutOut", 1));
    lock::prove(folder.path(), &sets(), &Environment::accept()).expect("it is written");
    assert_eq!(read(folder.path()), WRITTEN);
}

#[test]
fn the_order_of_the_file_does_not_matter() {
    let lines: Vec<_> = WRITTEN.lines().collect();
    let (lamp, switch) = (lines[1..11].join("\n"), lines[11..].join("\n"));
    let text = format!("{}\n\n# moved\n{switch}\n{lamp}\n", lines[0]);
    assert_eq!(check(&text).expect("it holds"), Outcome::Unchanged);
}

// ── Names that are claimed twice ────────────────────────────────────────────

mod elsewhere {
    use es_core::prelude::*;

    #[derive(Event, Serialize, Deserialize)]
    pub(super) struct LampPutOut {}

    #[derive(EventSet)]
    pub(super) enum LampEvent {
        PutOut(LampPutOut),
    }

    #[derive(EventSet)]
    pub(super) enum OtherEvent {
        PutOut(LampPutOut),
    }
}

#[test]
fn a_name_is_claimed_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let prove = |sets: &[LockedSet]| lock::prove(folder.path(), sets, &Environment::accept());
    let lamps = LockedSet::of::<LampEvent>(&["lamp"]);
    let twice = prove(&[lamps.clone(), lamps.clone()]);
    assert!(matches!(twice, Err(LockError::SetTwice { .. })), "{twice:?}");
    let twice = prove(&[lamps.clone(), LockedSet::of::<elsewhere::LampEvent>(&[])]);
    assert!(matches!(twice, Err(LockError::SetTwice { .. })), "{twice:?}");
    let twice = prove(&[lamps.clone(), LockedSet::of::<elsewhere::OtherEvent>(&[])]);
    assert!(matches!(twice, Err(LockError::EventTwice { event: "LampPutOut", .. })), "{twice:?}");
    let twice = prove(&[lamps.clone(), LockedSet::of::<SwitchEvent>(&["lamp"])]);
    assert!(matches!(twice, Err(LockError::AggregateTwice { aggregate: "lamp", .. })), "{twice:?}");
    prove(&[lamps, LockedSet::of::<SwitchEvent>(&[])]).expect("one type may be in two sets");
}

// ── What is written by hand ─────────────────────────────────────────────────

#[derive(Serialize, Deserialize)]
struct ByHand {}

impl Event for ByHand {
    const NAME: &'static str = "ByHand";
    const VERSION: u32 = 2;
    const OLDEST: u32 = 1;
}

#[derive(EventSet)]
enum HalfByHand {
    Event(ByHand),
}

enum AllByHand {
    Event(ByHand),
}

impl es_core::IntoEvents<AllByHand> for AllByHand {
    fn into_events(self, events: &mut Vec<Self>) {
        events.push(self);
    }
}

impl EventSet for AllByHand {
    const SCHEMAS: &'static [EventSchema] = &[EventSchema::of::<ByHand>()];

    fn schema(&self) -> EventSchema {
        EventSchema::of::<ByHand>()
    }

    fn encode_with<C: EventEncoder>(&self, encoder: C) -> Result<C::Output, C::Error> {
        let Self::Event(event) = self;
        encoder.encode(event)
    }

    fn decode(_: &str, version: u32, payload: &[u8]) -> Result<Option<Self>, DecodeError> {
        ByHand::decode(version, payload).map(|event| Some(Self::Event(event)))
    }
}

#[test]
fn what_is_written_by_hand_is_locked_by_its_versions() {
    let folder = tempfile::tempdir().expect("a folder");
    let sets = [LockedSet::of::<HalfByHand>(&[]), LockedSet::of::<AllByHand>(&[])];
    lock::prove(folder.path(), &sets, &Environment::accept()).expect("it is written");
    assert!(read(folder.path()).ends_with(
        "\
set AllByHand
  event ByHand v2 read by code written by hand
set HalfByHand
  event ByHand v1 read by code written by hand
  event ByHand v2 read by code written by hand
"
    ));
}
