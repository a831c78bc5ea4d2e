//! The rules of an event.

use syn::{Data, Fields, spanned::Spanned as _};

use super::model::Event;
use crate::{errors::Errors, messages};

pub(super) fn validate(event: &Event, errors: &mut Errors) {
    is_a_struct_with_named_fields(event, errors);
    is_not_generic(event, errors);
    has_the_first_version(event, errors);
    event.name.validate(errors);
}

/// An event is a struct with named fields: its stored form is an object, to which fields can be added.
fn is_a_struct_with_named_fields(event: &Event, errors: &mut Errors) {
    let ident = &event.input.ident;
    match &event.input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(_) => {}
            Fields::Unnamed(fields) => errors.at(fields.span(), messages::event_tuple_struct(ident)),
            Fields::Unit => errors.at(ident.span(), messages::event_unit_struct(ident)),
        },
        Data::Enum(data) => errors.at(data.enum_token.span, messages::event_enum(ident)),
        Data::Union(data) => errors.at(data.union_token.span, messages::event_union(ident)),
    }
}

/// An event has no parameters: it is stored under one name, in one form.
fn is_not_generic(event: &Event, errors: &mut Errors) {
    if !event.input.generics.params.is_empty() {
        errors.on(&event.input.generics, messages::event_generic(&event.input.ident));
    }
}

/// There is version 1 only.
fn has_the_first_version(event: &Event, errors: &mut Errors) {
    if let Some((number, span)) = event.version
        && number != 1
    {
        errors.at(span, messages::event_version(number, &event.input.ident));
    }
}
