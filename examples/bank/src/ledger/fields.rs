//! Taking a line apart: semicolons, and quotes around fields that may hold some.
//!
//! It is done here and not by a CSV crate because those say in which record a field is at fault, not at which column,
//! and because they let quotes pass that are out of place.

use std::borrow::Cow;

use super::{LedgerFault, MAX_LINE_BYTES};

/// A fault with the column, in characters from 1, where it is.
type Fault = (usize, LedgerFault);

/// One field of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Field<'a> {
    /// What it holds, without quotes.
    pub(super) text: Cow<'a, str>,
    /// Where that begins in the line, in bytes, behind the quote if there is one.
    pub(super) start: usize,
}

/// The column of a byte, in characters from 1.
pub(super) fn column(line: &str, byte: usize) -> usize {
    line[..byte].chars().count() + 1
}

/// The line as text that can be shown and stored.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Fault> {
    if bytes.len() as u64 > MAX_LINE_BYTES {
        return Err((1, LedgerFault::LineTooLong { limit: MAX_LINE_BYTES }));
    }
    let line = match str::from_utf8(bytes) {
        Ok(line) => line,
        Err(error) => {
            let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
            return Err((valid.chars().count() + 1, LedgerFault::NotUtf8));
        }
    };
    match line.char_indices().find(|&(_, character)| character.is_control() && character != '\t') {
        Some((byte, character)) => Err((column(line, byte), LedgerFault::Control(character))),
        None => Ok(line),
    }
}

/// All fields of a line.
pub(super) fn split(line: &str) -> Result<Vec<Field<'_>>, Fault> {
    let mut fields = Vec::with_capacity(super::COLUMNS.len());
    let mut start = 0;
    loop {
        let (field, end) = if line[start..].starts_with('"') { quoted(line, start)? } else { plain(line, start)? };
        fields.push(field);
        if end == line.len() {
            return Ok(fields);
        }
        start = end + 1;
    }
}

/// The field that begins at `start`, and the byte at which it ends: that of a semicolon, or the end of the line.
fn plain(line: &str, start: usize) -> Result<(Field<'_>, usize), Fault> {
    let end = line[start..].find(';').map_or(line.len(), |length| start + length);
    match line[start..end].find('"') {
        Some(offset) => Err((column(line, start + offset), LedgerFault::StrayQuote)),
        None => Ok((Field { text: Cow::Borrowed(&line[start..end]), start }, end)),
    }
}

/// The same for a field in quotes, the first of them at `open`; inside, two quotes stand for one.
fn quoted(line: &str, open: usize) -> Result<(Field<'_>, usize), Fault> {
    let start = open + 1;
    let mut close = start;
    loop {
        let Some(offset) = line[close..].find('"') else {
            return Err((column(line, open), LedgerFault::UnclosedQuote));
        };
        close += offset;
        if !line[close + 1..].starts_with('"') {
            break;
        }
        close += 2;
    }
    let end = close + 1;
    if end < line.len() && !line[end..].starts_with(';') {
        return Err((column(line, close), LedgerFault::StrayQuote));
    }
    let inside = &line[start..close];
    let text = if inside.contains('"') { Cow::Owned(inside.replace("\"\"", "\"")) } else { Cow::Borrowed(inside) };
    Ok((Field { text, start }, end))
}

#[cfg(test)]
mod tests {
    use super::{LedgerFault, split, text};

    #[track_caller]
    fn check(line: &str, expected: &[(&str, usize)]) {
        let fields = split(line).expect(line);
        let fields: Vec<_> = fields.iter().map(|field| (field.text.as_ref(), field.start)).collect();
        assert_eq!(fields, expected);
    }

    #[test]
    fn fields_may_be_quoted_and_may_be_empty() {
        check("", &[("", 0)]);
        check(";", &[("", 0), ("", 1)]);
        check("a;b", &[("a", 0), ("b", 2)]);
        check("\"a\";\"\";c", &[("a", 1), ("", 5), ("c", 7)]);
        check("\"a;b\";c", &[("a;b", 1), ("c", 6)]);
        check("\"say \"\"yes\"\"\";\"\"\"\"", &[("say \"yes\"", 1), ("\"", 15)]);
    }

    #[test]
    fn quotes_out_of_place_are_found_at_their_column() {
        assert!(matches!(split("ž;\"b;c"), Err((3, LedgerFault::UnclosedQuote))));
        assert!(matches!(split("ž;\"b\"\""), Err((3, LedgerFault::UnclosedQuote))));
        assert!(matches!(split("ž;\"b\"c;d"), Err((5, LedgerFault::StrayQuote))));
        assert!(matches!(split("ž;b\"c;d"), Err((4, LedgerFault::StrayQuote))));
    }

    #[test]
    fn bytes_that_are_no_text_are_found_at_their_column() {
        assert!(matches!(text(b"a\xc5\xbe;\xff;b"), Err((4, LedgerFault::NotUtf8))));
        assert!(matches!(text("ž\0".as_bytes()), Err((2, LedgerFault::Control('\0')))));
        assert_eq!(text("ž\tb".as_bytes()).unwrap(), "ž\tb");
    }
}
