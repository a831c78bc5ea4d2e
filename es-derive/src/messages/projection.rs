//! The messages about projections and read models.

use syn::{Ident, Type};

use crate::{attributes::Key, source::source};

/// UI: `malformed/read_model_without_attribute.rs`
pub(crate) fn read_model_without_attribute(ident: &Ident) -> String {
    format!("`{ident}` does not say in which table its rows are\nwrite `#[read_model(table = \"..\")]` above it")
}

/// UI: `malformed/projection_without_attribute.rs`, `malformed/reactor_without_attribute.rs`
pub(crate) fn without_attribute(attribute: &str, ident: &Ident) -> String {
    format!("`{ident}` does not say its stored name\nwrite `#[{attribute}(name = \"..\")]` above it")
}

/// UI: `conflict/reactor_and_projection.rs`
pub(crate) fn reactor_is_something_else(ident: &Ident) -> String {
    format!(
        "`{ident}` is a reactor, and cannot be something else too\nwrite a type for each of the two; a type has one block of handlers"
    )
}

/// UI: `malformed/reactor_version.rs`
pub(crate) fn reactor_version() -> String {
    "a reactor has no version\nremove `version`; nothing replays a reactor, because what it did outside of the store, such as a mail, cannot be taken back"
        .to_owned()
}

/// UI: `malformed/shards.rs`
pub(crate) fn shards(found: u64, most: u64) -> String {
    format!(
        "there cannot be {found} shards\nwrite a number from 1 to {most}; each shard is a checkpoint of its own, and a process that runs several wants a few of them"
    )
}

/// UI: `malformed/read_model_key_missing.rs`, `malformed/projection_key_missing.rs`
pub(crate) fn key_missing(key: &Key) -> String {
    format!("`{}` is missing\nadd `{}`", key.name, key.example)
}

/// UI: `shape/read_model.rs`
pub(crate) fn read_model_not_a_struct(ident: &Ident) -> String {
    format!(
        "a read model is a struct with named fields\nwrite `struct {ident} {{ .. }}`; the fields are the columns of its table"
    )
}

/// UI: `shape/read_model_generic.rs`
pub(crate) fn read_model_generic(ident: &Ident) -> String {
    format!("a read model is not generic\nwrite `struct {ident} {{ .. }}`; it has one table")
}

/// UI: `shape/projection_generic.rs`, `shape/reactor_generic.rs`
pub(crate) fn generic(noun: &str, ident: &Ident) -> String {
    format!("a {noun} is not generic\nwrite `struct {ident} {{ .. }}`; it has one stored name")
}

/// UI: `malformed/read_model_no_key.rs`
pub(crate) fn no_key(ident: &Ident) -> String {
    format!(
        "no field of `{ident}` is its key\nwrite `#[read_model(key)]` above the field that tells one row from another"
    )
}

/// UI: `duplicate/read_model_key.rs`
pub(crate) fn second_key() -> String {
    "an earlier field is the key already\nremove `#[read_model(key)]` from one of the two; a row has one key".to_owned()
}

/// UI: `malformed/table.rs`
pub(crate) fn table_name(found: &str) -> String {
    format!(
        "\"{found}\" is no name of a table\nwrite 1 to 51 small letters, digits and `_`, beginning with a letter; databases cut off or fold the rest, and behind it comes the version"
    )
}

/// UI: `malformed/column.rs`
pub(crate) fn column_name(found: &str) -> String {
    format!(
        "\"{found}\" is no name of a column\nrename the field: 1 to 63 small letters, digits and `_`; databases cut off or fold the rest"
    )
}

/// UI: `malformed/column.rs`
pub(crate) fn sql_type_empty() -> String {
    "a type of the database cannot be empty\nwrite its name, such as `sql = \"inet\"`".to_owned()
}

/// UI: `conflict/columns.rs`
pub(crate) fn columns_conflict(first: &str, second: &str) -> String {
    format!("the column is kept as `{first}` already, and cannot be `{second}` too\nremove one of the two")
}

/// UI: `conflict/columns.rs`
pub(crate) fn index_of_key() -> String {
    "the key has an index anyway\nremove `index`".to_owned()
}

/// UI: `shape/row_key_nullable.rs`
pub(crate) fn key_nullable(ty: &Type) -> String {
    format!(
        "`{}` may be empty, and cannot be the key of a read model: write a type that always has a value; without a key a row is none",
        source(ty)
    )
}

/// UI: `malformed/key_of_event.rs`
pub(crate) fn key_of_nothing() -> String {
    "`#[key]` does not say the key\nwrite `#[key(event.customer_id)]`, or several keys with commas between them; without `#[key(..)]` it is the stream"
        .to_owned()
}

/// UI: `malformed/key_of_unknown_name.rs`
pub(crate) fn key_of_unknown_name(name: &Ident) -> String {
    format!(
        "`#[key(..)]` knows no `{name}`\nwrite `event` for the event and `envelope` for what is known about it, whatever the handler calls its arguments, such as `#[key(event.customer_id)]`; or `#[key(stream)]` alone, for the id of the stream"
    )
}

/// UI: `projection/several_sets.rs`
pub(crate) fn key_of_several_sets(name: &Ident, sets: &[Type]) -> String {
    let sets: Vec<_> = sets.iter().map(|set| format!("`{}`", source(set))).collect();
    format!(
        "it is not said to which row the event of `{name}` belongs\nwrite `#[key(stream)]` above it if the id of its stream is the key of the row, or `#[key(event.customer_id)]` if the event knows the key: the events of {} come from different streams, whose ids need not be keys of this read model",
        sets.join(" and ")
    )
}

/// UI: `malformed/key_of_event.rs`
pub(crate) fn key_repeated() -> String {
    "a handler has one `#[key(..)]`\nput all keys into the first: `#[key(event.from, event.to)]`".to_owned()
}

/// UI: `projection/several_keys.rs`
pub(crate) fn several_keys() -> String {
    "an event of a projection or a reactor has one key\nremove the others; events with the same key are handled in their order, and only a read model has a row for each of several".to_owned()
}
