//! Read models whose rows change in the transaction of the append itself.
//!
//! Which ones are in effect the file says, and each transaction that appends asks it. It has the file to itself: what it is told
//! stays so until its end. Here is only which of them this store can change.

use std::{
    collections::BTreeSet,
    sync::{Arc, PoisonError, RwLock},
};

use es_core::{
    projection::{
        Activity, InlineError, InlineReadModel, ProjectionError, ProjectionId, ProjectionKind, ProjectionSchema,
    },
    store::{StoreError, StoredEvent},
};
use sqlx::{Row as _, SqliteConnection};

use crate::{
    error::{self, code},
    projections::{Changed, Projections, end_of_events, finish, load_rows, now},
    row::{self, event_columns, integer, signed, text, unreadable},
    store::Parts,
};

const DOING: &str = "having a read model change with the appends";
/// How many events are taken in while nobody can append.
const MOST: i64 = 1_000;

/// Those that are in effect.
const LISTED: &str = "select name, version from es_inline_read_models order by name, version";

/// The same in one value, with their events; it stands in `sql/look_up.sql` as well.
const IN_EFFECT: &str = "
    select json_group_array(json_array(name, version, json(events)) order by name, version) from es_inline_read_models";

/// ?1 name, ?2 version, ?3 the stored names of its events, as a JSON array.
const LIST: &str = "insert into es_inline_read_models (name, version, events) values (?1, ?2, ?3)";

/// ?1 name, ?2 version.
const UNLIST: &str = "delete from es_inline_read_models where name = ?1 and version = ?2";

/// Where a read model stands that could come to change with the appends; no row where it could not: its shard does not run, is
/// one of several, or has events parked, or there is a newer version. ?1 name, ?2 version.
const SHARD: &str = "
    select shards.position
    from es_projection_shards as shards
    join es_projections as known on known.name = shards.name
    where shards.name = ?1 and shards.version = ?2 and known.newest = ?2
      and shards.activity = 'running' and shards.parked = 0
      and not exists (
          select 1 from es_projection_shards as others
          where others.name = ?1 and others.version = ?2 and others.shard <> shards.shard
      )";

/// ?1 the position, ?2 event types, as a JSON array, ?3 how many. Index: the primary key of events.
const REST: &str = concat!(
    "select ",
    event_columns!(),
    " from es_events
    where position > ?1 and event_type in (select value from json_each(?2))
    order by position limit ?3"
);

/// It stands behind all events, and changes with the appends from here on. Older claims are void.
///
/// ?1 name, ?2 version, ?3 how many events were applied now, ?4 the last position, ?5 this moment.
const BRING_IN: &str = "
    update es_projection_shards
    set activity = 'inline', applied = applied + ?3, epoch = epoch + 1, engine = null, label = null, expires_at = null,
        failure = null, updated_at = ?5, position = max(position, ?4)
    where name = ?1 and version = ?2";

/// It stands behind all events, and does not change with further ones.
///
/// ?1 name, ?2 version, ?3 the activity that it has from here on, ?4 the last position, ?5 this moment.
const TAKE_OUT: &str = "
    update es_projection_shards set activity = ?3, epoch = epoch + 1, updated_at = ?5, position = max(position, ?4)
    where name = ?1 and version = ?2 and activity = 'inline'";

/// Those that this store can change with its appends.
#[derive(Debug, Default)]
pub(crate) struct Inline(RwLock<Vec<Arc<dyn InlineReadModel>>>);

impl Inline {
    /// From here on appends change the rows of this one, while it is in effect.
    pub(crate) fn enlist(&self, read_model: Arc<dyn InlineReadModel>) {
        let mut enlisted = self.0.write().unwrap_or_else(PoisonError::into_inner);
        enlisted.retain(|known| known.schema().id != read_model.schema().id);
        enlisted.push(read_model);
    }

    fn of(&self, name: &str, version: u32) -> Option<Arc<dyn InlineReadModel>> {
        let enlisted = self.0.read().unwrap_or_else(PoisonError::into_inner);
        enlisted.iter().find(|known| (known.schema().id.name, known.schema().id.version) == (name, version)).cloned()
    }
}

/// Those that change with the appends of a transaction.
#[derive(Debug, Default)]
pub(crate) struct InEffect(Vec<Listed>);

