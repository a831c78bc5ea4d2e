//! Reading the file, and what can be wrong with it.

use std::{error::Error, fmt};

use crate::{Event, FORMAT, Field, Form, Lock, Reader, Set, words};

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub fault: Fault,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The first line is not that of such a file.
    NotALock,
    /// The file was written by a newer version of the library.
    Newer {
        /// The number of its form.
        format: u32,
    },
    /// Something else should stand there.
    Expected(&'static str),
}

impl fmt::Display for ParseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.fault)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotALock => formatter.write_str("this is not a lock of events"),
            Self::Newer { format } => {
                write!(formatter, "this is format {format}, and the newest that is known is {FORMAT}")
            }
            Self::Expected(what) => write!(formatter, "expected here is {what}"),
        }
    }
}

impl Error for ParseError {}

/// Whether a text is a file of this form, whatever may be wrong behind its first line: one that may be written anew.
pub fn is_ours(text: &str) -> bool {
    text.lines().next().is_some_and(|line| format(line).is_some_and(|format| format <= FORMAT))
}

/// The names of the sets in a text, whatever may be wrong with its other lines: after a merge with conflicts it cannot be
/// read as a whole, and still says what is released.
pub fn set_names(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| words::read(line.strip_prefix("set ")?)).map(|(name, _)| name).collect()
}

/// The number in the first line.
fn format(line: &str) -> Option<u32> {
    let rest = line.strip_prefix("# es events.lock, format ")?;
    let end = rest.find(|character: char| !character.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

impl Lock {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// [`ParseError`] at the first line that cannot be read.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut lines = text.lines();
        match lines.next().and_then(format) {
            None => return Err(ParseError { line: 1, fault: Fault::NotALock }),
            Some(format) if format > FORMAT => return Err(ParseError { line: 1, fault: Fault::Newer { format } }),
            Some(_) => {}
        }
        let mut lock = Self::default();
        for (index, line) in lines.enumerate() {
            lock.read_line(line).map_err(|fault| ParseError { line: index + 2, fault })?;
        }
        Ok(lock)
    }

    fn read_line(&mut self, line: &str) -> Result<(), Fault> {
        let content = line.trim_start_matches(' ');
        if content.is_empty() || content.starts_with('#') {
            return Ok(());
        }
        match line.len() - content.len() {
            0 => {
                let set = read_set(content)?;
                once(self.set(&set.name).is_none())?;
                self.sets.push(set);
            }
            2 => self.sets.last_mut().ok_or(Fault::Expected("a `set` before this"))?.read_line(content)?,
            4 => {
                let event = self.sets.last_mut().and_then(|set| set.events.last_mut());
                event.ok_or(Fault::Expected("an `event` before this"))?.read_line(content)?;
            }
            _ => return Err(Fault::Expected("an indentation of 0, 2 or 4 spaces")),
        }
        Ok(())
    }
}

impl Set {
    fn read_line(&mut self, line: &str) -> Result<(), Fault> {
        if let Some(name) = line.strip_prefix("retired ") {
            let name = whole(words::read(name))?;
            once(!self.retired.contains(&name))?;
            self.retired.push(name);
            return Ok(());
        }
        let event = read_event(line)?;
        once(self.event(&event.name, event.version).is_none())?;
        self.events.push(event);
        Ok(())
    }
}

impl Event {
    /// Reads one version as it is printed.
    ///
    /// # Errors
    /// [`ParseError`] at the first line that cannot be read.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut set = Set::default();
        for (index, line) in text.lines().enumerate() {
            let content = line.trim_start_matches(' ');
            let read = match set.events.last_mut() {
                Some(event) => event.read_line(content),
                None => set.read_line(content),
            };
            read.map_err(|fault| ParseError { line: index + 1, fault })?;
        }
        set.events.pop().ok_or(ParseError { line: 1, fault: Fault::Expected("an `event`") })
    }

    fn read_line(&mut self, line: &str) -> Result<(), Fault> {
        let form = self.form_mut().ok_or(Fault::Expected("no fields of a version that no struct reads"))?;
        let field = read_field(line).ok_or(Fault::Expected("`name: Type`, and serde attributes if there are any"))?;
        once(form.fields.iter().all(|other| other.name != field.name))?;
        form.fields.push(field);
        Ok(())
    }
}

/// `set AccountEvent of account, shadow`
fn read_set(line: &str) -> Result<Set, Fault> {
    let expected = || Fault::Expected("`set Name` or `set Name of aggregate, ..`");
    let name = line.strip_prefix("set ").ok_or_else(expected)?;
    let (name, mut rest) = words::read(name).ok_or_else(expected)?;
    let mut set = Set { name, ..Set::default() };
    let mut separator = " of ";
    while !rest.is_empty() {
        let aggregate;
        (aggregate, rest) = rest.strip_prefix(separator).and_then(words::read).ok_or_else(expected)?;
        once(!set.aggregates.contains(&aggregate))?;
        set.aggregates.push(aggregate);
        separator = ", ";
    }
    Ok(set)
}

/// `event MoneyDeposited v2  #[serde(default)]`
fn read_event(line: &str) -> Result<Event, Fault> {
    let expected = || Fault::Expected("`event Name v1` or `retired Name`");
    let name = line.strip_prefix("event ").ok_or_else(expected)?;
    let (name, rest) = words::read(name).ok_or_else(expected)?;
    let (version, rest) = rest.strip_prefix(" v").and_then(words::read).ok_or_else(expected)?;
    let version = version.parse().map_err(|_| expected())?;
    let without_struct = [Reader::Step, Reader::Hand].into_iter().find(|reader| rest == format!(" read by {reader}"));
    let reader = match without_struct {
        Some(reader) => reader,
        None => Reader::Struct(Form { attributes: read_attributes(rest).ok_or_else(expected)?, fields: Vec::new() }),
    };
    Ok(Event { name, version, reader })
}

