//! What is missing before a projection can run; or why it cannot. For stores that keep read models in tables. Pure.

use super::{
    column::{ColumnSchema, ColumnType, TableSchema},
    kept::{KeptColumn, KeptProjection},
    prepare::PrepareError,
    schema::{ProjectionKind, ProjectionSchema},
};
use crate::store::{Misconfigured, StoreError};

/// What one database says otherwise than others, about the tables of read models.
#[derive(Clone, Copy, Debug)]
pub struct Dialect {
    /// The type of a column, by the name that is kept and told to people.
    pub column_type: fn(ColumnType) -> &'static str,
    /// The bytes of the longest name that a table can have, where there is a longest.
    pub longest_name: Option<usize>,
    /// How a table that was there can have gone, such as `it was dropped`.
    pub gone: &'static str,
}

impl Dialect {
    /// A column of a struct, as its table has it.
    pub fn column(&self, column: &ColumnSchema) -> KeptColumn {
        KeptColumn::new(column, (self.column_type)(column.ty))
    }

    fn columns(&self, table: &TableSchema) -> Vec<KeptColumn> {
        table.columns.iter().map(|column| self.column(column)).collect()
    }
}

/// What is missing of a projection before it can run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Missing {
    /// The projection.
    pub schema: ProjectionSchema,
    /// Whether this version of it is a new one.
    pub new_version: bool,
    /// Of a read model: the columns to be kept of this version, once there is what is missing.
    pub columns: Option<Vec<KeptColumn>>,
    /// Of a read model whose table is there: the columns whose indexes are missing.
    pub indexes: Vec<KeptColumn>,
    /// Of a read model: whether what everybody reads under its name is to be made, or made anew.
    pub view: bool,
    /// How many shards there are, where others are wanted.
    pub shards: Option<u32>,
    /// Where the events that it handles are to be kept anew, those of which the handlers were changed: none of them may have
    /// been passed ([`PrepareError::of_passed`]).
    pub events: Option<Vec<String>>,
}

impl Missing {
    /// What is missing of a projection, if something is, when this is known under its name, and these names of tables and
    /// views are taken.
    ///
    /// # Errors
    /// Where it is of another kind than it was, its table has other columns or is gone, or a name is taken or too long.
    pub fn of(
        schema: &ProjectionSchema,
        known: Option<&KeptProjection>,
        dialect: &Dialect,
        is_taken: impl Fn(&str) -> bool,
    ) -> Result<Option<Self>, PrepareError> {
        let projection = schema.id;
        let wanted = schema.kind.name();
        if let Some(known) = known
            && known.kind != wanted
        {
            return Err(PrepareError::KindChanged { projection, found: known.kind.clone(), wanted });
        }
        let new_version = known.is_none_or(|known| projection.version > known.newest);
        let mut missing = Self {
            schema: *schema,
            new_version,
            columns: None,
            indexes: Vec::new(),
            view: false,
            shards: None,
            events: None,
        };
        let version = known.and_then(|known| known.versions.get(&projection.version));
        if let Some(version) = version {
            missing.shards = Some(version.shards).filter(|&found| found != schema.shards.max(1));
            let wanted = schema.events.iter().map(|event| event.name);
            missing.events = match &version.events {
                Some(events) if events.iter().map(String::as_str).eq(wanted) => None,
                Some(events) => Some(schema.changed_events(events)),
                None => Some(Vec::new()),
            };
        } else if !new_version {
            // An older version that is not kept is not made anew.
            return Ok(None);
        }
        if let ProjectionKind::ReadModel(table) = &schema.kind {
            let found = version.map(|version| version.columns.as_deref().unwrap_or_default());
            missing.look_at_table(table, found, known.is_none(), dialect, is_taken)?;
        }
        Ok((!missing.is_nothing()).then_some(missing))
    }

