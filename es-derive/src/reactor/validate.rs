//! The rules of a reactor.

use proc_macro2::Span;

use super::model::{ATTRIBUTE, NAME, Reactor};
use crate::{errors::Errors, messages::projection as messages};

pub(super) fn validate(reactor: &Reactor, errors: &mut Errors) {
    is_nothing_else(reactor, errors);
    is_not_generic(reactor, errors);
    says_its_name(reactor, errors);
    if let Some(name) = &reactor.name {
        name.validate(errors);
    }
    reactor.running.validate(errors);
}

/// A type is one thing: its block of handlers is that of one.
fn is_nothing_else(reactor: &Reactor, errors: &mut Errors) {
    if let Some(other) = reactor.other_role() {
        errors.on(&other.meta, messages::reactor_is_something_else(&reactor.input.ident));
    }
}

/// A reactor has no parameters: it is stored under one name.
fn is_not_generic(reactor: &Reactor, errors: &mut Errors) {
    if !reactor.input.generics.params.is_empty() {
        errors.on(&reactor.input.generics, messages::generic("reactor", &reactor.input.ident));
    }
}

/// A reactor has a stored name.
fn says_its_name(reactor: &Reactor, errors: &mut Errors) {
    let Some(attribute) = reactor.input.attrs.iter().find(|attribute| attribute.path().is_ident(ATTRIBUTE)) else {
        errors.at(Span::call_site(), messages::without_attribute(ATTRIBUTE, &reactor.input.ident));
        return;
    };
    if reactor.entries.span(NAME.name).is_none() {
        errors.on(&attribute.meta, messages::key_missing(&NAME));
    }
}
