//! Columns as the database has them.

use std::fmt::Write as _;

use es_core::projection::{ColumnType, Dialect, KeptColumn};

use super::sql::identifier;

/// The type of a column, by the name that the server itself shows.
pub(super) const fn sql_type(ty: ColumnType) -> &'static str {
    match ty {
        ColumnType::Bool => "boolean",
        ColumnType::SmallInt => "smallint",
        ColumnType::Integer => "integer",
        ColumnType::BigInt => "bigint",
        ColumnType::Unsigned => "numeric(20,0)",
        ColumnType::Decimal => "numeric",
        ColumnType::Double => "double precision",
        ColumnType::Text => "text",
        ColumnType::Uuid => "uuid",
        ColumnType::Timestamp => "timestamp with time zone",
        ColumnType::LocalTimestamp => "timestamp without time zone",
        ColumnType::Date => "date",
        ColumnType::Time => "time without time zone",
        ColumnType::Sql(name) => name,
        // And what there may be later: serde writes it as JSON.
        ColumnType::Json | _ => "jsonb",
    }
}

pub(super) const DIALECT: Dialect = Dialect {
    column_type: sql_type,
    // A longer name is cut off.
    longest_name: Some(63),
    gone: "it was dropped, or `read_model_schema` was set to another schema",
};

/// The collation of a key is that of bytes: the same on every machine, and harmed by no upgrade of the system.
pub(super) fn collation(column: &KeptColumn) -> Option<&'static str> {
    (column.ty == "text").then_some(if column.key { "\"C\"" } else { "\"default\"" })
}

/// Its line in `create table`.
pub(super) fn definition(column: &KeptColumn) -> String {
    let mut line = format!("{} {}", identifier(&column.name), column.ty);
    if let (true, Some(collation)) = (column.key, collation(column)) {
        let _ = write!(line, " collate {collation}");
    }
    if !column.nullable {
        line.push_str(" not null");
    }
    line
}

/// Whether each value of one type is one of the other too, so that a view of both can show it: what readers see must not
/// fail because of a row.
pub(super) fn always_casts(from: &str, to: &str) -> bool {
    const WHOLE: [&str; 4] = ["smallint", "integer", "bigint", "numeric(20,0)"];
    let rank = |ty| WHOLE.iter().position(|whole| *whole == ty);
    let widened = rank(from).zip(rank(to)).is_some_and(|(from, to)| from < to);
    let pointed = rank(from).is_some() && matches!(to, "numeric" | "double precision");
    from == to || to == "text" || widened || pointed || (from, to) == ("date", "timestamp without time zone")
}

#[cfg(test)]
mod tests {
    use super::always_casts;

    #[test]
    fn only_what_never_fails_is_cast() {
        for (from, to) in [("bigint", "text"), ("integer", "bigint"), ("numeric(20,0)", "numeric"), ("jsonb", "text")] {
            assert!(always_casts(from, to), "{from} to {to}");
        }
        for (from, to) in [("text", "bigint"), ("bigint", "integer"), ("numeric", "bigint"), ("text", "jsonb")] {
            assert!(!always_casts(from, to), "{from} to {to}");
        }
    }
}
