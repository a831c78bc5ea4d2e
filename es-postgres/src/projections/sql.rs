//! SQL that is put together: names and values as they stand in it.

use std::time::Duration;

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

/// A name, quoted.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name within a schema, both quoted.
pub(super) fn qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", identifier(schema), identifier(name))
}

/// A text as a value. Our connections keep `standard_conforming_strings` on, the default: a backslash is a backslash.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A statement with values where `$1` and so on stand, to be sent in one message with others: parameters do not travel in
/// such a message. The values are SQL already: numbers, and [`literal`]s.
pub(super) fn inlined(statement: &str, values: &[String]) -> SqlStr {
    let mut parts = statement.split('$');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.len() - part.trim_start_matches(|digit: char| digit.is_ascii_digit()).len();
        match part[..digits].parse::<usize>().ok().and_then(|number| values.get(number.checked_sub(1)?)) {
            Some(value) => filled.extend([value.as_str(), &part[digits..]]),
            None => filled.extend(["$", part]),
        }
    }
    AssertSqlSafe(filled).into_sql_str()
}

/// A number for an `integer` parameter; what is beyond it is beyond every row.
pub(super) fn integer(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// The number of an `integer` column that is not negative.
pub(super) fn natural(number: i32) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// A time in milliseconds, at least one: none would be no limit.
pub(super) fn milliseconds(time: Duration) -> i64 {
    // As much as the server's settings take.
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).clamp(1, i64::from(i32::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{inlined, literal, milliseconds, qualified};

    #[test]
    fn values_are_put_where_their_numbers_stand() {
        let values: Vec<_> = (1..=11).map(|number| format!("<{number}>")).collect();
        assert_eq!(inlined("$1, $11, $2::bigint", &values).as_str(), "<1>, <11>, <2>::bigint");
        // A value that looks like a place is a value.
        assert_eq!(inlined("$1 $2", &[literal("it's $2"), "7".to_owned()]).as_str(), "'it''s $2' 7");
        assert_eq!(inlined("$3 $", &["7".to_owned()]).as_str(), "$3 $");
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(qualified("a\"b", "C d"), "\"a\"\"b\".\"C d\"");
    }

    #[test]
    fn no_time_is_not_no_limit() {
        assert_eq!(milliseconds(Duration::ZERO), 1);
        assert_eq!(milliseconds(Duration::from_millis(1_500)), 1_500);
        assert_eq!(milliseconds(Duration::MAX), i64::from(i32::MAX));
    }
}
