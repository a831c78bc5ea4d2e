//! One file of golden payloads: the cases of one version of one event.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::testing::files;

/// What a file says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) event: String,
    pub(super) version: u32,
    /// The version of the present form that stands beside each stored one; missing in a file that a person has just
    /// written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) present: Option<u32>,
    pub(super) cases: Vec<Case>,
}

/// One stored event, beside what it becomes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    pub(super) stored: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) now: Option<Value>,
}

impl File {
    pub(super) fn new(event: &str, version: u32) -> Self {
        Self { event: event.to_owned(), version, present: None, cases: Vec::new() }
    }

    /// Whether a payload is among the stored ones.
    pub(super) fn has(&self, stored: &Value) -> bool {
        self.cases.iter().any(|case| case.stored == *stored)
    }

    /// `None` where there is no such file; the text of the error where it is not what it should be.
    pub(super) fn read(path: &Path) -> io::Result<Option<Result<Self, String>>> {
        match fs::read_to_string(path) {
            Ok(text) => Ok(Some(serde_json::from_str(&text).map_err(|error| error.to_string()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut text = serde_json::to_string_pretty(self).map_err(io::Error::other)?;
        text.push('\n');
        files::write(path, &text)
    }
}

/// The name of the file of one version. What could not be part of a file's name is written as its bytes: `%2F`.
pub(super) fn name(event: &str, version: u32) -> String {
    format!("{}.v{version}.json", escaped(event))
}

/// Whether a file is of some version of the event.
pub(super) fn is_of(name: &str, event: &str) -> bool {
    let version = name.strip_prefix(&escaped(event)).and_then(|rest| rest.strip_prefix(".v"));
    version.and_then(|rest| rest.strip_suffix(".json")).is_some_and(|version| version.parse::<u32>().is_ok())
}

pub(super) fn escaped(name: &str) -> String {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    let bytes =
        name.bytes().map(|byte| if is_plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    let text: String = bytes.collect();
    // A name of nothing but dots is a folder, and one that begins with a dot is hidden.
    text.strip_prefix('.').map(|rest| format!("%2E{rest}")).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_file() {
        for (event, expected) in [
            ("MoneyDeposited", "MoneyDeposited.v2.json"),
            ("bank/Money: in", "bank%2FMoney%3A%20in.v2.json"),
            ("..", "%2E..v2.json"),
            ("č", "%C4%8D.v2.json"),
        ] {
            assert_eq!(name(event, 2), expected);
            assert!(is_of(expected, event), "{event}");
        }
        for (file, event) in
            [("A.v1.json", "B"), ("A.v1.json", "A.v1"), ("A.v.json", "A"), ("A.v1.txt", "A"), ("A", "A")]
        {
            assert!(!is_of(file, event), "{file}");
        }
    }
}
