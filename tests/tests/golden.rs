//! Golden payloads keep what was stored, and tell when it is stored, read or upcast in another way.
//!
//! The code of one domain at several times stands here side by side, each in a module of its own, with one name of the
//! set.

use std::{fs, path::Path};

use es_core::testing::{
    Environment, EnvironmentError, Outcome,
    golden::{self, GoldenError, GoldenProblem, GoldenSet},
};
use tempfile::TempDir;

/// A domain at one time: its types, and the values that its test gives.
macro_rules! time {
    ($name:ident: $values:expr, { $($items:item)* }) => {
        mod $name {
            use es_core::{prelude::*, testing::golden::GoldenSet};

            $($items)*

            pub(super) fn set() -> GoldenSet {
                let values: Vec<LampEvent> = $values;
                GoldenSet::of(&values)
            }
        }
    };
}

time!(first: vec![lit("porter").into(), lit("guest").into(), LampPutOut {}.into()], {
    #[derive(Event, Serialize, Deserialize)]
    struct LampLit { by: String, color: Color }

    #[derive(Serialize, Deserialize)]
    enum Color { White }

    #[derive(Event, Serialize, Deserialize)]
    struct LampPutOut {}

    #[derive(EventSet)]
    enum LampEvent { Lit(LampLit), PutOut(LampPutOut) }

    fn lit(by: &str) -> LampLit {
        LampLit { by: by.to_owned(), color: Color::White }
    }
});

time!(another_form_inside: vec![LampLit { by: "porter".to_owned(), color: Color::White }.into(), LampPutOut {}.into()], {
    #[derive(Event, Serialize, Deserialize)]
    struct LampLit { by: String, color: Color }

    /// What is stored already can be read, and other programs cannot read what this one stores.
    #[derive(Serialize, Deserialize)]
    enum Color { #[serde(rename = "white", alias = "White")] White }

    #[derive(Event, Serialize, Deserialize)]
    struct LampPutOut {}

    #[derive(EventSet)]
    enum LampEvent { Lit(LampLit), PutOut(LampPutOut) }
});

time!(gone_inside: vec![LampLit { by: "porter".to_owned(), color: Color::Black }.into(), LampPutOut {}.into()], {
    #[derive(Event, Serialize, Deserialize)]
    struct LampLit { by: String, color: Color }

    #[derive(Serialize, Deserialize)]
    enum Color { Black }

    #[derive(Event, Serialize, Deserialize)]
    struct LampPutOut {}

    #[derive(EventSet)]
    enum LampEvent { Lit(LampLit), PutOut(LampPutOut) }
});

time!(without_value: vec![LampLit { by: "porter".to_owned(), color: "White".to_owned() }.into()], {
    #[derive(Event, Serialize, Deserialize)]
    struct LampLit { by: String, color: String }

    #[derive(Event, Serialize, Deserialize)]
    struct LampPutOut {}

    #[derive(EventSet)]
    enum LampEvent { Lit(LampLit), PutOut(LampPutOut) }
});

/// The second version, which counts watts; how many an old lamp had, is another opinion each time.
macro_rules! second {
    ($name:ident, $watts:expr) => {
        time!($name: vec![LampLit { by: "night guard".to_owned(), watts: 5 }.into(), LampPutOut {}.into()], {
            #[derive(Event, Deserialize)]
            #[event(name = "LampLit")]
            struct LampLitV1 { by: String }

            #[derive(Event, Serialize, Deserialize)]
            #[event(version = 2, previous = LampLitV1)]
            struct LampLit { by: String, watts: u32 }

            impl From<LampLitV1> for LampLit {
                fn from(old: LampLitV1) -> Self {
                    Self { by: old.by, watts: $watts }
                }
            }

            #[derive(Event, Serialize, Deserialize)]
            struct LampPutOut {}

            #[derive(EventSet)]
            enum LampEvent { Lit(LampLit), PutOut(LampPutOut) }
        });
    };
}

second!(second, 60);
second!(second_of_another_opinion, 40);

/// `LampPutOut` is gone, and the set says whether on purpose.
macro_rules! without_one {
    ($name:ident, $($attribute:tt)*) => {
        time!($name: vec![LampLit { by: "porter".to_owned(), color: "White".to_owned() }.into()], {
            #[derive(Event, Serialize, Deserialize)]
            struct LampLit { by: String, color: String }

            #[derive(EventSet)]
            $($attribute)*
            enum LampEvent { Lit(LampLit) }
        });
    };
}

without_one!(without_one,);
without_one!(with_one_retired, #[event_set(retired("LampPutOut"))]);

// ── The folder ──────────────────────────────────────────────────────────────

const LIT: &str = "LampEvent/LampLit.v1.json";
const PUT_OUT: &str = "LampEvent/LampPutOut.v1.json";

fn accept(folder: &Path, set: GoldenSet) -> Result<Outcome, GoldenError> {
    golden::prove(folder, &[set], &Environment::accept())
}

fn check(folder: &Path, set: GoldenSet) -> Result<Outcome, GoldenError> {
    golden::prove(folder, &[set], &Environment::check())
}

#[track_caller]
fn problems(outcome: Result<Outcome, GoldenError>) -> Vec<GoldenProblem> {
    match outcome {
        Err(GoldenError::Failed { problems, .. }) => problems,
        other => panic!("{other:?}"),
    }
}

/// A folder in which the first time is filed.
fn filed() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(accept(folder.path(), first::set()).expect("it is written"), Outcome::Written);
    folder
}

fn read(folder: &TempDir, file: &str) -> String {
    fs::read_to_string(folder.path().join("events.golden").join(file)).expect("a file")
}

fn write(folder: &TempDir, file: &str, text: &str) {
    let path = folder.path().join("events.golden").join(file);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, text).expect("a file");
}

