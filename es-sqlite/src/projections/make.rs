//! Making what is missing.

use es_core::{
    projection::{KeptColumn, Missing, PrepareError, ProjectionSchema, Start},
    recorded::Position,
    store::StoreError,
};
use sqlx::{Executor as _, SqliteConnection};

use super::{
    division, known,
    prepare::PREPARING,
    registry::Registry,
    sql::{array, now, safe},
    table,
};
use crate::{error, row::signed};

/// Why a transaction did not come to its end.
#[derive(Debug)]
pub(super) enum Trouble {
    Refused(PrepareError),
    Failed(sqlx::Error),
}

impl From<PrepareError> for Trouble {
    fn from(error: PrepareError) -> Self {
        Self::Refused(error)
    }
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<Trouble> for PrepareError {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Refused(error) => error,
            Trouble::Failed(source) => error::store_error(PREPARING, source).into(),
        }
    }
}

/// ?1 name, ?2 kind, ?3 version.
const NAME: &str = "
    insert into es_projections (name, kind, active, newest) values (?1, ?2, ?3, ?3)
    on conflict (name) do update set newest = excluded.newest";

/// ?1 name, ?2 version, ?3 the columns, as JSON, ?4 the events that it handles, as a JSON array, ?5 where it begins.
const VERSION: &str =
    "insert into es_projection_versions (name, version, columns, events, began) values (?1, ?2, ?3, ?4, ?5)";

/// Which of some event types there are behind where a version began, and not behind where its furthest shard stands. Asked only
/// where handlers were changed. ?1 name, ?2 version, ?3 event types, as a JSON array. Index: the primary key of events.
const PASSED: &str = "
    select type.value from json_each(?3) as type
    where exists (
        select 1 from es_events
        where event_type = type.value
          and position > (select began from es_projection_versions where name = ?1 and version = ?2)
          and position <= (
              select max(case when activity = 'inline' then 9223372036854775807 else position end)
              from es_projection_shards where name = ?1 and version = ?2
          )
    )
    order by type.key";

/// ?1 name, ?2 version, ?3 the events that it handles, as a JSON array.
const EVENTS: &str = "update es_projection_versions set events = ?3 where name = ?1 and version = ?2";

/// ?1 name, ?2 version, ?3 shard, ?4 where it begins, ?5 this moment.
const SHARD: &str =
    "insert into es_projection_shards (name, version, shard, position, updated_at) values (?1, ?2, ?3, ?4, ?5)";

/// ?1 name, ?2 version, ?3 the columns, as JSON.
const COLUMNS: &str = "update es_projection_versions set columns = ?3 where name = ?1 and version = ?2";

pub(super) async fn make(
    missing: &Missing,
    registry: &Registry,
    connection: &mut SqliteConnection,
) -> Result<(), Trouble> {
    let (name, version) = (missing.schema.id.name, missing.schema.id.version);
    if missing.new_version {
        make_rows(missing, connection).await?;
        if let Some(columns) = &missing.columns {
            execute(connection, table::create(name, version, columns)).await?;
        }
    }
    if let Some(changed) = &missing.events {
        keep_events(missing, connection, changed).await?;
    }
    if let Some(found) = missing.shards {
        division::divide(registry, connection, &missing.schema, found).await?;
    }
    if !missing.indexes.is_empty() {
        make_indexes(missing, connection).await?;
    }
    Ok(())
}

async fn make_rows(missing: &Missing, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let (name, version) = (missing.schema.id.name, missing.schema.id.version);
    let start = match missing.schema.start {
        Start::After(position) => signed(position.get()),
        // Nobody appends before this is committed.
        Start::Now => end_of_events(connection).await?,
        // And what this crate does not know yet: so nothing is missed.
        Start::Beginning | _ => signed(Position::START.get()),
    };
    let query = sqlx::query(NAME).bind(name).bind(missing.schema.kind.name()).bind(version);
    query.execute(&mut *connection).await?;
    let query = sqlx::query(VERSION).bind(name).bind(version).bind(columns(missing));
    query.bind(event_types(&missing.schema)).bind(start).execute(&mut *connection).await?;
    for shard in 0..missing.schema.shards.max(1) {
        let query = sqlx::query(SHARD).bind(name).bind(version).bind(shard).bind(start).bind(now());
        query.execute(&mut *connection).await?;
    }
    Ok(())
}

/// As they are stored.
fn columns(missing: &Missing) -> Option<String> {
    missing.columns.as_deref().map(|columns| KeptColumn::to_json(columns).to_string())
}

fn event_types(schema: &ProjectionSchema) -> String {
    array(schema.events.iter().map(|event| event.name))
}

/// Keeps which events it handles from here on, unless it has passed some of those that are other ones.
async fn keep_events(missing: &Missing, connection: &mut SqliteConnection, changed: &[String]) -> Result<(), Trouble> {
    let (name, version) = (missing.schema.id.name, missing.schema.id.version);
    let passed = sqlx::query_scalar(PASSED).bind(name).bind(version).bind(array(changed.iter().map(String::as_str)));
    PrepareError::of_passed(&missing.schema, passed.fetch_all(&mut *connection).await?)?;
    let query = sqlx::query(EVENTS).bind(name).bind(version).bind(event_types(&missing.schema));
    Ok(query.execute(connection).await.map(drop)?)
}

async fn make_indexes(missing: &Missing, connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let (name, version) = (missing.schema.id.name, missing.schema.id.version);
    for column in &missing.indexes {
        execute(connection, table::create_index(name, version, column)).await?;
    }
    let query = sqlx::query(COLUMNS).bind(name).bind(version).bind(columns(missing));
    query.execute(&mut *connection).await.map(drop)
}

/// The position of the last event that is there.
pub(crate) async fn end_of_events(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("select coalesce(max(position), 0) from es_events").fetch_one(connection).await
}

/// Makes the view of a read model what its versions want.
pub(super) async fn make_view(connection: &mut SqliteConnection, name: &str) -> Result<(), sqlx::Error> {
    let known = known::known(connection, &[name]).await?;
    let Some(projection) = known.get(name) else { return Ok(()) };
    let tables = projection.tables();
    if !tables.contains_key(&projection.active) {
        return Ok(());
    }
    execute(connection, table::replace_view(name, projection.active, &tables)).await
}

pub(super) async fn execute(connection: &mut SqliteConnection, sql: String) -> Result<(), sqlx::Error> {
    connection.execute(sqlx::raw_sql(safe(sql))).await.map(drop)
}
