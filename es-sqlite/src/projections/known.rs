//! What the store knows of projections before they are made ready.

use std::collections::{BTreeMap, BTreeSet};

use es_core::projection::{KeptColumn, KeptProjection, KeptVersion};
use sqlx::{Row as _, SqliteConnection, sqlite::SqliteRow};

use super::sql::{array, natural};
use crate::row::{integer, is_null, text};

/// A row for each version that is kept, or one where none is. ?1 names, as a JSON array.
const KNOWN: &str = "
    select known.name, known.kind, known.active, known.newest, versions.version, versions.columns,
           (select count(*) from es_projection_shards as shards
            where shards.name = versions.name and shards.version = versions.version),
           versions.events
    from es_projections as known
    left join es_projection_versions as versions on versions.name = known.name
    where known.name in (select value from json_each(?1))
    order by known.name, versions.version";

/// ?1 names in lower case, as a JSON array: SQLite does not tell `Lamps` from `lamps`.
const RELATIONS: &str = "
    select lower(name) from sqlite_schema
    where type in ('table', 'view') and lower(name) in (select value from json_each(?1))";

/// What is known under some names.
pub(super) type Known = BTreeMap<String, KeptProjection>;

/// What is known under some names.
pub(super) async fn known(connection: &mut SqliteConnection, names: &[&str]) -> Result<Known, sqlx::Error> {
    let rows = sqlx::query(KNOWN).bind(array(names.iter().copied())).fetch_all(connection).await?;
    let mut known = Known::new();
    for row in &rows {
        let projection = KeptProjection::new(text(row, 1)?, natural(integer(row, 2)?), natural(integer(row, 3)?));
        let projection = known.entry(text(row, 0)?.to_owned()).or_insert(projection);
        if !is_null(row, 4)? {
            projection.versions.insert(natural(integer(row, 4)?), version(row)?);
        }
    }
    Ok(known)
}

fn version(row: &SqliteRow) -> Result<KeptVersion, sqlx::Error> {
    let columns = match row.try_get_unchecked::<Option<&str>, _>(5)? {
        Some(columns) => Some(
            serde_json::from_str(columns)
                .ok()
                .and_then(|columns| KeptColumn::of_json(&columns))
                .ok_or_else(|| sqlx::Error::Decode("these are no columns of a table".into()))?,
        ),
        None => None,
    };
    let events = serde_json::from_str(text(row, 7)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(KeptVersion::new(columns, natural(integer(row, 6)?), Some(events)))
}

/// Which of these names are taken by tables and views, all in lower case.
pub(super) async fn relations(
    connection: &mut SqliteConnection,
    names: &[String],
) -> Result<BTreeSet<String>, sqlx::Error> {
    let names = array(names.iter().map(String::as_str));
    let rows = sqlx::query(RELATIONS).bind(names).fetch_all(connection).await?;
    rows.iter().map(|row| Ok(text(row, 0)?.to_owned())).collect()
}