// ── Filing ──────────────────────────────────────────────────────────────────

#[test]
fn values_are_filed_to_be_read_and_then_hold() {
    let folder = filed();
    let case = |by: &str| {
        format!(
            "    {{\n      \"stored\": {{\n        \"by\": \"{by}\",\n        \"color\": \"White\"\n      }},\n      \"now\": \
             {{\n        \"by\": \"{by}\",\n        \"color\": \"White\"\n      }}\n    }}"
        )
    };
    assert_eq!(
        read(&folder, LIT),
        format!(
            "{{\n  \"event\": \"LampLit\",\n  \"version\": 1,\n  \"present\": 1,\n  \"cases\": [\n{},\n{}\n  ]\n}}\n",
            case("porter"),
            case("guest")
        )
    );
    assert_eq!(check(folder.path(), first::set()).expect("it holds"), Outcome::Unchanged);
    assert_eq!(accept(folder.path(), first::set()).expect("it holds"), Outcome::Unchanged);
}

#[test]
fn nothing_is_filed_where_people_do_not_look() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = golden::prove(folder.path(), &[first::set()], &Environment::accept().ci(true));
    assert!(matches!(refused, Err(GoldenError::Environment(EnvironmentError::RefusedInCi))), "{refused:?}");
    assert!(!folder.path().join("events.golden").exists());
}

