//! The rules of a projection.

use proc_macro2::Span;

use super::model::{ATTRIBUTE, NAME, Projection};
use crate::{errors::Errors, messages::projection as messages, version};

pub(super) fn validate(projection: &Projection, errors: &mut Errors) {
    is_not_generic(projection, errors);
    says_its_name(projection, errors);
    if let Some(name) = &projection.name {
        name.validate(errors);
    }
    version::counts_from_one(projection.version, errors);
    projection.running.validate(errors);
}

/// A projection has no parameters: it is stored under one name.
fn is_not_generic(projection: &Projection, errors: &mut Errors) {
    if !projection.input.generics.params.is_empty() {
        errors.on(&projection.input.generics, messages::generic("projection", &projection.input.ident));
    }
}

/// A projection has a stored name.
fn says_its_name(projection: &Projection, errors: &mut Errors) {
    let Some(attribute) = projection.input.attrs.iter().find(|attribute| attribute.path().is_ident(ATTRIBUTE)) else {
        errors.at(Span::call_site(), messages::without_attribute(ATTRIBUTE, &projection.input.ident));
        return;
    };
    if projection.entries.span(NAME.name).is_none() {
        errors.on(&attribute.meta, messages::key_missing(&NAME));
    }
}
