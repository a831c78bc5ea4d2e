//! The rules of a projection.

use proc_macro2::Span;

use super::model::{ATTRIBUTE, NAME, Projection};
use crate::{errors::Errors, messages::projection as messages};

pub(super) fn validate(projection: &Projection, errors: &mut Errors) {
    is_not_generic(projection, errors);
    says_its_name(projection, errors);
    if let Some(name) = &projection.name {
        name.validate(errors);
    }
    has_a_version_that_counts_from_one(projection.version, errors);
}

/// A projection has no parameters: it is stored under one name.
fn is_not_generic(projection: &Projection, errors: &mut Errors) {
    if !projection.input.generics.params.is_empty() {
        errors.on(&projection.input.generics, messages::projection_generic(&projection.input.ident));
    }
}

/// A projection has a stored name.
fn says_its_name(projection: &Projection, errors: &mut Errors) {
    let Some(attribute) = projection.input.attrs.iter().find(|attribute| attribute.path().is_ident(ATTRIBUTE)) else {
        errors.at(Span::call_site(), messages::projection_without_attribute(&projection.input.ident));
        return;
    };
    if projection.entries.span(NAME.name).is_none() {
        errors.on(&attribute.meta, messages::key_missing(&NAME));
    }
}

/// Versions count from 1, and a stored version is a 32-bit number.
pub(crate) fn has_a_version_that_counts_from_one(version: Option<(u64, Span)>, errors: &mut Errors) {
    if let Some((number, span)) = version
        && (number == 0 || number > u64::from(u32::MAX))
    {
        errors.at(span, messages::version_out_of_range(number));
    }
}
