//! The rules of an id.

use super::model::AggregateId;
use crate::{errors::Errors, messages};

pub(super) fn validate(id: &AggregateId, errors: &mut Errors) {
    is_a_newtype(id, errors);
    is_not_generic(id, errors);
}

/// An id is a struct with one unnamed field.
fn is_a_newtype(id: &AggregateId, errors: &mut Errors) {
    if id.inner().is_none() {
        errors.at(id.input.ident.span(), messages::id_not_a_newtype(&id.input.ident));
    }
}

/// An id has no parameters.
fn is_not_generic(id: &AggregateId, errors: &mut Errors) {
    if !id.input.generics.params.is_empty() {
        errors.on(&id.input.generics, messages::id_generic(&id.input.ident));
    }
}
