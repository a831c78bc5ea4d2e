//! Why projections could not be made ready.

use std::fmt;

use super::schema::{ProjectionId, ProjectionSchema};
use crate::store::StoreError;

/// Why projections could not be made ready to run. Nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PrepareError {
    /// The store could not be asked.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A read model has other columns than its table, and still the same version.
    #[error(
        "`{projection}` has other columns than its table: {}; give it a new version with \
         `#[read_model(version = {})]`, which is built beside the old one",
        list(.differences), .projection.version + 1
    )]
    TableChanged {
        /// The read model.
        projection: ProjectionId,
        /// How table and struct differ.
        differences: Vec<ColumnDifference>,
    },
    /// A projection handles other events than it did, still in the same version, and it has passed some of them: those that
    /// are added are missed then, and those that are removed have had effects that nobody could explain.
    #[error(
        "`{projection}` has passed events of which the handlers were changed: {}; give it version {}, which is built from the \
         first event beside the old one",
        changed(.added, .removed), .projection.version + 1
    )]
    HandlersChanged {
        /// The projection.
        projection: ProjectionId,
        /// The stored names of events that it handles now, and did not.
        added: Vec<String>,
        /// The stored names of events that it does not handle any more.
        removed: Vec<String>,
    },
    /// There is a table or a view of that name that is not the read model's.
    #[error(
        "there is a table or view `{table}` already that does not belong to `{projection}`; rename one of the two, or drop it, \
         if it is left over"
    )]
    TableTaken {
        /// The read model.
        projection: ProjectionId,
        /// The name that is taken.
        table: String,
    },
    /// A projection has another number of shards than it ran with, and they do not stand at one position.
    #[error(
        "`{projection}` ran with {found} shards and has {wanted} now; let them all come to one position first, by running it \
         to the end with {found}, or give it a new version"
    )]
    ShardsChanged {
        /// The projection.
        projection: ProjectionId,
        /// How many shards it ran with.
        found: u32,
        /// How many it has now.
        wanted: u32,
    },
    /// A projection of that name is of another kind.
    #[error("`{projection}` is stored as a {found}, and is a {wanted} now; give it another name")]
    KindChanged {
        /// The projection.
        projection: ProjectionId,
        /// What it was.
        found: String,
        /// What it is now.
        wanted: &'static str,
    },
    /// The store cannot change rows with its appends.
    #[error(
        "this store cannot change the rows of `{projection}` with its appends; run it with `read_model` instead of `inline_read_model`"
    )]
    NoInline {
        /// The read model.
        projection: ProjectionId,
    },
    /// The rows of a read model change with the appends, and engines run that keep it so; this program would not.
    #[error(
        "the rows of `{projection}` change with the appends of other programs that run, with `inline_read_model`, and this one \
         registers it with `read_model`: events that it handles would be refused here; end the others first, or pause it with \
         them and resume it when they are gone, or give it a new version"
    )]
    StillInline {
        /// The read model.
        projection: ProjectionId,
    },
    /// A read model that changes with the append was divided into shards.
    #[error("the rows of `{projection}` change with the append, so it has no shards; remove `.shards({shards})`")]
    InlineShards {
        /// The read model.
        projection: ProjectionId,
        /// Into how many it was divided.
        shards: u32,
    },
    /// A projection was divided into no shards.
    #[error("`{projection}` has no shards; set at least one with `.shards(1)`, or leave it out")]
    NoShards {
        /// The projection.
        projection: ProjectionId,
    },
    /// Something was set for what was registered last, and nothing was.
    #[error(
        "`.{what}(..)` is about what was registered before it, and nothing was; put it behind the projection that it is for"
    )]
    NothingToSet {
        /// What was called: `starting`, `policy` or `shards`.
        what: &'static str,
    },
    /// Two projections have one name.
    #[error("two projections are called `{name}`; give one of them another name")]
    NameTwice {
        /// The name.
        name: &'static str,
    },
}

/// How a column of a table differs from its field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnDifference {
    /// The struct has a field for which there is no column.
    Missing {
        /// The field.
        column: String,
        /// What it would be.
        wanted: String,
    },
    /// The table has a column for which there is no field.
    Extra {
        /// The column.
        column: String,
    },
    /// The column holds something else than the field.
    Other {
        /// The column.
        column: String,
        /// What it is in the table.
        found: String,
        /// What it is in the struct.
        wanted: String,
    },
}

impl fmt::Display for ColumnDifference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { column, wanted } => write!(formatter, "`{column}` ({wanted}) is not in the table"),
            Self::Extra { column } => write!(formatter, "`{column}` of the table is not in the struct"),
            Self::Other { column, found, wanted } => {
                write!(formatter, "`{column}` is {found} in the table and {wanted} in the struct")
            }
        }
    }
}

impl PrepareError {
    /// That handlers were changed of events that were passed; nothing where there were none. For stores, with what
    /// [`ProjectionSchema::changed_events`] found, as far as such events were passed.
    ///
    /// # Errors
    /// [`HandlersChanged`](Self::HandlersChanged), where any of these names is left.
    pub fn of_passed(schema: &ProjectionSchema, passed: Vec<String>) -> Result<(), Self> {
        if passed.is_empty() {
            return Ok(());
        }
        let (added, removed) = passed.into_iter().partition(|name| schema.handles(name));
        Err(Self::HandlersChanged { projection: schema.id, added, removed })
    }
}

fn changed(added: &[String], removed: &[String]) -> String {
    let names = |names: &[String], what: &str| {
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        (!names.is_empty()).then(|| format!("{} {what}", names.join(", ")))
    };
    names(added, "added").into_iter().chain(names(removed, "removed")).collect::<Vec<_>>().join(", ")
}

fn list(differences: &[ColumnDifference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
