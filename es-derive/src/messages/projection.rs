//! The messages about projections and read models.

use syn::Ident;

use crate::attributes::Key;

/// UI: `malformed/read_model_without_attribute.rs`
pub(crate) fn read_model_without_attribute(ident: &Ident) -> String {
    format!("`{ident}` does not say in which table its rows are\nwrite `#[read_model(table = \"..\")]` above it")
}

/// UI: `malformed/projection_without_attribute.rs`
pub(crate) fn projection_without_attribute(ident: &Ident) -> String {
    format!("`{ident}` does not say its stored name\nwrite `#[projection(name = \"..\")]` above it")
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

/// UI: `shape/projection_generic.rs`
pub(crate) fn projection_generic(ident: &Ident) -> String {
    format!("a projection is not generic\nwrite `struct {ident} {{ .. }}`; it has one stored name")
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
        "\"{found}\" is no name of a table\nwrite 1 to 63 small letters, digits and `_`, beginning with a letter; databases cut off or fold the rest"
    )
}
