//! Names in the file: as they are where nobody can misread them, in quotes where somebody could.

use std::fmt::Write as _;

/// Whether a name can stand without quotes.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(is_plain_character)
}

fn is_plain_character(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '-' | '.' | '/')
}

/// A name as it stands in the file.
///
/// ```
/// assert_eq!(es_lock::word("MoneyDeposited"), "MoneyDeposited");
/// assert_eq!(es_lock::word("money: \"in\""), r#""money: \"in\"""#);
/// ```
pub fn word(name: &str) -> String {
    if is_plain(name) {
        return name.to_owned();
    }
    let mut text = String::from('"');
    for character in name.chars() {
        match character {
            '"' | '\\' => text.extend(['\\', character]),
            control if control.is_control() => {
                let _ = write!(text, "\\u{{{:x}}}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
    text
}

/// The name at the beginning of a text, and what follows it.
pub(crate) fn read(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|character| !is_plain_character(character)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let mut name = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => return Some((name, characters.as_str())),
            '\\' => match characters.next()? {
                'u' => {
                    let (digits, rest) = characters.as_str().strip_prefix('{')?.split_once('}')?;
                    name.push(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?);
                    characters = rest.chars();
                }
                escaped @ ('"' | '\\') => name.push(escaped),
                _ => return None,
            },
            other => name.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for name in
            ["a", "", "a b", "of", "a, b", "\"", "\\", "a\"b\\", "\u{0}\n\u{85}", "č-1.x/y", "a: i64", "bank::Account"]
        {
            let text = format!("{} rest", word(name));
            assert_eq!(read(&text), Some((name.to_owned(), " rest")), "{text}");
            assert!(!word(name).contains(char::is_control), "{text}");
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in ["", " a", "\"a", "\"a\\", "\"\\n\"", "\"\\u{110000}\"", "\"\\u0\""] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
