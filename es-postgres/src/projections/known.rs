//! What the store knows of projections before they are made ready.

use es_core::projection::KeptColumn;
use std::collections::{BTreeMap, BTreeSet};

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
    pub(super) kind: String,
    pub(super) active: u32,
    /// The version that it began with.
    pub(super) oldest: u32,
    /// The newest that there ever was.
    pub(super) newest: u32,
    pub(super) versions: BTreeMap<u32, Version>,
}

#[derive(Debug)]
pub(super) struct Version {
    /// Of a read model.
    pub(super) columns: Option<Vec<KeptColumn>>,
    pub(super) shards: u32,
    /// The events that it handles, where that is known.
    pub(super) events: Option<Vec<String>>,
}

impl Projection {
    /// The tables that are there.
    pub(super) fn tables(&self) -> BTreeMap<u32, Vec<KeptColumn>> {
        let columns = |(&number, version): (&u32, &Version)| Some((number, version.columns.clone()?));
        self.versions.iter().filter_map(columns).collect()
    }
}

/// Asks for what is known under some names.
pub(super) fn ask<'q>(projections: &Projections, names: &'q [&'q str]) -> Query<'q, Postgres, PgArguments> {
    sqlx::query(projections.statements.known.clone()).bind(names)
}

pub(super) fn read(rows: &[PgRow]) -> Result<Known, sqlx::Error> {
    let mut known = Known::new();
    for row in rows {
        let projection = Projection {
            kind: row.try_get(1)?,
            active: natural(row.try_get(2)?),
            oldest: natural(row.try_get(3)?),
            newest: natural(row.try_get(4)?),
            versions: BTreeMap::new(),
        };
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
        projection.versions.insert(natural(number), Version { columns, shards, events: row.try_get(8)? });
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
