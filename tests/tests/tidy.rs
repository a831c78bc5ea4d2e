//! The house rules that a program can check: of the source, and of the messages and their UI cases.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use es_tests::source::{Complaints, files, messages, outputs, trait_messages};

/// The longest source file, in lines.
const MAX_LINES: usize = 400;

/// The source of the crates, without the UI cases.
fn sources() -> BTreeMap<String, String> {
    files("", ".rs").into_iter().filter(|(path, _)| !path.starts_with("tests/ui/")).collect()
}

#[test]
fn no_source_file_is_long() {
    let mut complaints = Complaints::default();
    for (path, text) in sources() {
        let lines = text.lines().count();
        if lines > MAX_LINES {
            complaints.add(&path, format_args!("{lines} lines are more than {MAX_LINES}"));
        }
    }
    complaints.report();
}

#[test]
fn every_module_says_what_it_is() {
    let mut complaints = Complaints::default();
    for (path, text) in sources() {
        if !text.starts_with("//!") && !text.starts_with("#![doc = ") {
            complaints.add(&path, "the file does not begin with its documentation");
        }
    }
    complaints.report();
}

#[test]
fn nothing_is_left_undone_or_left_out() {
    let words = [concat!("#[ign", "ore"), concat!("to", "do!("), concat!("unimpl", "emented!(")];
    let mut complaints = Complaints::default();
    for (path, text) in sources() {
        for word in words.iter().filter(|word| text.contains(**word)) {
            complaints.add(&path, format_args!("`{word}`"));
        }
    }
    complaints.report();
}

// ── The UI cases ────────────────────────────────────────────────────────────

#[test]
fn every_ui_case_is_run_and_has_its_output() {
    let mut complaints = Complaints::default();
    let (cases, outputs) = (files("tests/ui", ".rs"), outputs());
    let runner = files("tests/tests", "ui.rs").remove("ui.rs").expect("the runner");
    for path in cases.keys() {
        let (kind, _) = path.split_once('/').unwrap_or_default();
        if !runner.contains(&format!("\"{kind}\"")) && kind != "pass" {
            complaints.add(path, "the runner does not know this folder");
        }
        if (kind == "pass") == outputs.contains_key(path) {
            complaints.add(path, "a case that fails has a .stderr file, and one that passes has none");
        }
    }
    for path in outputs.keys().filter(|path| !cases.contains_key(*path)) {
        complaints.add(path, "there is an output of no case");
    }
    complaints.report();
}

#[test]
fn no_output_depends_on_the_machine() {
    let mut complaints = Complaints::default();
    for (path, text) in files("tests/ui", ".stderr") {
        // The source of the standard library is not installed everywhere.
        for word in ["$RUST", "$CARGO", "/rustc/", "rustlib", "others\n"].iter().filter(|word| text.contains(**word)) {
            complaints.add(&path, format_args!("`{}`", word.trim()));
        }
    }
    complaints.report();
}

#[test]
fn one_mistake_gives_one_message() {
    let mut complaints = Complaints::default();
    for (path, text) in files("tests/ui/cascade", ".stderr") {
        let messages = text.lines().filter(|line| line.starts_with("error") || line.starts_with("warning")).count();
        if messages != 1 {
            complaints.add(&path, format_args!("{messages} messages"));
        }
    }
    complaints.report();
}

/// What the compiler finds in several places of generated code, it says once.
#[test]
fn no_output_says_a_thing_twice() {
    let mut complaints = Complaints::default();
    for (path, text) in files("tests/ui", ".stderr") {
        let mut said = BTreeSet::new();
        for message in text.split("\n\n").filter(|message| message.starts_with("error")) {
            let (words, place) = message.split_once("--> ").unwrap_or((message, ""));
            let line = place.split(':').nth(1).unwrap_or_default();
            if !said.insert((words.trim().to_owned(), line.to_owned())) {
                complaints.add(&path, format_args!("twice in line {line}: {words}"));
            }
        }
    }
    complaints.report();
}

/// Each message of the macros names the cases that show it, and all of its text is shown there.
#[test]
fn every_message_of_the_macros_has_its_case() {
    let mut complaints = Complaints::default();
    let outputs = outputs();
    for message in messages() {
        let (file, cases) = (&message.file, &message.cases);
        for case in cases.iter().filter(|case| !outputs.contains_key(*case)) {
            complaints.add(file, format_args!("there is no case {case}"));
        }
        if let (Some(function), true) = (&message.function, cases.is_empty()) {
            complaints.add(file, format_args!("no case is named above `{function}`"));
        }
        let shown: String = cases.iter().filter_map(|case| outputs.get(case)).map(String::as_str).collect();
        for fragment in message.fragments.iter().filter(|_| !cases.is_empty()) {
            if !shown.contains(fragment) {
                complaints.add(file, format_args!("{cases:?} do not show {fragment:?}"));
            }
        }
    }
    complaints.report();
}

/// The texts that the compiler shows for a trait that is not implemented are shown by some case, those of one trait by
/// one case.
#[test]
fn every_message_of_the_traits_has_its_case() {
    let mut complaints = Complaints::default();
    let outputs = outputs();
    for message in trait_messages() {
        let fragments = message.fragments();
        if !outputs.values().any(|output| fragments.iter().all(|fragment| output.contains(fragment))) {
            complaints.add(&message.file, format_args!("no case shows all of {:#?}", message.texts));
        }
    }
    complaints.report();
}
