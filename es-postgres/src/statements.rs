//! The statements of `sql/`, with the schema's name filled in.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr as _, SqlStr};

/// Each statement, ready to be sent. Cloning one counts a reference.
#[derive(Debug)]
pub(crate) struct Statements {
    schema: String,
    pub(crate) check_server: SqlStr,
    pub(crate) check_tables: SqlStr,
    pub(crate) check_locks: SqlStr,
    pub(crate) append: SqlStr,
    pub(crate) append_one: SqlStr,
    pub(crate) append_ones: SqlStr,
    pub(crate) append_many: SqlStr,
    pub(crate) append_chained: SqlStr,
    pub(crate) append_all: SqlStr,
    pub(crate) placed: SqlStr,
    pub(crate) load: SqlStr,
    pub(crate) load_latest: SqlStr,
    pub(crate) load_many: SqlStr,
    pub(crate) read_stream: SqlStr,
    pub(crate) read_stream_backwards: SqlStr,
    pub(crate) kept_snapshot: SqlStr,
    pub(crate) read_all: SqlStr,
    pub(crate) read_filtered: SqlStr,
    pub(crate) read_streams: SqlStr,
    pub(crate) event_at: SqlStr,
    pub(crate) frontier_highest: SqlStr,
    pub(crate) frontier_stored: SqlStr,
    pub(crate) frontier_scan: SqlStr,
    pub(crate) frontier_record: SqlStr,
    pub(crate) frontier_writers: SqlStr,
    pub(crate) status: SqlStr,
    pub(crate) holders: SqlStr,
    pub(crate) snapshot: SqlStr,
    pub(crate) streams: SqlStr,
    pub(crate) streams_archived: SqlStr,
    pub(crate) stream_type: SqlStr,
    pub(crate) archive: SqlStr,
    pub(crate) restore: SqlStr,
    pub(crate) history: SqlStr,
    pub(crate) copy_progress: SqlStr,
    pub(crate) copy_names: SqlStr,
    pub(crate) copy_import: SqlStr,
    pub(crate) copy_archived: SqlStr,
}

impl Statements {
    pub(crate) fn new(schema: &str) -> Self {
        let fill = |sql| fill(&bare(sql), schema);
        Self {
            schema: schema.to_owned(),
            check_server: fill(include_str!("sql/check_server.sql")),
            check_tables: fill(include_str!("sql/check_tables.sql")),
            check_locks: fill(include_str!("sql/check_locks.sql")),
            append: fill(include_str!("sql/append.sql")),
            append_one: fill(include_str!("sql/append_one.sql")),
            append_ones: fill(include_str!("sql/append_ones.sql")),
            append_many: fill(include_str!("sql/append_many.sql")),
            append_chained: fill(include_str!("sql/append_chained.sql")),
            append_all: fill(include_str!("sql/append_all.sql")),
            placed: fill(include_str!("sql/placed.sql")),
            load: fill(include_str!("sql/load.sql")),
            load_latest: fill(include_str!("sql/load_latest.sql")),
            load_many: fill(include_str!("sql/load_many.sql")),
            read_stream: fill(include_str!("sql/read_stream.sql")),
            read_stream_backwards: fill(include_str!("sql/read_stream_backwards.sql")),
            kept_snapshot: fill(include_str!("sql/kept_snapshot.sql")),
            read_all: fill(include_str!("sql/read_all.sql")),
            read_filtered: fill(include_str!("sql/read_filtered.sql")),
            read_streams: fill(include_str!("sql/read_streams.sql")),
            event_at: fill(include_str!("sql/event_at.sql")),
            frontier_highest: fill(include_str!("sql/frontier_highest.sql")),
            frontier_stored: fill(include_str!("sql/frontier_stored.sql")),
            frontier_scan: fill(include_str!("sql/frontier_scan.sql")),
            frontier_record: fill(include_str!("sql/frontier_record.sql")),
            frontier_writers: fill(include_str!("sql/frontier_writers.sql")),
            status: fill(include_str!("sql/status.sql")),
            holders: fill(include_str!("sql/holders.sql")),
            snapshot: fill(include_str!("sql/snapshot.sql")),
            streams: fill(include_str!("sql/streams.sql")),
            streams_archived: fill(include_str!("sql/streams_archived.sql")),
            stream_type: fill(include_str!("sql/stream_type.sql")),
            archive: fill(include_str!("sql/archive.sql")),
            restore: fill(include_str!("sql/restore.sql")),
            history: fill(include_str!("sql/history.sql")),
            copy_progress: fill(include_str!("sql/copy_progress.sql")),
            copy_names: fill(include_str!("sql/copy_names.sql")),
            copy_import: fill(include_str!("sql/copy_import.sql")),
            copy_archived: fill(include_str!("sql/copy_archived.sql")),
        }
    }

    /// Fills the schema's name into a statement that is sent once, such as a migration.
    pub(crate) fn fill(&self, sql: &str) -> SqlStr {
        fill(sql, &self.schema)
    }

    /// A statement of a file, ready to be sent often.
    pub(crate) fn of_file(&self, sql: &str) -> SqlStr {
        fill(&bare(sql), &self.schema)
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }
}

/// A statement without its comments, so that the server, which shows the beginning of it, shows what it does.
fn bare(sql: &str) -> String {
    sql.lines().filter(|line| !line.trim_start().starts_with("--")).collect::<Vec<_>>().join("\n")
}

/// The files are written for the schema `"es"`, quoted, so that they are SQL as they stand. The name that takes its
/// place is quoted as an identifier, and for the places where it stands within a string as a literal too.
fn fill(sql: &str, schema: &str) -> SqlStr {
    let identifier = format!("\"{}\"", schema.replace('"', "\"\""));
    let literal = identifier.replace('\'', "''");
    let mut parts = sql.split("\"es\"");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    // Token by token: the name that was put in may have the token's text in it.
    for part in parts {
        filled.push_str(if filled.ends_with('\'') { &literal } else { &identifier });
        filled.push_str(part);
    }
    AssertSqlSafe(Arc::<str>::from(filled)).into_sql_str()
}

#[cfg(test)]
mod tests {
    use super::{Statements, bare, fill};

    #[test]
    fn the_server_is_sent_no_comments() {
        assert_eq!(bare("-- Why.\nselect 1\n  -- And so.\n  + $1;"), "select 1\n  + $1;");
        assert!(Statements::new("es").append_all.as_str().starts_with("with settings as"));
    }

    #[test]
    fn a_schema_is_quoted_as_identifier_and_within_strings() {
        let sql = "select '\"es\".events'::regclass from \"es\".events";
        let filled = |schema| fill(sql, schema).as_str().to_owned();
        assert_eq!(filled("es"), sql);
        assert_eq!(filled("x\"es"), "select '\"x\"\"es\".events'::regclass from \"x\"\"es\".events");
        assert_eq!(filled("o'b\"r"), "select '\"o''b\"\"r\".events'::regclass from \"o'b\"\"r\".events");
        let itself = "select '\"a\"\"es\"\"\".events'::regclass from \"a\"\"es\"\"\".events";
        assert_eq!(filled("a\"es\""), itself);
    }
}
