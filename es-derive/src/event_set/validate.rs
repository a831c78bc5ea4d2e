//! The rules of a set of events.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Data, Fields};

use super::model::EventSet;
use crate::{
    errors::Errors,
    messages::{self, retired},
    names, spans,
};

pub(super) fn validate(set: &EventSet, errors: &mut Errors) {
    is_an_enum(set, errors);
    is_not_generic(set, errors);
    has_events(set, errors);
    each_variant_holds_one_event(set, errors);
    each_event_has_one_variant(set, errors);
    each_name_is_retired_once(set, errors);
    for name in &set.retired {
        name.validate(errors);
    }
}

/// A set is an enum.
fn is_an_enum(set: &EventSet, errors: &mut Errors) {
    let span = match &set.input.data {
        Data::Enum(_) => return,
        Data::Struct(data) => data.struct_token.span,
        Data::Union(data) => data.union_token.span,
    };
    errors.at(span, messages::set_not_an_enum(&set.input.ident));
}

/// A set has no parameters.
fn is_not_generic(set: &EventSet, errors: &mut Errors) {
    if !set.input.generics.params.is_empty() {
        errors.on(&set.input.generics, messages::set_generic(&set.input.ident));
    }
}

/// A set has at least one event.
fn has_events(set: &EventSet, errors: &mut Errors) {
    if let Data::Enum(data) = &set.input.data
        && data.variants.is_empty()
    {
        errors.at(set.input.ident.span(), messages::set_empty(&set.input.ident));
    }
}

/// Each variant is `Name(Event)`: the event is a struct of its own, because it is stored under its own name.
fn each_variant_holds_one_event(set: &EventSet, errors: &mut Errors) {
    for variant in set.all_variants() {
        match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {}
            fields => {
                let event = names::event_of_variant(&set.input.ident, &variant.ident);
                let message = messages::variant_without_event(&variant.ident, &event, fields);
                errors.on(Shown(variant), message);
            }
        }
    }
}

/// A variant without its attributes and documentation, to be underlined.
struct Shown<'a>(&'a syn::Variant);

impl ToTokens for Shown<'_> {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.ident.to_tokens(tokens);
        self.0.fields.to_tokens(tokens);
    }
}

/// No event is in two variants: it would be unclear which of them is meant.
fn each_event_has_one_variant(set: &EventSet, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for variant in set.variants() {
        let event = variant.event.to_token_stream().to_string();
        if !seen.insert(event) {
            errors.at(spans::name_of(variant.event), messages::variant_repeated(variant.event));
        }
    }
}

/// No name is retired twice. That none of them is the name of an event still is a constant assertion.
fn each_name_is_retired_once(set: &EventSet, errors: &mut Errors) {
    let mut seen = HashSet::new();
    for name in &set.retired {
        if !seen.insert(&name.text) {
            errors.at(name.span, retired::twice(&name.text));
        }
    }
}
