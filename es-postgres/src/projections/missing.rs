//! What is missing before projections can run; or why they cannot. Pure.

use std::collections::BTreeSet;

use es_core::{
    projection::{KeptColumn, PrepareError, ProjectionKind, ProjectionSchema},
    store::{Misconfigured, StoreError},
};

use super::{
    column,
    known::Projection,
    table::{LONGEST, physical_name},
};

/// What is missing of one projection.
#[derive(Debug)]
pub(super) struct Todo<'s> {
    pub(super) schema: &'s ProjectionSchema,
    pub(super) new_name: bool,
    pub(super) new_version: bool,
    /// Of a read model that is known: columns whose indexes are missing.
    pub(super) indexes: Vec<KeptColumn>,
    pub(super) view: bool,
    /// How many shards there are, where others are wanted.
    pub(super) shards: Option<u32>,
    /// Where the events that it handles are to be kept anew, those of which the handlers were changed: none of them may have
    /// been passed.
    pub(super) events: Option<Vec<String>>,
}

/// What is missing of a projection, if something is.
pub(super) fn todo<'s>(
    schema: &'s ProjectionSchema,
    known: Option<&Projection>,
    relations: &BTreeSet<String>,
) -> Result<Option<Todo<'s>>, PrepareError> {
    let projection = schema.id;
    let wanted = schema.kind.name();
    if let Some(known) = known
        && known.kind != wanted
    {
        return Err(PrepareError::KindChanged { projection, found: known.kind.clone(), wanted });
    }
    let mut todo = Todo {
        schema,
        new_name: known.is_none(),
        new_version: known.is_none_or(|known| projection.version > known.newest),
        indexes: Vec::new(),
        view: false,
        shards: None,
        events: None,
    };
    let version = known.and_then(|known| known.versions.get(&projection.version));
    if let Some(version) = version {
        todo.shards = Some(version.shards).filter(|&found| found != schema.shards.max(1));
        let wanted = schema.events.iter().map(|event| event.name);
        todo.events = match &version.events {
            Some(events) if events.iter().map(String::as_str).eq(wanted) => None,
            Some(events) => Some(schema.changed_events(events)),
            None => Some(Vec::new()),
        };
    } else if !todo.new_version {
        // An older version that is not kept is not made anew.
        return Ok(None);
    }
    if let ProjectionKind::ReadModel(table) = &schema.kind {
        let columns = column::of_table(table);
        let physical = physical_name(table.name, table.version);
        if physical.len() > LONGEST {
            let reason =
                format!("the name of its table, `{physical}`, is longer than {LONGEST} bytes; give it a shorter one");
            return Err(StoreError::from(Misconfigured::new(reason, None)).into());
        }
        let taken = |table: &str| PrepareError::TableTaken { projection, table: table.to_owned() };
        match version.map(|version| version.columns.as_deref().unwrap_or_default()) {
            Some(found) => {
                let differences = KeptColumn::differences(found, &columns);
                if !differences.is_empty() {
                    return Err(PrepareError::TableChanged { projection, differences });
                }
                if !relations.contains(&physical) {
                    let reason = format!(
                        "the table `{physical}` of `{projection}` is not there: it was dropped, or `read_model_schema` was set \
                         to another schema; give the read model a new version to have it built again"
                    );
                    return Err(StoreError::from(Misconfigured::new(reason, None)).into());
                }
                let has = |name: &str| found.iter().any(|column| column.name == name && column.indexed);
                todo.indexes = columns.into_iter().filter(|column| column.indexed && !has(&column.name)).collect();
            }
            None if relations.contains(&physical) => return Err(taken(&physical)),
            None if todo.new_name && relations.contains(table.name) => return Err(taken(table.name)),
            None => {}
        }
        todo.view = todo.new_version || !relations.contains(table.name);
    }
    let nothing =
        !todo.new_version && !todo.view && todo.indexes.is_empty() && todo.shards.is_none() && todo.events.is_none();
    Ok((!nothing).then_some(todo))
}
