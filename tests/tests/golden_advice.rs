//! What golden payloads tell people to do keeps what was stored: each advice, where it is right and where it would not
//! be.

use std::fs;

use es_core::testing::{
    Environment, Outcome,
    golden::{self, GoldenError, GoldenProblem, GoldenSet},
};
use tempfile::TempDir;

/// A domain at one time: the name of its set, and what its one event is made of.
macro_rules! time {
    ($name:ident: $set:ident, $value:expr, { $($items:item)* }) => {
        mod $name {
            use es_core::{prelude::*, testing::golden::GoldenSet};

            $($items)*

            #[derive(EventSet)]
            enum $set {
                Lit(LampLit),
            }

            pub(super) fn set() -> GoldenSet {
                GoldenSet::of::<$set>(&[$value.into()])
            }
        }
    };
}

/// The first time, with its set under several names.
macro_rules! first {
    ($name:ident, $set:ident) => {
        time!($name: $set, LampLit { by: "porter".to_owned(), color: Color { name: "white".to_owned() } }, {
            #[derive(Event, Serialize, Deserialize)]
            struct LampLit { by: String, color: Color }

            #[derive(Serialize, Deserialize)]
            struct Color { name: String }
        });
    };
}

first!(first, LampEvent);
first!(renamed, LanternEvent);
first!(another, TorchEvent);

/// A field was added that may be missing: to the event, and to a type within.
macro_rules! extended {
    ($name:ident, $note:literal) => {
        time!($name: LampEvent, LampLit {
            by: "porter".to_owned(),
            note: $note.to_owned(),
            color: Color { name: "white".to_owned(), shade: None },
        }, {
            #[derive(Event, Serialize, Deserialize)]
            struct LampLit { by: String, #[serde(default)] note: String, color: Color }

            #[derive(Serialize, Deserialize)]
            struct Color { name: String, shade: Option<u8> }
        });
    };
}

extended!(extended, "");
extended!(extended_with_a_note, "a note");

time!(unreadable: LampEvent, LampLit { by: 7, color: 8 }, {
    #[derive(Event, Serialize, Deserialize)]
    struct LampLit { by: u8, color: u8 }
});

const LIT: &str = "events.golden/LampEvent/LampLit.v1.json";

/// A folder in which the first time is filed.
fn filed() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    accept(&folder, &[first::set()]).expect("it is written");
    folder
}

fn accept(folder: &TempDir, sets: &[GoldenSet]) -> Result<Outcome, GoldenError> {
    golden::prove(folder.path(), sets, &Environment::accept())
}

fn check(folder: &TempDir, sets: &[GoldenSet]) -> Result<Outcome, GoldenError> {
    golden::prove(folder.path(), sets, &Environment::check())
}

#[track_caller]
fn problems(outcome: Result<Outcome, GoldenError>) -> Vec<GoldenProblem> {
    match outcome {
        Err(GoldenError::Failed { problems, .. }) => problems,
        other => panic!("{other:?}"),
    }
}

// ── Sets ────────────────────────────────────────────────────────────────────

#[test]
fn the_folder_of_a_renamed_set_is_to_be_renamed() {
    let folder = filed();
    // Nothing is written for the new name, or the folder could no longer be renamed.
    for outcome in [check(&folder, &[renamed::set()]), accept(&folder, &[renamed::set()])] {
        let problems = problems(outcome);
        let renamed = Some("LanternEvent".to_owned());
        assert_eq!(problems, [GoldenProblem::SetNotGiven { folder: "LampEvent".to_owned(), renamed }]);
        assert_eq!(
            problems[0].to_string(),
            "events.golden/LampEvent has the payloads of a set that is not given to `golden!(..)`. If the set was renamed, \
             `git mv events.golden/LampEvent events.golden/LanternEvent`; if it was not, give it to `golden!(..)`; only if it \
             was never stored, remove the folder. Until then `ES_LOCK=accept` writes nothing for a set that has no folder"
        );
    }
    let golden = folder.path().join("events.golden");
    fs::rename(golden.join("LampEvent"), golden.join("LanternEvent")).expect("it is renamed");
    check(&folder, &[renamed::set()]).expect("it holds");
}

#[test]
fn a_set_that_is_not_given_is_told() {
    let folder = filed();
    accept(&folder, &[first::set(), another::set()]).expect("it is written");
    let not_given = GoldenProblem::SetNotGiven { folder: "LampEvent".to_owned(), renamed: None };
    assert_eq!(problems(check(&folder, &[another::set()])), [not_given]);
    // Which of two has taken its place, nobody knows.
    let not_given = problems(accept(&filed(), &[renamed::set(), another::set()]));
    assert_eq!(not_given, [GoldenProblem::SetNotGiven { folder: "LampEvent".to_owned(), renamed: None }]);
}

// ── Forms ───────────────────────────────────────────────────────────────────

#[test]
fn a_field_that_may_be_missing_needs_no_version() {
    let folder = filed();
    match &problems(check(&folder, &[extended::set()]))[..] {
        [problem @ GoldenProblem::Extended { case: 1, diff, .. }] => {
            assert!(diff.contains("+  \"note\": \"\""), "{diff}");
            assert!(diff.contains("+    \"shade\": null"), "{diff}");
            let text = problem.to_string();
            assert!(text.contains("Stored events stay readable: run `ES_LOCK=accept cargo test`"), "{text}");
            assert!(!text.contains("version"), "{text}");
        }
        other => panic!("{other:#?}"),
    }
    // A value with something in the new field is a new one.
    match &problems(check(&folder, &[extended_with_a_note::set()]))[..] {
        [GoldenProblem::Extended { case: 1, .. }, new @ GoldenProblem::NewForm { .. }] => {
            let text = new.to_string();
            assert!(text.contains("If it is a new one, or has a new field that may be missing"), "{text}");
        }
        other => panic!("{other:#?}"),
    }
    accept(&folder, &[extended_with_a_note::set()]).expect("it is written");
    check(&folder, &[extended_with_a_note::set()]).expect("it holds");
}

#[test]
fn what_cannot_be_read_is_to_be_mended_before_anything_is_accepted() {
    let folder = filed();
    let before = fs::read_to_string(folder.path().join(LIT)).expect("a file");
    assert!(matches!(problems(accept(&folder, &[unreadable::set()]))[..], [GoldenProblem::Unreadable { case: 1, .. }]));
    assert_eq!(fs::read_to_string(folder.path().join(LIT)).expect("a file"), before);
    match &problems(check(&folder, &[unreadable::set()]))[..] {
        [unreadable @ GoldenProblem::Unreadable { case: 1, .. }, GoldenProblem::NewForm { .. }] => {
            let text = unreadable.to_string();
            assert!(text.ends_with("`ES_LOCK=accept` writes nothing to this file until then"), "{text}");
        }
        other => panic!("{other:#?}"),
    }
}
