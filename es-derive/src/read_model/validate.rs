//! The rules of a read model.

use proc_macro2::Span;
use syn::{Data, Fields};

use super::model::{ATTRIBUTE, ReadModel, TABLE};
use crate::{errors::Errors, messages::projection as messages, version};

pub(super) fn validate(read_model: &ReadModel, errors: &mut Errors) {
    let is_a_struct = is_a_struct_with_named_fields(read_model, errors);
    is_not_generic(read_model, errors);
    says_its_table(read_model, errors);
    has_a_table_that_databases_take(read_model, errors);
    version::counts_from_one(read_model.version, errors);
    if is_a_struct {
        has_one_key(read_model, errors);
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

/// The table's name is one that every database takes as it is.
fn has_a_table_that_databases_take(read_model: &ReadModel, errors: &mut Errors) {
    let Some(table) = &read_model.table else { return };
    let name = table.value();
    let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '_';
    if name.len() > 63 || !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.chars().all(plain) {
        errors.at(table.span(), messages::table_name(&name));
    }
}

/// One field is the key.
fn has_one_key(read_model: &ReadModel, errors: &mut Errors) {
    let mut keys = read_model.keys.iter().flatten();
    if keys.next().is_none() {
        errors.at(read_model.input.ident.span(), messages::no_key(&read_model.input.ident));
    }
    for second in keys {
        errors.at(*second, messages::second_key());
    }
}