/// `amount: i64  #[serde(default)]`
fn read_field(line: &str) -> Option<Field> {
    let (name, rest) = words::read(line)?;
    let rest = rest.strip_prefix(": ")?;
    let (ty, attributes) = rest.split_at(rest.find("  #[serde(").unwrap_or(rest.len()));
    Some(Field { name, ty: ty.to_owned(), attributes: read_attributes(attributes)? })
}

/// `  #[serde(default, rename = "a, b")]`, or nothing.
fn read_attributes(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let list = text.strip_prefix("  #[serde(")?.strip_suffix(")]")?;
    let (mut attributes, mut depth, mut quoted, mut escaped) = (vec![String::new()], 0_u32, false, false);
    for character in list.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth = depth.checked_sub(1)?,
            ',' if !quoted && depth == 0 => {
                attributes.push(String::new());
                continue;
            }
            _ => {}
        }
        attributes.last_mut()?.push(character);
    }
    Some(attributes.into_iter().map(|attribute| attribute.trim().to_owned()).collect())
}

fn whole(read: Option<(String, &str)>) -> Result<String, Fault> {
    match read {
        Some((name, "")) => Ok(name),
        _ => Err(Fault::Expected("one name, in quotes where it is not plain")),
    }
}

fn once(first: bool) -> Result<(), Fault> {
    if first { Ok(()) } else { Err(Fault::Expected("something that is not there yet")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: &str = "# es events.lock, format 1; written by `ES_LOCK=accept cargo test`\n";

    #[test]
    fn what_is_printed_reads_back() {
        let field = |name: &str, ty: &str, attributes: &[&str]| Field {
            name: name.to_owned(),
            ty: ty.to_owned(),
            attributes: attributes.iter().map(|&it| it.to_owned()).collect(),
        };
        let form = Form {
            attributes: vec!["deny_unknown_fields".to_owned()],
            fields: vec![
                field("a: b", "Vec<(u8, [String; 2])>", &[]),
                field("c", "Box<dyn Fn(u8) -> u8>", &["default", r#"with = "a, \")b""#, "x(a = \"(\", b)"]),
            ],
        };
        let event = |version, reader| Event { name: "A".to_owned(), version, reader };
        let set = Set {
            name: "S".to_owned(),
            aggregates: vec!["a b".to_owned(), "c".to_owned()],
            events: vec![
                event(1, Reader::Hand),
                event(2, Reader::Step),
                event(3, Reader::Struct(Form::default())),
                event(4, Reader::Struct(form)),
            ],
            retired: vec!["of".to_owned()],
        };
        let lock = Lock { sets: vec![set, Set { name: "T".to_owned(), ..Set::default() }] };
        assert_eq!(Lock::parse(&lock.to_string()).as_ref(), Ok(&lock), "{lock}");
        for event in &lock.sets[0].events {
            assert_eq!(Event::parse(&event.to_string()).as_ref(), Ok(event));
        }
    }

    #[test]
    fn the_first_line_tells_a_lock_from_other_files() {
        assert_eq!(Lock::parse("").map_err(|error| error.fault), Err(Fault::NotALock));
        assert_eq!(Lock::parse("set A\n").map_err(|error| error.fault), Err(Fault::NotALock));
        let newer = FIRST.replace("format 1", "format 12");
        assert_eq!(Lock::parse(&newer).map_err(|error| error.fault), Err(Fault::Newer { format: 12 }));
        assert_eq!([is_ours(FIRST), is_ours(&newer), is_ours("set A")], [true, false, false]);
    }

    #[test]
    fn a_line_that_cannot_be_read_is_named() {
        for (line, text) in [
            (2, "sets A"),
            (2, "  event A v1"),
            (2, "<<<<<<< ours"),
            (3, "set A\nset A"),
            (3, "set A\n    a: i64"),
            (3, "set A\n   event A v1"),
            (3, "set A\n  event A"),
            (3, "set A\n  event A v1 of"),
            (3, "set A\n  event A v1 read by a struct"),
            (3, "set A\n  event A v1  #[serde(a)"),
            (4, "set A\n  event A v1\n  event A v1"),
            (4, "set A\n  event A v1\n    a i64"),
            (4, "set A\n  event A v1 read by a step over JSON\n    a: i64"),
            (5, "set A\n  event A v1\n    a: i64\n    a: i64"),
            (4, "set A\n  retired A\n  retired A"),
            (3, "set A\n  retired A B"),
            (2, "set A of b, b"),
        ] {
            assert_eq!(Lock::parse(&format!("{FIRST}{text}\n")).map_err(|error| error.line), Err(line), "{text}");
        }
    }

    #[test]
    fn sets_are_named_where_other_lines_cannot_be_read() {
        let text =
            format!("{FIRST}<<<<<<< ours\nset A of a\n=======\nset \"B b\"\n>>>>>>> theirs\nset\n  event C v1\n");
        assert_eq!(set_names(&text), ["A", "B b"]);
    }

    #[test]
    fn empty_lines_and_notes_are_passed_over() {
        let lock = Lock::parse(&format!("{FIRST}\n# a note\nset A\n\n  # another\n")).expect("a lock");
        assert_eq!(lock.sets.len(), 1);
    }
}
