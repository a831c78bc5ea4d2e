//! The rules of an aggregate.

use proc_macro2::Span;
use syn::Data;

use super::model::{ATTRIBUTE, Aggregate, EVENT, EVERY, ID, NAME};
use crate::{errors::Errors, messages};

pub(super) fn validate(aggregate: &Aggregate, errors: &mut Errors) {
    is_not_a_union(aggregate, errors);
    has_no_lifetimes(aggregate, errors);
    says_name_id_and_event(aggregate, errors);
    if let Some(name) = &aggregate.name {
        name.validate(errors);
    }
    snapshots_have_an_interval(aggregate, errors);
    snapshots_are_of_one_type(aggregate, errors);
}

/// An aggregate is a struct or an enum.
fn is_not_a_union(aggregate: &Aggregate, errors: &mut Errors) {
    if let Data::Union(data) = &aggregate.input.data {
        errors.at(data.union_token.span, messages::aggregate_union(&aggregate.input.ident));
    }
}

/// An aggregate owns what it remembers.
fn has_no_lifetimes(aggregate: &Aggregate, errors: &mut Errors) {
    for lifetime in aggregate.input.generics.lifetimes() {
        errors.on(lifetime, messages::aggregate_lifetime());
    }
}

/// An aggregate has a stored name, a type of id, and a set of events.
fn says_name_id_and_event(aggregate: &Aggregate, errors: &mut Errors) {
    let Some(attribute) = aggregate.input.attrs.iter().find(|attribute| attribute.path().is_ident(ATTRIBUTE)) else {
        errors.at(Span::call_site(), messages::aggregate_without_attribute(&aggregate.input.ident));
        return;
    };
    let missing: Vec<_> =
        [NAME, ID, EVENT].into_iter().filter(|key| aggregate.entries.span(key.name).is_none()).collect();
    if !missing.is_empty() {
        errors.on(&attribute.meta, messages::aggregate_keys_missing(&aggregate.input.ident, &missing));
    }
}

/// A snapshot is kept every so many events, at least one.
fn snapshots_have_an_interval(aggregate: &Aggregate, errors: &mut Errors) {
    let Some(snapshot) = &aggregate.snapshot else { return };
    match snapshot.every {
        Some((0, span)) => errors.at(span, messages::snapshot_every_zero()),
        None if !snapshot.has_every => errors.at(snapshot.span, messages::snapshot_without_every(&EVERY)),
        _ => {}
    }
}

/// Snapshots of an aggregate with parameters do not say of which instance they are.
fn snapshots_are_of_one_type(aggregate: &Aggregate, errors: &mut Errors) {
    if let Some(snapshot) = &aggregate.snapshot
        && !aggregate.input.generics.params.is_empty()
    {
        errors.at(snapshot.span, messages::snapshot_of_a_generic(&aggregate.input.ident));
    }
}
