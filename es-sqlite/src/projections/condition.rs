//! The conditions by which rows are found.

/// A condition with `?1` where `$1` stands: SQLite takes that for the number of an argument, and this for a name. What is
/// quoted, and what is a comment, stays as it is.
pub(super) fn numbered(condition: &str) -> String {
    let mut numbered = String::with_capacity(condition.len());
    let mut rest = condition;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' | '`' => quoted(rest, first),
            '[' => quoted(rest, ']'),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            _ => first.len_utf8(),
        };
        let (piece, behind) = rest.split_at(length);
        let is_place = piece == "$" && behind.starts_with(|digit: char| digit.is_ascii_digit());
        numbered.push_str(if is_place { "?" } else { piece });
        rest = behind;
    }
    numbered
}

/// How long a quoted text is that begins here, with its quotes. A quote within is written twice, and so begins another one.
fn quoted(text: &str, end: char) -> usize {
    text[1..].find(end).map_or(text.len(), |place| place + 2)
}

#[cfg(test)]
mod tests {
    use super::numbered;

    #[test]
    fn places_are_numbered_and_what_is_quoted_stays() {
        for (condition, expected) in [
            ("", ""),
            ("a = $1 and b < $12 or c = $1", "a = ?1 and b < ?12 or c = ?1"),
            ("a = '$1' and \"$2\" = $3", "a = '$1' and \"$2\" = ?3"),
            ("a = 'it''s $1' and `$2` = [$3]", "a = 'it''s $1' and `$2` = [$3]"),
            ("a = $1 -- not $2\n and b = $2", "a = ?1 -- not $2\n and b = ?2"),
            ("a /* $1 ' */ = $2", "a /* $1 ' */ = ?2"),
            ("é = $1 and $name = '", "é = ?1 and $name = '"),
            ("a = ?1 - 2 / 3 order by $", "a = ?1 - 2 / 3 order by $"),
        ] {
            assert_eq!(numbered(condition), expected);
        }
    }
}
