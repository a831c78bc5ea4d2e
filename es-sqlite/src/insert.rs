//! Inserting many rows with few statements: each has the rows of one of four sizes, so that all of them stay prepared.

use std::sync::OnceLock;

use es_core::recorded::StreamId;
use sqlx::{SqlSafeStr as _, SqlStr, SqliteConnection};
use uuid::Uuid;

use crate::connections::assembled;

/// How many rows a statement has.
pub(crate) const SIZES: [usize; 4] = [64, 16, 4, 1];

/// A row of `es_events`.
#[derive(Debug)]
pub(crate) struct NewRow<'a> {
    pub(crate) position: i64,
    pub(crate) stream: &'a StreamId,
    pub(crate) version: i64,
    pub(crate) event_type: &'a str,
    pub(crate) schema_version: u32,
    pub(crate) event_id: Uuid,
    pub(crate) payload: &'a str,
    pub(crate) metadata: &'a str,
    pub(crate) recorded_at: i64,
    pub(crate) key: Option<&'a str>,
    pub(crate) append_size: Option<i64>,
}

const INSERT: &str = "insert into es_events (position, stream_type, stream_id, version, event_type, schema_version, event_id, \
                      payload, metadata, recorded_at, idempotency_key, append_size) values ";
const COLUMNS: usize = 12;

/// Splits rows into runs of the [`SIZES`], the largest first.
pub(crate) fn runs<T>(mut rows: &[T]) -> impl Iterator<Item = (usize, &[T])> {
    std::iter::from_fn(move || {
        let (index, size) = SIZES.iter().enumerate().find(|(_, size)| **size <= rows.len())?;
        let (run, rest) = rows.split_at(*size);
        rows = rest;
        Some((index, run))
    })
}

/// As many rows of places for values.
pub(crate) fn places(rows: usize, columns: usize) -> String {
    let row = format!("({})", vec!["?"; columns].join(", "));
    vec![row; rows].join(", ")
}

/// Stores events.
pub(crate) async fn events(connection: &mut SqliteConnection, rows: &[NewRow<'_>]) -> Result<(), sqlx::Error> {
    static STATEMENTS: OnceLock<[SqlStr; SIZES.len()]> = OnceLock::new();
    let statements = STATEMENTS
        .get_or_init(|| SIZES.map(|size| assembled(format!("{INSERT}{}", places(size, COLUMNS))).into_sql_str()));
    for (size, run) in runs(rows) {
        let query = run.iter().fold(sqlx::query(statements[size].clone()), |query, row| {
            query
                .bind(row.position)
                .bind(row.stream.stream_type())
                .bind(row.stream.id())
                .bind(row.version)
                .bind(row.event_type)
                .bind(row.schema_version)
                .bind(row.event_id)
                .bind(row.payload)
                .bind(row.metadata)
                .bind(row.recorded_at)
                .bind(row.key)
                .bind(row.append_size)
        });
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{places, runs};

    #[test]
    fn every_row_is_in_one_run() {
        for count in [0, 1, 3, 4, 63, 64, 65, 200] {
            let rows: Vec<_> = (0..count).collect();
            let found: Vec<_> = runs(&rows).flat_map(|(_, run)| run.iter().copied()).collect();
            assert_eq!(found, rows);
        }
        let sizes: Vec<_> = runs(&[(); 150]).map(|(_, run)| run.len()).collect();
        assert_eq!(sizes, [64, 64, 16, 4, 1, 1]);
        assert_eq!(places(2, 3), "(?, ?, ?), (?, ?, ?)");
    }
}