#[derive(Debug)]
struct Listed {
    name: String,
    version: u32,
    /// The stored names of the events that it handles.
    events: Vec<String>,
}

impl Listed {
    fn handles(&self, event_type: &str) -> bool {
        self.events.iter().any(|event| event == event_type)
    }

    fn not_here(&self) -> InlineError {
        InlineError::NotHere { read_model: format!("{} v{}", self.name, self.version) }
    }
}

/// Why an append did not change the rows.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// Because of itself: others in its transaction go on.
    Append(StoreError),
    /// Because of the file, which ends the transaction.
    File(StoreError),
}

impl From<InlineError> for Trouble {
    fn from(error: InlineError) -> Self {
        Self::Append(Box::new(error).into())
    }
}

impl InEffect {
    /// Asks the file, in the transaction that is to append.
    pub(crate) async fn ask(connection: &mut SqliteConnection) -> Result<Self, StoreError> {
        let listed: Result<String, _> = sqlx::query_scalar(IN_EFFECT).fetch_one(connection).await;
        let listed = listed.map_err(|source| error::store_error(DOING, source))?;
        Self::of_json(&listed).map_err(unreadable)
    }

    /// What [`IN_EFFECT`] has answered.
    pub(crate) fn of_json(listed: &str) -> Result<Self, sqlx::Error> {
        let listed: Vec<(String, u32, Vec<String>)> =
            serde_json::from_str(listed).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Self(listed.into_iter().map(|(name, version, events)| Listed { name, version, events }).collect()))
    }

    /// Whether an event of this stored name changes rows.
    pub(crate) fn concern(&self, event_type: &str) -> bool {
        self.0.iter().any(|listed| listed.handles(event_type))
    }

    /// Refuses a batch of a copy with events that are to change rows: they would not.
    pub(crate) fn check_copy<'e>(&self, mut event_types: impl Iterator<Item = &'e str>) -> Result<(), StoreError> {
        let concerned = event_types.find_map(|event_type| self.0.iter().find(|listed| listed.handles(event_type)));
        concerned.map_or(Ok(()), |listed| Err(Box::new(listed.not_here()).into()))
    }

    /// Changes the rows with events that were stored just now, in the same transaction.
    pub(crate) async fn fold(
        &self,
        projections: &Projections,
        connection: &mut SqliteConnection,
        events: &[StoredEvent],
    ) -> Result<(), Trouble> {
        for listed in &self.0 {
            let handles = |event: &&StoredEvent| listed.handles(&event.event_type);
            let events: Vec<_> = events.iter().filter(handles).cloned().collect();
            if events.is_empty() {
                continue;
            }
            let Some(read_model) = projections.inline.of(&listed.name, listed.version) else {
                return Err(listed.not_here().into());
            };
            fold(projections, connection, &*read_model, &events).await?;
        }
        Ok(())
    }
}

/// Folds events into the rows that they concern.
async fn fold(
    projections: &Projections,
    connection: &mut SqliteConnection,
    read_model: &dyn InlineReadModel,
    events: &[StoredEvent],
) -> Result<(), Trouble> {
    let keys = Vec::from_iter(read_model.keys(events).map_err(|source| failed(read_model, source))?);
    if keys.is_empty() {
        return Ok(());
    }
    let (table, tables) = (read_model.table(), &projections.tables);
    let about_rows = |source| about_rows(read_model, source);
    let rows = load_rows(tables, connection, &table, &keys).await.map_err(about_rows)?;
    let changes = read_model.fold(events, &rows).map_err(|source| failed(read_model, source))?;
    let rows = Changed::of_json(&table, &changes.rows, &changes.removed).map_err(about_rows)?;
    let applied = rows.apply(tables, connection).await;
    applied.map_err(|source| about_rows(StoreError::Backend { doing: "changing the rows", source: source.into() }))
}

fn failed(read_model: &dyn InlineReadModel, source: ProjectionError) -> Trouble {
    InlineError::Failed { read_model: read_model.schema().id, source }.into()
}

/// What is said of the rows: what is about the file is about all who append.
fn about_rows(read_model: &dyn InlineReadModel, error: StoreError) -> Trouble {
    match error {
        StoreError::Backend { doing, source } => match source.downcast::<sqlx::Error>() {
            Ok(source) if is_about_the_file(&source) => Trouble::File(error::store_error(doing, *source)),
            Ok(source) => failed(read_model, StoreError::Backend { doing, source }.into()),
            Err(source) => failed(read_model, StoreError::Backend { doing, source }.into()),
        },
        error => Trouble::File(error),
    }
}