#[test]
fn every_version_is_filed() {
    let folder = tempfile::tempdir().expect("a folder");
    let not_filed = |file: &str| GoldenProblem::NotFiled { file: file.to_owned() };
    assert_eq!(problems(check(folder.path(), first::set())), [not_filed(LIT), not_filed(PUT_OUT)]);
    // Without a value there is nothing to file, not even where a person asks; and what is filed is not enough without
    // one.
    let without = GoldenProblem::NoValue { set: "LampEvent".to_owned(), event: "LampPutOut".to_owned() };
    for folder in [folder, filed()] {
        for outcome in [accept(folder.path(), without_value::set()), check(folder.path(), without_value::set())] {
            assert_eq!(problems(outcome), std::slice::from_ref(&without));
        }
    }
    // An earlier version can only be written by hand.
    let folder = tempfile::tempdir().expect("a folder");
    let earlier = GoldenProblem::EarlierNotFiled { file: LIT.to_owned(), event: "LampLit".to_owned(), version: 1 };
    for outcome in [accept(folder.path(), second::set()), check(folder.path(), second::set())] {
        assert_eq!(problems(outcome), std::slice::from_ref(&earlier));
    }
    write(&folder, LIT, r#"{"event": "LampLit", "version": 1, "cases": [{"stored": {"by": "hand"}}]}"#);
    let behind = GoldenProblem::Behind { file: LIT.to_owned(), filed: None, present: 2 };
    assert_eq!(problems(check(folder.path(), second::set())), [behind]);
    accept(folder.path(), second::set()).expect("it is written");
    assert!(read(&folder, LIT).contains("\"watts\": 60"));
    check(folder.path(), second::set()).expect("it holds");
}

#[test]
fn a_new_version_leaves_the_earlier_one_filed() {
    let folder = filed();
    let behind = GoldenProblem::Behind { file: LIT.to_owned(), filed: Some(1), present: 2 };
    let new = GoldenProblem::NotFiled { file: "LampEvent/LampLit.v2.json".to_owned() };
    assert_eq!(problems(check(folder.path(), second::set())), [behind, new]);
    accept(folder.path(), second::set()).expect("it is written");
    check(folder.path(), second::set()).expect("it holds");
    let earlier = read(&folder, LIT);
    assert!(earlier.contains("\"present\": 2") && earlier.contains("\"color\": \"White\""), "{earlier}");
}

// ── What has changed ────────────────────────────────────────────────────────

#[test]
fn a_form_that_changes_within_a_type_is_told() {
    let folder = filed();
    match &problems(check(folder.path(), another_form_inside::set()))[..] {
        [GoldenProblem::FormChanged { file, case: 1, diff }, GoldenProblem::FormChanged { case: 2, .. }] => {
            assert_eq!(file, LIT);
            assert!(diff.contains("-  \"color\": \"White\"\n+  \"color\": \"white\"\n"), "{diff}");
        }
        other => panic!("{other:#?}"),
    }
    // Where a person accepts it, what was stored before stays filed, and is read from then on too.
    accept(folder.path(), another_form_inside::set()).expect("it is written");
    check(folder.path(), another_form_inside::set()).expect("it holds");
    let filed = read(&folder, LIT);
    assert_eq!((filed.matches("\"White\"").count(), filed.matches("\"white\"").count()), (2, 4), "{filed}");
}

#[test]
fn what_cannot_be_read_any_more_is_told_and_cannot_be_accepted() {
    let folder = filed();
    let before = read(&folder, LIT);
    for outcome in [check(folder.path(), gone_inside::set()), accept(folder.path(), gone_inside::set())] {
        match &problems(outcome)[..] {
            [GoldenProblem::Unreadable { file, case: 1, error }, ..] => {
                assert_eq!(file, LIT);
                assert!(error.to_string().contains("unknown variant `White`"), "{error}");
            }
            other => panic!("{other:#?}"),
        }
    }
    assert_eq!(read(&folder, LIT), before);
}

#[test]
fn an_upcast_that_changes_is_told() {
    let folder = filed();
    accept(folder.path(), second::set()).expect("it is written");
    match &problems(check(folder.path(), second_of_another_opinion::set()))[..] {
        [GoldenProblem::ValueChanged { file, case: 1, diff }, GoldenProblem::ValueChanged { case: 2, .. }] => {
            assert_eq!(file, LIT);
            assert!(diff.contains("-  \"watts\": 60\n+  \"watts\": 40\n"), "{diff}");
        }
        other => panic!("{other:#?}"),
    }
    accept(folder.path(), second_of_another_opinion::set()).expect("it is written");
    check(folder.path(), second_of_another_opinion::set()).expect("it holds");
}

#[test]
fn a_value_that_is_not_filed_is_told() {
    let folder = filed();
    let one_case = read(&folder, LIT).replace("guest", "porter");
    write(&folder, LIT, &one_case);
    match &problems(check(folder.path(), first::set()))[..] {
        [GoldenProblem::NewForm { file, stored }] => {
            assert_eq!(file, LIT);
            assert!(stored.contains("\"by\": \"guest\""), "{stored}");
        }
        other => panic!("{other:#?}"),
    }
}

#[test]
fn files_of_nothing_are_told_and_those_of_retired_events_stay() {
    let folder = filed();
    let stray = |file: &str| GoldenProblem::Stray { file: file.to_owned() };
    assert_eq!(problems(check(folder.path(), without_one::set())), [stray(PUT_OUT)]);
    assert_eq!(problems(accept(folder.path(), without_one::set())), [stray(PUT_OUT)]);
    check(folder.path(), with_one_retired::set()).expect("it holds");
    write(&folder, "LampEvent/LampLit.v2.json", "{}");
    write(&folder, "LampEvent/notes.txt", "");
    write(&folder, "LampEvent/.hidden", "");
    write(&folder, "notes.txt", "");
    assert_eq!(
        problems(check(folder.path(), first::set())),
        [stray("LampEvent/LampLit.v2.json"), stray("LampEvent/notes.txt"), stray("notes.txt")]
    );
}

#[test]
fn files_that_are_not_what_they_should_be_are_told_and_not_overwritten() {
    let ours = read(&filed(), LIT);
    for (text, words) in [
        ("{".to_owned(), "EOF"),
        (ours.replace("\"version\": 1", "\"version\": 2"), "it says `LampLit` v2, and its name `LampLit` v1"),
        (ours.replace("LampLit", "LampPutOut"), "it says `LampPutOut` v1"),
        (ours.replace("cases", "case"), "unknown field `case`"),
        (r#"{"event": "LampLit", "version": 1, "cases": []}"#.to_owned(), "it has no cases"),
    ] {
        let folder = filed();
        write(&folder, LIT, &text);
        for outcome in [check(folder.path(), first::set()), accept(folder.path(), first::set())] {
            match &problems(outcome)[..] {
                [GoldenProblem::Malformed { file, message }] => {
                    assert_eq!(file, LIT);
                    assert!(message.contains(words), "{message}");
                }
                other => panic!("{other:#?}"),
            }
        }
        assert_eq!(read(&folder, LIT), text);
    }
}

#[test]
fn a_set_is_given_once() {
    let folder = filed();
    let twice = golden::prove(folder.path(), &[first::set(), second::set()], &Environment::check());
    assert!(matches!(twice, Err(GoldenError::SetTwice { .. })), "{twice:?}");
}

#[test]
fn a_problem_reads_well() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = check(folder.path(), second::set()).expect_err("nothing is filed").to_string();
    assert_eq!(
        error.replace(&folder.path().display().to_string(), ""),
        "\
golden payloads in /events.golden:
- LampEvent/LampLit.v1.json does not exist, and no code is left that could write it: write it by hand, with one stored \
event or several, and run `ES_LOCK=accept cargo test`:
{ \"event\": \"LampLit\", \"version\": 1, \"cases\": [{ \"stored\": { .. } }] }
- LampEvent/LampLit.v2.json does not exist yet: run `ES_LOCK=accept cargo test` to write it
- LampEvent/LampPutOut.v1.json does not exist yet: run `ES_LOCK=accept cargo test` to write it
"
    );
}
