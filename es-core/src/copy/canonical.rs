//! JSON in the one form that all its spellings have in common.
//!
//! PostgreSQL's `jsonb` keeps what JSON says and not how it is written: the order of keys, spaces, escapes and the spelling
//! of numbers change. `1e2` comes back as `100`, and `-0` as `0`. So numbers are compared as decimal numbers of any length,
//! never as floating point, in which different ones would be the same.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::value::RawValue;

/// The deepest nesting that is looked into: nothing deeper can be read back as an event.
const MAX_DEPTH: usize = 128;

/// What stands before a text that is compared byte by byte, because it is no JSON or too deep.
const AS_IT_IS: u8 = b'!';

/// Appends the canonical form of some JSON. Two texts have the same if, and only if, `jsonb` takes them for equal.
pub(super) fn canonical(json: &[u8], into: &mut Vec<u8>) {
    let begun = into.len();
    if write_top(json, into).is_none() {
        into.truncate(begun);
        into.push(AS_IT_IS);
        into.extend_from_slice(json);
    }
}

fn write_top(json: &[u8], into: &mut Vec<u8>) -> Option<()> {
    write(serde_json::from_slice::<&RawValue>(json).ok()?, MAX_DEPTH, into)
}

fn write(raw: &RawValue, depth: usize, into: &mut Vec<u8>) -> Option<()> {
    let text = raw.get();
    match text.bytes().next()? {
        b'{' => {
            let depth = depth.checked_sub(1)?;
            // Of a key that comes twice the last counts, as it does in `jsonb`.
            let fields: BTreeMap<String, &RawValue> = read(text)?;
            into.push(b'{');
            for (name, value) in fields {
                serde_json::to_writer(&mut *into, &name).ok()?;
                into.push(b':');
                write(value, depth, into)?;
                into.push(b',');
            }
            into.push(b'}');
        }
        b'[' => {
            let depth = depth.checked_sub(1)?;
            into.push(b'[');
            for value in read::<Vec<&RawValue>>(text)? {
                write(value, depth, into)?;
                into.push(b',');
            }
            into.push(b']');
        }
        b'"' => serde_json::to_writer(&mut *into, &read::<String>(text)?).ok()?,
        b'-' | b'0'..=b'9' => number(text, into)?,
        _ => into.extend_from_slice(text.as_bytes()),
    }
    Some(())
}

fn read<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// A number as its digits, without zeros at either end, and a power of ten.
fn number(text: &str, into: &mut Vec<u8>) -> Option<()> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |text| (true, text));
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let significant = digits.trim_end_matches('0');
    let dropped = digits.len() - significant.len();
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        into.push(b'0');
        return Some(());
    }
    let length = |length: usize| i64::try_from(length).ok();
    let exponent: i64 = exponent.parse().ok()?;
    let exponent = exponent.checked_sub(length(fraction.len())?)?.checked_add(length(dropped)?)?;
    if negative {
        into.push(b'-');
    }
    into.extend_from_slice(significant.as_bytes());
    into.extend_from_slice(format!("e{exponent}").as_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::canonical;

    fn form(json: &str) -> String {
        let mut form = Vec::new();
        canonical(json.as_bytes(), &mut form);
        String::from_utf8(form).expect("text stays text")
    }

    #[test]
    fn spellings_of_one_number_are_the_same() {
        for spellings in [
            &["1", "1.0", "1.000", "10e-1", "0.1e1", "1E0", "1e+0"][..],
            &["0", "-0", "0.0", "-0.00", "0e5", "0E-7"],
            &["100", "1e2", "1E+2", "100.0"],
            &["-0.00015", "-1.5e-4", "-15E-5"],
            &["18446744073709551617", "18446744073709551617.0", "1.8446744073709551617e19"],
            &["1e400", "10e399"],
        ] {
            for spelling in spellings {
                assert_eq!(form(spelling), form(spellings[0]), "{spelling}");
            }
        }
    }

    #[test]
    fn different_numbers_are_different() {
        let numbers = [
            "0",
            "1",
            "-1",
            "10",
            "0.1",
            "101",
            "18446744073709551616",
            "18446744073709551617",
            "9007199254740992",
            "9007199254740993",
            "0.1000000000000000055511151231257827",
            "1e400",
            "1e401",
            "-1e400",
            "\"1\"",
            "true",
            "null",
        ];
        for (at, one) in numbers.iter().enumerate() {
            for other in &numbers[..at] {
                assert_ne!(form(one), form(other), "{one} and {other}");
            }
        }
    }

    #[test]
    fn keys_spaces_and_escapes_do_not_matter() {
        let one = r#" { "b" : [ 1.0 , {"x":null} ], "a": "\u00e4\/\"", "\u0061b": "\ud83d\ude00" } "#;
        let other = r#"{"a":"ä/\"","ab":"😀","b":[1,{"x":null}]}"#;
        assert_eq!(form(one), form(other));
        assert_eq!(form(r#"{"a":1,"a":2}"#), form(r#"{"a":2}"#), "the last of a key counts");
        assert_ne!(form(r#"["a","b"]"#), form(r#"["b","a"]"#));
        assert_ne!(form(r#"{"a":"b"}"#), form(r#"{"a":["b"]}"#));
        assert_ne!(form(r#"["a,b"]"#), form(r#"["a","b"]"#));
    }

    #[test]
    fn what_is_no_json_or_too_deep_is_taken_as_it_is() {
        assert_eq!(form("{"), "!{");
        assert_eq!(form(""), "!");
        assert_eq!(form(r#""\ud800""#), r#"!"\ud800""#);
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(form(&deep).starts_with("![["));
        let allowed = format!("{}1.0{}", "[".repeat(128), "]".repeat(128));
        assert!(form(&allowed).contains("1e0"));
    }
}