fn is_about_the_file(source: &sqlx::Error) -> bool {
    let other = [code::CONSTRAINT, code::ERROR, code::TOOBIG, code::MISMATCH];
    error::code_of(source).map_or_else(|| error::is_lost(source), |code| !other.contains(&code))
}

/// Has a read model change with the appends from here on. `false` where it is not near enough to the end of all events, or
/// something is in the way.
pub(crate) async fn activate(parts: &Parts, read_model: &dyn InlineReadModel) -> Result<bool, StoreError> {
    // A batch that is under way has written nothing yet, and finds its claim void.
    let mut writing =
        parts.connections.pen().begin(DOING, "a read model that comes to change with the appends").await?;
    let brought_in = match writing.connection() {
        Ok(connection) => bring_in(&parts.projections, connection, read_model).await,
        Err(gone) => return Err(gone),
    };
    let brought_in = brought_in.map_err(|trouble| match trouble {
        Trouble::Append(error) | Trouble::File(error) => error,
    });
    match brought_in {
        Ok(false) => {
            writing.rollback().await;
            Ok(false)
        }
        outcome => finish(writing, outcome, DOING).await,
    }
}

async fn bring_in(
    projections: &Projections,
    connection: &mut SqliteConnection,
    read_model: &dyn InlineReadModel,
) -> Result<bool, Trouble> {
    let ProjectionId { name, version } = read_model.schema().id;
    let about = |sql| sqlx::query(sql).bind(name).bind(version);
    let file = |source| Trouble::File(error::store_error(DOING, source));
    let Some(shard) = about(SHARD).fetch_optional(&mut *connection).await.map_err(file)? else { return Ok(false) };
    let position: i64 = shard.try_get(0).map_err(file)?;
    let types: serde_json::Value = read_model.schema().events.iter().map(|event| event.name).collect();
    let types = types.to_string();
    // Nobody else writes: what is there is all there is.
    let rest = sqlx::query(REST).bind(position).bind(types.clone()).bind(MOST + 1);
    let rest = rest.fetch_all(&mut *connection).await.map_err(file)?;
    let applied = signed(rest.len() as u64);
    if applied > MOST {
        return Ok(false);
    }
    let events = rest.iter().map(row::event).collect::<Result<Vec<_>, _>>().map_err(file)?;
    fold(projections, connection, read_model, &events).await?;
    about(LIST).bind(types).execute(&mut *connection).await.map_err(file)?;
    let end = end_of_events(connection).await.map_err(file)?;
    about(BRING_IN).bind(applied).bind(end).bind(now()).execute(connection).await.map_err(file)?;
    Ok(true)
}

/// Has a version of a read model change with no further append, if it did: it stands behind all that there are.
pub(crate) async fn take_off(
    connection: &mut SqliteConnection,
    (name, version): (&'static str, u32),
    activity: Activity,
) -> Result<(), sqlx::Error> {
    let about = |sql| sqlx::query(sql).bind(name).bind(version);
    if about(UNLIST).execute(&mut *connection).await?.rows_affected() == 0 {
        return Ok(());
    }
    let end = end_of_events(connection).await?;
    about(TAKE_OUT).bind(activity.name()).bind(end).bind(now()).execute(connection).await.map(drop)
}

/// Versions that change with the appends, and are older than these.
pub(crate) async fn older(
    connection: &mut SqliteConnection,
    schemas: &[ProjectionSchema],
) -> Result<Vec<(&'static str, u32)>, sqlx::Error> {
    let rows = sqlx::query(LISTED).fetch_all(connection).await?;
    let mut older = BTreeSet::new();
    for row in &rows {
        let (name, version) = (text(row, 0)?, u32::try_from(integer(row, 1)?).unwrap_or(0));
        let is_newer = |schema: &&ProjectionSchema| {
            matches!(schema.kind, ProjectionKind::ReadModel(_)) && schema.id.name == name && schema.id.version > version
        };
        older.extend(schemas.iter().find(is_newer).map(|schema| (schema.id.name, version)));
    }
    Ok(older.into_iter().collect())
}
