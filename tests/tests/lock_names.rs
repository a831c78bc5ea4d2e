//! The lock records fields under the names that serde gives them: held against what serde writes.

use es_core::prelude::*;

/// A struct with serde's attributes, and the names of its fields in what serde writes and in what the lock records.
macro_rules! names {
    ($(#[$attribute:meta])*) => {{
        #[derive(Event, Serialize, Deserialize, Default)]
        #[event(name = "Named")]
        $(#[$attribute])*
        struct Named {
            plain: u8,
            two_words: u8,
            _of_signs: u8,
            r#type: u8,
            größe_x: u8,
            #[serde(rename = "given: by hand")]
            given: u8,
            #[serde(rename(serialize = "written"))]
            written_only: u8,
            #[serde(rename(deserialize = "read"))]
            read_only: u8,
            #[serde(skip)]
            not_at_all: u8,
        }
        let json = serde_json::to_value(Named::default()).expect("it can be written");
        let mut written: Vec<String> = json.as_object().expect("an object").keys().cloned().collect();
        written.sort();
        let lines = Named::SHAPE.expect("a derived shape").text.lines().skip(1);
        let mut recorded: Vec<String> = lines.map(|line| name_in(line)).collect();
        recorded.sort();
        assert_eq!(recorded, written, "{}", stringify!($(#[$attribute])*));
        assert_eq!(Named::default().not_at_all, 0);
        recorded
    }};
}

/// The name at the beginning of a line: `two_words` in `    two_words: u8`.
fn name_in(line: &str) -> String {
    let (name, _) = line.trim_start().rsplit_once(": u8").expect("a field");
    name.trim_matches('"').to_owned()
}

#[test]
fn names_are_those_that_serde_writes() {
    let plain = names!();
    assert_eq!(plain.len(), 8);
    let rules = [
        names!(#[serde(rename_all = "lowercase")]),
        names!(#[serde(rename_all = "UPPERCASE")]),
        names!(#[serde(rename_all = "PascalCase")]),
        names!(#[serde(rename_all = "camelCase")]),
        names!(#[serde(rename_all = "snake_case")]),
        names!(#[serde(rename_all = "SCREAMING_SNAKE_CASE")]),
        names!(#[serde(rename_all = "kebab-case")]),
        names!(#[serde(rename_all = "SCREAMING-KEBAB-CASE")]),
        names!(#[serde(rename_all(serialize = "camelCase"))]),
        names!(#[serde(rename_all(deserialize = "camelCase"))]),
    ];
    assert!(rules[3].contains(&"twoWords".to_owned()), "{:?}", rules[3]);
}
