//! The rules of a read model.

use proc_macro2::Span;
use syn::{Data, Fields};

use super::model::{ATTRIBUTE, Column, HOLDS, INDEX, ReadModel, SQL, TABLE};
use crate::{errors::Errors, messages::projection as messages, version};

/// The longest name that databases do not cut off.
const MOST_OF_A_NAME: usize = 63;
/// The longest name of a table: each version has a table of its own, with `_v4294967295` behind the name at most.
const MOST_OF_A_TABLE: usize = 51;

pub(super) fn validate(read_model: &ReadModel, errors: &mut Errors) {
    let is_a_struct = is_a_struct_with_named_fields(read_model, errors);
    is_not_generic(read_model, errors);
    says_its_table(read_model, errors);
    has_a_table_that_databases_take(read_model, errors);
    version::counts_from_one(read_model.version, errors);
    read_model.running.validate(errors);
    if is_a_struct {
        has_one_key(read_model, errors);
    }
    for column in &read_model.columns {
        has_a_name_that_databases_take(column, errors);
        holds_one_thing(column, errors);
        holds_a_type_with_a_name(column, errors);
        has_one_index(column, errors);
    }
}

/// A read model is a struct with named fields: they are the columns of its table.
fn is_a_struct_with_named_fields(read_model: &ReadModel, errors: &mut Errors) -> bool {
    let named = matches!(&read_model.input.data, Data::Struct(data) if matches!(data.fields, Fields::Named(_)));
    if !named {
        errors.at(read_model.input.ident.span(), messages::read_model_not_a_struct(&read_model.input.ident));
    }
    named
}

/// A read model has no parameters: it has one table.
fn is_not_generic(read_model: &ReadModel, errors: &mut Errors) {
    if !read_model.input.generics.params.is_empty() {
        errors.on(&read_model.input.generics, messages::read_model_generic(&read_model.input.ident));
    }
}

/// A read model has a table.
fn says_its_table(read_model: &ReadModel, errors: &mut Errors) {
    let Some(attribute) = read_model.input.attrs.iter().find(|attribute| attribute.path().is_ident(ATTRIBUTE)) else {
        errors.at(Span::call_site(), messages::read_model_without_attribute(&read_model.input.ident));
        return;
    };
    if read_model.entries.span(TABLE.name).is_none() {
        errors.on(&attribute.meta, messages::key_missing(&TABLE));
    }
}

/// The table's name is one that every database takes as it is, with the version behind it.
fn has_a_table_that_databases_take(read_model: &ReadModel, errors: &mut Errors) {
    let Some(table) = &read_model.table else { return };
    let name = table.value();
    if name.len() > MOST_OF_A_TABLE || !is_plain(&name) || name.starts_with('_') {
        errors.at(table.span(), messages::table_name(&name));
    }
}

/// One field is the key.
fn has_one_key(read_model: &ReadModel, errors: &mut Errors) {
    let mut keys = read_model.columns.iter().filter_map(Column::key);
    if keys.next().is_none() {
        errors.at(read_model.input.ident.span(), messages::no_key(&read_model.input.ident));
    }
    for second in keys {
        errors.at(second, messages::second_key());
    }
}

/// The column's name is one that every database takes as it is.
fn has_a_name_that_databases_take(column: &Column, errors: &mut Errors) {
    let name = column.name();
    if name.len() > MOST_OF_A_NAME || !is_plain(&name) {
        errors.at(column.field.span(), messages::column_name(&name));
    }
}

/// What a column holds is said once.
fn holds_one_thing(column: &Column, errors: &mut Errors) {
    let mut said = HOLDS.iter().filter_map(|key| Some((key.name, column.entries.span(key.name)?)));
    let Some((first, _)) = said.next() else { return };
    for (second, span) in said {
        errors.at(span, messages::columns_conflict(first, second));
    }
}

/// A type of the database has a name.
fn holds_a_type_with_a_name(column: &Column, errors: &mut Errors) {
    if let Some(sql) = column.entries.text(SQL.name)
        && sql.value().trim().is_empty()
    {
        errors.at(sql.span(), messages::sql_type_empty());
    }
}

/// The key has an index as it is.
fn has_one_index(column: &Column, errors: &mut Errors) {
    if let Some(span) = column.entries.span(INDEX.name)
        && column.key().is_some()
    {
        errors.at(span, messages::index_of_key());
    }
}

/// Small letters, digits and `_`, and no digit at the beginning: what databases neither fold nor want in quotes.
fn is_plain(name: &str) -> bool {
    let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
    !name.is_empty() && name.chars().all(plain) && !name.starts_with(|first: char| first.is_ascii_digit())
}
