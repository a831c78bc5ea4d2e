//! Reading the workspace's source: for the tests that hold it to the house rules.

use std::{
    collections::BTreeMap,
    fmt::{Display, Write as _},
    fs,
    path::{Path, PathBuf},
};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the crate is a folder of the workspace").to_owned()
}

/// All files below a folder of the workspace with the given ending, by their path from there.
///
/// # Panics
/// When there are none, or one cannot be read.
#[must_use]
pub fn files(folder: &str, ending: &str) -> BTreeMap<String, String> {
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

/// The complaints of a check, all of them in one go.
#[derive(Debug, Default)]
pub struct Complaints(String);

impl Complaints {
    /// Adds one about a file.
    pub fn add(&mut self, path: &str, complaint: impl Display) {
        let _ = writeln!(self.0, "{path}: {complaint}");
    }

    /// Ends the check.
    ///
    /// # Panics
    /// With all complaints, if there are some.
    #[track_caller]
    pub fn report(self) {
        assert!(self.0.is_empty(), "\n{}", self.0);
    }
}

/// What the compiler shows, each line without what surrounds it: line numbers, and the signs at the left.
#[must_use]
pub fn clean(text: &str) -> String {
    let line_number = |line: &str| {
        let rest = line.trim_start_matches(|character: char| character.is_ascii_digit());
        if rest.len() < line.len() && rest.starts_with(" |") { rest.to_owned() } else { line.to_owned() }
    };
    let clean = |line: &str| line_number(line.trim_start()).trim_start_matches([' ', '|', '=']).to_owned();
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// The outputs of the compiler, [clean], by UI case.
#[must_use]
pub fn outputs() -> BTreeMap<String, String> {
    files("tests/ui", ".stderr")
        .into_iter()
        .map(|(path, text)| (path.replace(".stderr", ".rs"), clean(&text)))
        .collect()
}

/// One function of `es-derive/src/messages*`.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its file, from `es-derive/src`.
    pub file: String,
    /// Its name, if others can call it.
    pub function: Option<String>,
    /// The UI cases that it names.
    pub cases: Vec<String>,
    /// Its words, as far as they are fixed.
    pub fragments: Vec<String>,
    /// Whether it says one thing or another.
    pub chooses: bool,
}

/// All messages of the macros.
///
/// # Panics
/// When there are none.
#[must_use]
pub fn messages() -> Vec<Message> {
    let mut messages = Vec::new();
    for (file, text) in files("es-derive/src", ".rs").into_iter().filter(|(file, _)| file.starts_with("messages")) {
        let mut cases = Vec::new();
        let mut message: Option<Message> = None;
        for line in text.lines() {
            if let Some(named) = line.strip_prefix("/// UI: ") {
                cases = named.split(", ").map(|case| case.trim_matches('`').to_owned()).collect();
            } else if let Some((visibility, signature)) = line.split_once("fn ").filter(|_| !line.starts_with(' ')) {
                let name = signature.split(['(', '<']).next().unwrap_or_default();
                message = Some(Message {
                    file: file.clone(),
                    function: visibility.starts_with("pub").then(|| name.to_owned()),
                    cases: std::mem::take(&mut cases),
                    fragments: Vec::new(),
                    chooses: false,
                });
            } else if line == "}" {
                messages.extend(message.take());
            } else if let Some(message) = &mut message {
                message.fragments.extend(literals(line).iter().flat_map(|literal| fragments(literal)));
                let mut code = line.split('"').step_by(2);
                message.chooses |= code.any(|code| code.contains("match ") || code.contains("if "));
            }
        }
    }
    assert!(messages.len() > 50, "the messages of the macros were not found");
    messages
}

/// One `#[diagnostic::on_unimplemented(..)]` of `es-core`.
#[derive(Clone, Debug)]
pub struct TraitMessage {
    /// Its file, from `es-core/src`.
    pub file: String,
    /// The trait.
    pub name: String,
    /// Its message, label and note.
    pub texts: Vec<String>,
}

impl TraitMessage {
    /// Its words, as far as they are fixed.
    #[must_use]
    pub fn fragments(&self) -> Vec<String> {
        self.texts.iter().flat_map(|text| fragments(text)).collect()
    }
}

/// What the compiler says for us of traits that are not implemented.
///
/// # Panics
/// When there is little of it, or an attribute has no end.
#[must_use]
pub fn trait_messages() -> Vec<TraitMessage> {
    let mut messages = Vec::new();
    for (file, text) in files("es-core/src", ".rs") {
        for attribute in text.split("#[diagnostic::on_unimplemented(").skip(1) {
            let (attribute, rest) =
                attribute.split_once('\n').and_then(|(_, rest)| rest.split_once(")]\n")).expect("its end");
            let name = rest.split_once("trait ").map_or("", |(_, name)| name).split(['<', ':', ' ']).next();
            messages.push(TraitMessage {
                file: file.clone(),
                name: name.unwrap_or_default().to_owned(),
                texts: attribute.lines().flat_map(literals).collect(),
            });
        }
    }
    assert!(messages.len() > 10, "only {} such traits were found", messages.len());
    messages
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
