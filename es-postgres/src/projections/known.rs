//! What the store knows of projections before they are made ready.

use std::collections::{BTreeMap, BTreeSet};

use es_core::projection::{KeptColumn, KeptProjection, KeptVersion};
use serde_json::Value;
use sqlx::{
    Postgres, Row as _,
    postgres::{PgArguments, PgRow},
    query::Query,
};

use super::{Projections, sql::natural};

/// What is known under some names.
pub(super) type Known = BTreeMap<String, Projection>;

/// What is known under one name.
#[derive(Debug)]
pub(super) struct Projection {
    pub(super) kept: KeptProjection,
    /// The version that it began with.
    pub(super) oldest: u32,
}

/// Asks for what is known under some names.
pub(super) fn ask<'q>(projections: &Projections, names: &'q [&'q str]) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(projections.statements.known.clone()).bind(names)
}

pub(super) fn read(rows: &[PgRow]) -> Result<Known, sqlx::Error> {
    let mut known = Known::new();
    for row in rows {
        let kept = KeptProjection::new(row.try_get::<&str, _>(1)?, natural(row.try_get(2)?), natural(row.try_get(4)?));
        let projection = Projection { kept, oldest: natural(row.try_get(3)?) };
        let projection = known.entry(row.try_get(0)?).or_insert(projection);
        let Some(number) = row.try_get::<Option<i32>, _>(5)? else { continue };
        let columns = match row.try_get::<Option<Value>, _>(6)? {
            Some(columns) => Some(
                KeptColumn::of_json(&columns)
                    .ok_or_else(|| sqlx::Error::Decode("these are no columns of a table".into()))?,
            ),
            None => None,
        };
        let shards = u32::try_from(row.try_get::<i64, _>(7)?).unwrap_or(u32::MAX);
        projection.kept.versions.insert(natural(number), KeptVersion::new(columns, shards, row.try_get(8)?));
    }
    Ok(known)
}

/// Asks which names of tables and views are taken in the schema of the read models.
pub(super) fn ask_relations<'q>(
    projections: &Projections,
    schema: &'q str,
    names: &'q [String],
) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(projections.statements.relations.clone()).bind(schema).bind(names)
}

pub(super) fn read_relations(rows: &[PgRow]) -> Result<BTreeSet<String>, sqlx::Error> {
    rows.iter().map(|row| row.try_get(0)).collect()
}
