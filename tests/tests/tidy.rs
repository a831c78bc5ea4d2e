//! The house rules that a program can check: of the source, and of the messages and their UI cases.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// The longest source file, in lines.
const MAX_LINES: usize = 400;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is a folder of the workspace").to_owned()
}

/// All files below a folder of the workspace with the given ending, by their path from there.
fn files(folder: &str, ending: &str) -> BTreeMap<String, String> {
    let root = workspace().join(folder);
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.map(|entry| entry.expect("a readable entry").path()) {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if path.is_dir() {
                if name != "target" && !name.starts_with('.') {
                    folders.push(path);
                }
            } else if name.ends_with(ending) {
                let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                let key = path.strip_prefix(&root).expect("it is below").to_string_lossy().replace('\\', "/");
                found.insert(key, text);
            }
        }
    }
    assert!(!found.is_empty(), "no {ending} in {folder}");
    found
}

/// The source of the crates, without the UI cases.
fn sources() -> BTreeMap<String, String> {
    files("", ".rs").into_iter().filter(|(path, _)| !path.starts_with("tests/ui/")).collect()
}

/// The complaints of a check, all of them in one go.
#[derive(Default)]
struct Complaints(String);

impl Complaints {
    fn add(&mut self, path: &str, complaint: impl std::fmt::Display) {
        let _ = writeln!(self.0, "{path}: {complaint}");
    }

    #[track_caller]
    fn report(self) {
        assert!(self.0.is_empty(), "\n{}", self.0);
    }
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

/// The outputs of the compiler, by case, each line without what surrounds it.
fn outputs() -> BTreeMap<String, String> {
    let clean =
        |text: &str| text.lines().map(|line| line.trim_start_matches([' ', '|', '='])).collect::<Vec<_>>().join("\n");
    files("tests/ui", ".stderr")
        .into_iter()
        .map(|(path, text)| (path.replace(".stderr", ".rs"), clean(&text)))
        .collect()
}

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
    let sources = files("es-derive/src", ".rs");
    let messages: Vec<_> =
        sources.iter().filter(|(path, _)| path.starts_with("messages")).map(|(_, text)| text).collect();
    assert!(messages.len() > 1, "messages.rs and its modules");
    let mut cases: Vec<&str> = Vec::new();
    for line in messages.into_iter().flat_map(|text| text.lines()) {
        if let Some(named) = line.strip_prefix("/// UI: ") {
            cases = named.split(", ").map(|case| case.trim_matches('`')).collect();
            for case in cases.iter().filter(|case| !outputs.contains_key(**case)) {
                complaints.add("messages.rs", format_args!("there is no case {case}"));
            }
        } else if line.starts_with("pub(crate) fn") && cases.is_empty() {
            complaints.add("messages.rs", format_args!("no case is named above {line}"));
        } else if line == "}" {
            cases.clear();
        } else if !cases.is_empty() && line.starts_with(' ') {
            let shown: String = cases.iter().filter_map(|case| outputs.get(*case)).map(String::as_str).collect();
            for fragment in literals(line).iter().flat_map(|literal| fragments(literal)) {
                if !shown.contains(&fragment) {
                    complaints.add("messages.rs", format_args!("{cases:?} do not show {fragment:?}"));
                }
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
    let mut traits = 0;
    for (path, text) in files("es-core/src", ".rs") {
        for attribute in text.split("#[diagnostic::on_unimplemented(").skip(1) {
            let (attribute, _) =
                attribute.split_once("\n").and_then(|(_, rest)| rest.split_once(")]\n")).expect("its end");
            let texts: Vec<_> = attribute.lines().flat_map(literals).collect();
            let fragments: Vec<_> = texts.iter().flat_map(|literal| fragments(literal)).collect();
            if !outputs.values().any(|output| fragments.iter().all(|fragment| output.contains(fragment))) {
                complaints.add(&path, format_args!("no case shows all of {texts:#?}"));
            }
            traits += 1;
        }
    }
    assert!(traits > 10, "only {traits} such traits were found");
    complaints.report();
}

/// The string literals of a line of source; none goes over several.
fn literals(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut literal: Option<String> = None;
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match (&mut literal, character) {
            (None, '"') => literal = Some(String::new()),
            (None, _) => {}
            (Some(_), '"') => found.extend(literal.take()),
            (Some(text), '\\') => text.push(match characters.next() {
                Some('n') => '\n',
                other => other.unwrap_or('\\'),
            }),
            (Some(text), other) => text.push(other),
        }
    }
    found
}

/// The parts of a format string between its placeholders and line ends, as far as they are words.
fn fragments(literal: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = literal.chars().peekable();
    while let Some(character) = characters.next() {
        let last = parts.last_mut().expect("there is always one");
        match character {
            '{' | '}' if characters.peek() == Some(&character) => {
                characters.next();
                last.push(character);
            }
            '{' => {
                let _ = characters.by_ref().find(|character| *character == '}');
                parts.push(String::new());
            }
            '\n' => parts.push(String::new()),
            other => last.push(other),
        }
    }
    let is_words = |part: &str| part.chars().filter(|character| character.is_alphabetic()).count() >= 3;
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| is_words(part)).collect()
}
