//! The rules of an event.

use syn::{Data, Fields, spanned::Spanned as _};

use super::model::Event;
use crate::{
    errors::Errors,
    messages::{self, version},
};

pub(super) fn validate(event: &Event, errors: &mut Errors) {
    is_a_struct_with_named_fields(event, errors);
    is_not_generic(event, errors);
    crate::version::counts_from_one(event.version, errors);
    says_how_earlier_versions_are_read(event, errors);
    has_nothing_before_the_first_version(event, errors);
    does_not_end_and_go_on(event, errors);
    has_an_oldest_that_exists(event, errors);
    has_steps_without_a_gap(event, errors);
    does_not_promise_what_nothing_reads(event, errors);
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

/// From version 2 on, something says how the version before is read.
fn says_how_earlier_versions_are_read(event: &Event, errors: &mut Errors) {
    let version = event.version();
    let says = event.previous.is_some() || event.upcast_span.is_some() || event.oldest.is_some();
    if let Some((_, span)) = event.version
        && version > 1
        && !says
    {
        errors.at(span, version::without_previous(version, &event.input.ident));
    }
}

/// Before version 1 there is nothing.
fn has_nothing_before_the_first_version(event: &Event, errors: &mut Errors) {
    if event.version() > 1 || event.version.is_some_and(|(version, _)| version == 0) {
        return;
    }
    if let Some(previous) = &event.previous {
        errors.on(previous, version::first_with("previous"));
    }
    if let Some(span) = event.upcast_span {
        errors.at(span, version::first_with("upcast"));
    }
}

/// `oldest` ends the chain, and `previous` goes on with it: one of the two.
fn does_not_end_and_go_on(event: &Event, errors: &mut Errors) {
    if let (Some(_), Some((_, span))) = (&event.previous, event.oldest) {
        errors.at(span, version::oldest_with_previous());
    }
}

/// The oldest version that is read is one that there was.
fn has_an_oldest_that_exists(event: &Event, errors: &mut Errors) {
    if let Some((oldest, span)) = event.oldest
        && (oldest == 0 || oldest > event.version())
    {
        errors.at(span, version::oldest_out_of_range(oldest, event.version()));
    }
}

/// The steps over JSON lead from their first version to the present one, each once and in order. Where they begin is
/// checked here if nothing comes before them, and by a constant assertion where the previous type does.
fn has_steps_without_a_gap(event: &Event, errors: &mut Errors) {
    let Some(first) = event.upcast.first().filter(|_| event.version() > 1) else { return };
    let begin = match (&event.previous, event.oldest) {
        (Some(_), _) => first.number,
        (None, Some((oldest, _))) => oldest,
        (None, None) => 1,
    };
    let mut expected = begin;
    for step in &event.upcast {
        if step.number >= event.version() {
            errors.at(step.span, version::step_from_the_present(step.number, event.version()));
            return;
        }
        if step.number != expected {
            errors.at(step.span, version::step_expected(expected, step.number));
            return;
        }
        expected += 1;
    }
    if expected != event.version()
        && let Some(last) = event.upcast.last()
    {
        errors.at(last.span, version::steps_end_early(expected, event.version()));
    }
}

/// Without steps and without a previous type, the chain ends at the present version.
fn does_not_promise_what_nothing_reads(event: &Event, errors: &mut Errors) {
    if let Some((oldest, span)) = event.oldest
        && event.previous.is_none()
        && event.upcast_span.is_none()
        && oldest < event.version()
        && oldest > 0
    {
        errors.at(span, version::oldest_without_steps(oldest, event.version()));
    }
}
