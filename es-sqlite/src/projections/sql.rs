//! SQL that is put together, and values as they stand in it.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use es_core::projection::ProjectionId;
use sqlx::{SqlSafeStr as _, SqlStr};

use crate::{connections::assembled, insert::SIZES};

/// How many parameters a statement takes at the most.
const MOST_PARAMETERS: usize = 32_766;

/// A name, quoted.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Two names, quoted: of a table and of a column of it. By itself a quoted name of no column would be taken for a text.
pub(super) fn qualified(table: &str, column: &str) -> String {
    format!("{}.{}", identifier(table), identifier(column))
}

/// A statement of names that are quoted.
pub(super) fn safe(sql: String) -> SqlStr {
    assembled(sql).into_sql_str()
}

/// This moment, as it is stored.
pub(crate) fn now() -> i64 {
    Utc::now().timestamp_micros()
}

/// When a lease ends that begins then.
pub(super) fn lease_end(begins: i64, lease: Duration) -> i64 {
    begins.saturating_add(microseconds(lease))
}

/// A time that goes by, in microseconds.
pub(super) fn microseconds(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// A stored moment; one that is beyond the calendar is at its end.
pub(super) fn moment(microseconds: i64) -> DateTime<Utc> {
    let end = if microseconds < 0 { DateTime::<Utc>::MIN_UTC } else { DateTime::<Utc>::MAX_UTC };
    DateTime::UNIX_EPOCH.checked_add_signed(TimeDelta::microseconds(microseconds)).unwrap_or(end)
}

/// The number of a column that the schema keeps from being negative.
pub(super) fn natural(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

/// Projections as a JSON array of pairs of name and version.
pub(super) fn pairs(projections: &[ProjectionId]) -> String {
    projections.iter().map(|id| serde_json::json!([id.name, id.version])).collect::<serde_json::Value>().to_string()
}

/// Names as a JSON array.
pub(super) fn array<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    names.into_iter().map(serde_json::Value::from).collect::<serde_json::Value>().to_string()
}

/// Statements of one kind for so many of something: so there are few of them, whatever comes.
#[derive(Debug)]
pub(super) struct Sizes([(usize, SqlStr); SIZES.len()]);

impl Sizes {
    /// The statements, from what makes that for a number, of which each needs so many parameters.
    pub(super) fn of(parameters: usize, statement: impl Fn(usize) -> String) -> Self {
        let most = (MOST_PARAMETERS / parameters.max(1)).max(1);
        Self(SIZES.map(|size| {
            let size = size.min(most);
            (size, safe(statement(size)))
        }))
    }

    /// What is to be done, in pieces, each with its statement.
    pub(super) fn pieces<'p, T>(&'p self, mut all: &'p [T]) -> impl Iterator<Item = (SqlStr, &'p [T])> {
        std::iter::from_fn(move || {
            let (size, statement) = self.0.iter().find(|(size, _)| *size <= all.len())?;
            let (piece, rest) = all.split_at(*size);
            all = rest;
            Some((statement.clone(), piece))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Sizes, lease_end, moment, qualified};
    use crate::insert::places;

    #[test]
    fn pieces_have_few_sizes_and_nothing_is_left_out() {
        let sizes = Sizes::of(2, |rows| places(rows, 2));
        let all: Vec<_> = (0..64 + 16 + 4 + 3).collect();
        let pieces: Vec<_> = sizes.pieces(&all).map(|(sql, piece)| (sql.as_str().to_owned(), piece.to_vec())).collect();
        assert_eq!(pieces.iter().map(|(_, piece)| piece.len()).collect::<Vec<_>>(), [64, 16, 4, 1, 1, 1]);
        assert_eq!(pieces.iter().flat_map(|(_, piece)| piece.clone()).collect::<Vec<_>>(), all);
        assert!(pieces.iter().all(|(sql, piece)| *sql == places(piece.len(), 2)));
        assert_eq!(sizes.pieces::<u8>(&[]).count(), 0);
    }

    #[test]
    fn a_statement_has_no_more_parameters_than_it_may() {
        let sizes = Sizes::of(1_000, |rows| places(rows, 1_000));
        assert!(sizes.pieces(&[0; 64]).all(|(_, piece)| piece.len() <= 32));
    }

    #[test]
    fn names_are_quoted() {
        assert_eq!(qualified("a\"b", "C d"), "\"a\"\"b\".\"C d\"");
    }

    #[test]
    fn times_have_ends() {
        assert_eq!(lease_end(5, Duration::MAX), i64::MAX);
        assert_eq!(lease_end(5, Duration::from_micros(2)), 7);
        assert_eq!(moment(i64::MAX), chrono::DateTime::<chrono::Utc>::MAX_UTC);
        assert_eq!(moment(1_500_000).timestamp_micros(), 1_500_000);
    }
}