    /// `found` are the columns of the version, where it is known.
    fn look_at_table(
        &mut self,
        table: &TableSchema,
        found: Option<&[KeptColumn]>,
        new_name: bool,
        dialect: &Dialect,
        is_taken: impl Fn(&str) -> bool,
    ) -> Result<(), PrepareError> {
        let projection = self.schema.id;
        let refused = |reason| Err(StoreError::from(Misconfigured::new(reason, None)).into());
        let taken = |table: &str| Err(PrepareError::TableTaken { projection, table: table.to_owned() });
        let mut columns = dialect.columns(table);
        let physical = TableSchema::physical_name(table.name, table.version);
        if let Some(longest) = dialect.longest_name.filter(|&longest| physical.len() > longest) {
            return refused(format!(
                "the name of its table, `{physical}`, is longer than {longest} bytes; give it a shorter one"
            ));
        }
        match found {
            Some(found) => {
                let differences = KeptColumn::differences(found, &columns);
                if !differences.is_empty() {
                    return Err(PrepareError::TableChanged { projection, differences });
                }
                if !is_taken(&physical) {
                    let gone = dialect.gone;
                    return refused(format!(
                        "the table `{physical}` of `{projection}` is not there: {gone}; give the read model a new version to \
                         have it built again"
                    ));
                }
                let is_in = |columns: &[KeptColumn], name: &str| {
                    columns.iter().any(|column| column.name == name && column.indexed)
                };
                columns.retain(|column| column.indexed && !is_in(found, &column.name));
                let keep = |column: &KeptColumn| KeptColumn {
                    indexed: column.indexed || is_in(&columns, &column.name),
                    ..column.clone()
                };
                self.columns = Some(found.iter().map(keep).collect());
                self.indexes = columns;
            }
            None if is_taken(&physical) => return taken(&physical),
            None if new_name && is_taken(table.name) => return taken(table.name),
            None => self.columns = Some(columns),
        }
        self.view = self.new_version || !is_taken(table.name);
        Ok(())
    }

    fn is_nothing(&self) -> bool {
        let Self { schema: _, columns: _, new_version, indexes, view, shards, events } = self;
        !new_version && !view && indexes.is_empty() && shards.is_none() && events.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::{Dialect, Missing};
    use crate::{
        event::EventSchema,
        projection::{
            ColumnSchema, ColumnType, KeptProjection, KeptVersion, PrepareError, ProjectionId, ProjectionKind,
            ProjectionSchema, TableSchema,
        },
    };

    const DIALECT: Dialect = Dialect { column_type: |_| "any", longest_name: Some(8), gone: "a mouse ate it" };

    const ID: ColumnSchema = ColumnSchema::new("id", ColumnType::Text, false).key();
    const ROOM: ColumnSchema = ColumnSchema::new("room", ColumnType::Text, false);
    const LIT: EventSchema = EventSchema::new("LampLit", 1);

    fn lamps(version: u32, columns: &'static [ColumnSchema]) -> ProjectionSchema {
        let table = TableSchema::new("lamps", version, columns);
        ProjectionSchema::new(ProjectionId { name: "lamps", version }, ProjectionKind::ReadModel(table), &[LIT])
    }

    /// The first version, with its table.
    fn known(columns: &[ColumnSchema]) -> KeptProjection {
        let mut known = KeptProjection::new("read_model", 1, 1);
        let columns = columns.iter().map(|column| DIALECT.column(column)).collect();
        known.versions.insert(1, KeptVersion::new(Some(columns), 1, Some(vec!["LampLit".to_owned()])));
        known
    }

    fn of(
        schema: &ProjectionSchema,
        known: Option<&KeptProjection>,
        taken: &[&str],
    ) -> Result<Option<Missing>, PrepareError> {
        Missing::of(schema, known, &DIALECT, |name| taken.contains(&name))
    }

    #[test]
    fn of_a_new_one_all_is_missing() {
        for (version, known, taken) in [(1, None, &[][..]), (2, Some(known(&[ID, ROOM])), &["lamps", "lamps_v1"])] {
            let schema = lamps(version, &[ID]);
            let missing = of(&schema, known.as_ref(), taken).expect("it can be made").expect("it is not there");
            assert!(missing.new_version && missing.view, "{missing:?}");
            assert_eq!(missing.columns, Some(vec![DIALECT.column(&ID)]));
            assert!(missing.indexes.is_empty() && missing.shards.is_none() && missing.events.is_none(), "{missing:?}");
        }
    }

    #[test]
    fn of_a_known_one_what_differs_is_missing() {
        let (known, all) = (known(&[ID.indexed(), ROOM]), &["lamps", "lamps_v1"][..]);
        let missing =
            |schema: &ProjectionSchema, taken: &[&str]| of(schema, Some(&known), taken).expect("it can be made");
        let same = lamps(1, &[ROOM, ID]);
        assert!(missing(&same, all).is_none());
        assert!(missing(&same, &["lamps_v1"]).is_some_and(|missing| missing.view && !missing.new_version));
        let four = ProjectionSchema { shards: 4, ..same };
        assert_eq!(missing(&four, all).and_then(|missing| missing.shards), Some(1));
        let silent = ProjectionSchema { events: &[], ..same };
        assert_eq!(missing(&silent, all).and_then(|missing| missing.events), Some(vec!["LampLit".to_owned()]));
        // An index that is not wanted any more stays.
        let indexed = missing(&lamps(1, const { &[ID, ROOM.indexed()] }), all).expect("an index is missing");
        assert_eq!(indexed.indexes, [DIALECT.column(&ROOM.indexed())]);
        assert_eq!(indexed.columns, Some(vec![DIALECT.column(&ID.indexed()), DIALECT.column(&ROOM.indexed())]));
    }

    #[test]
    fn where_it_is_not_known_what_was_handled_it_is_kept_now() {
        let (schema, mut known) = (lamps(1, &[ID]), known(&[ID]));
        known.versions.values_mut().for_each(|version| version.events = None);
        let missing = of(&schema, Some(&known), &["lamps", "lamps_v1"]).expect("it can be made");
        assert_eq!(missing.and_then(|missing| missing.events), Some(Vec::new()));
    }

    #[test]
    fn an_older_version_that_is_not_kept_is_not_made_anew() {
        let (schema, mut known) = (lamps(1, &[ID]), known(&[ID]));
        (known.newest, known.versions) = (2, [(2, KeptVersion::new(None, 1, None))].into());
        assert!(of(&schema, Some(&known), &["lamps"]).expect("it is let be").is_none());
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        let (schema, known) = (lamps(1, &[ID]), known(&[ID]));
        let refused = |schema: &ProjectionSchema, known: Option<&KeptProjection>, taken: &[&str]| {
            of(schema, known, taken).map(drop).expect_err("it is refused")
        };
        for taken in ["lamps", "lamps_v1"] {
            let refused = refused(&schema, None, &[taken]);
            assert!(matches!(&refused, PrepareError::TableTaken { table, .. } if table == taken), "{refused:?}");
        }
        let changed = refused(&lamps(1, &[ID, ROOM]), Some(&known), &["lamps", "lamps_v1"]);
        assert!(matches!(changed, PrepareError::TableChanged { .. }), "{changed:?}");
        let other = ProjectionSchema { kind: ProjectionKind::Reactor, ..schema };
        let other = refused(&other, Some(&known), &["lamps", "lamps_v1"]);
        assert!(matches!(other, PrepareError::KindChanged { .. }), "{other:?}");
        let gone = refused(&schema, Some(&known), &["lamps"]).to_string();
        assert!(gone.contains("`lamps_v1` of `lamps v1` is not there: a mouse ate it; give"), "{gone}");
        let long = refused(&lamps(10, &[ID]), None, &[]).to_string();
        assert!(long.contains("`lamps_v10`, is longer than 8 bytes"), "{long}");
    }
}
