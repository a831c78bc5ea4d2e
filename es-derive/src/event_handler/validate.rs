//! The rules of event handlers, beside those in [`rules`].

use std::collections::HashSet;

use quote::ToTokens as _;
use syn::{FnArg, Ident, Pat, Type};

use super::{COVERS, IGNORE, keys};
use crate::{
    errors::Errors,
    handlers::{Block, Handler, Passing, rules},
    messages::{self, event_handler},
    spans,
};

pub(super) fn validate(block: &Block, errors: &mut Errors) {
    rules::validate(block, errors);
    let mixed = is_async_or_not(block, errors);
    for handler in block.handlers.iter().filter(|_| !mixed) {
        if handler.is_async() {
            takes_the_projection(handler, errors);
            takes_event_envelope_and_context(handler, errors);
            has_one_key(handler, errors);
        } else {
            takes_the_state(handler, errors);
        }
    }
    keys_are_of_event_and_envelope(block, errors);
    says_the_key_of_several_sets(block, errors);
    has_one_context(block, errors);
    has_one_handler_for_each_event(block, errors);
    names_each_once(block, COVERS.name, errors);
    names_each_once(block, IGNORE.name, errors);
    ignores_nothing_that_it_handles(block, errors);
    ignores_only_what_is_covered(block, errors);
}

/// The handlers of a projection or a reactor are all `async`, those of an aggregate or a read model are not. The answer is whether
/// they are mixed: then it is not known what else they should be.
fn is_async_or_not(block: &Block, errors: &mut Errors) -> bool {
    let is_async = |handler: &&Handler| handler.is_async();
    let count = block.handlers.iter().filter(is_async).count();
    let mixed = count > 0 && count < block.handlers.len();
    // What most of them are is what they were meant to be.
    let most_are_async = count * 2 > block.handlers.len();
    for handler in block.handlers.iter().filter(|handler| mixed && handler.is_async() != most_are_async) {
        match &handler.signature.asyncness {
            Some(token) => errors.at(token.span, event_handler::async_and_not()),
            None => errors.at(handler.name().span(), event_handler::not_async(handler.name())),
        }
    }
    mixed
}

/// An event changes the state: `&mut self`.
fn takes_the_state(handler: &Handler, errors: &mut Errors) {
    match &handler.receiver {
        None => errors.at(handler.name().span(), event_handler::without_self(handler.name())),
        Some(receiver) if rules::receiver_passing(receiver) == Some(Passing::Exclusive) => {}
        Some(receiver) => errors.on(receiver, event_handler::receiver()),
    }
}

/// A projection is shared by what runs it: `&self`.
fn takes_the_projection(handler: &Handler, errors: &mut Errors) {
    match &handler.receiver {
        None => errors.at(handler.name().span(), event_handler::async_without_self(handler.name())),
        Some(receiver) if rules::receiver_passing(receiver) == Some(Passing::Shared) => {}
        Some(receiver) => errors.on(receiver, event_handler::async_receiver()),
    }
}

/// The event, then `&Envelope`, then `&mut Context`; the last two may be left out.
fn takes_event_envelope_and_context(handler: &Handler, errors: &mut Errors) {
    let mut may_follow = [Passing::Shared, Passing::Exclusive].as_slice();
    for argument in handler.arguments.iter().skip(1) {
        match may_follow.iter().position(|passing| *passing == argument.passing) {
            Some(index) => may_follow = &may_follow[index + 1..],
            None => errors.on(&argument.written, event_handler::async_shapes()),
        }
    }
}

/// An event of a projection or a reactor belongs to one line of events.
fn has_one_key(handler: &Handler, errors: &mut Errors) {
    for second in handler.keys.iter().skip(1) {
        errors.on(second, messages::projection::several_keys());
    }
}

/// `#[key(..)]` stands above the handler, and so knows none of its arguments.
fn keys_are_of_event_and_envelope(block: &Block, errors: &mut Errors) {
    for handler in &block.handlers {
        let arguments: Vec<_> = handler.signature.inputs.iter().filter_map(argument_name).collect();
        for key in &handler.keys {
            if let Some(unknown) = keys::unknown_name(key, &arguments) {
                errors.at(unknown.span(), messages::projection::key_of_unknown_name(&unknown));
            }
        }
    }
}

fn argument_name(argument: &FnArg) -> Option<&Ident> {
    match argument {
        FnArg::Typed(argument) => match &*argument.pat {
            Pat::Ident(name) => Some(&name.ident),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    }
}

/// The streams of several sets have ids of several kinds, and any text is a key: so it is said which of them are keys.
fn says_the_key_of_several_sets(block: &Block, errors: &mut Errors) {
    let sets = block.entries.types(COVERS.name);
    let several = sets.iter().map(text).collect::<HashSet<_>>().len() > 1;
    if !several || block.is_async() {
        return;
    }
    for handler in block.handlers.iter().filter(|handler| handler.keys.is_empty() && handler.keyed_by_stream.is_none())
    {
        errors.at(handler.name().span(), messages::projection::key_of_several_sets(handler.name(), sets));
    }
}

/// All handlers of a projection take one context, since they are run in one. It is written the same way everywhere: the
/// macro cannot know whether two names mean one type.
fn has_one_context(block: &Block, errors: &mut Errors) {
    let mut contexts = block.handlers.iter().filter_map(|handler| Some((handler, handler.context()?)));
    let Some((first, context)) = contexts.next() else { return };
    for (_, other) in contexts.filter(|(_, other)| text(&other.ty) != text(&context.ty)) {
        errors.on(&other.written, event_handler::another_context(&other.ty, first.name(), &context.ty));
    }
}

/// An event has one handler. Under another name of the event the compiler says so.
fn has_one_handler_for_each_event(block: &Block, errors: &mut Errors) {
    let mut handled = HashSet::new();
    for handler in block.handlers.iter().filter(|handler| handler.cfgs.is_empty()) {
        if let Some(event) = handler.subject()
            && !handled.insert(text(&event.ty))
        {
            errors.at(event.span(), event_handler::handled_twice(&event.ty));
        }
    }
}

/// No set is covered twice, and no event is ignored twice.
fn names_each_once(block: &Block, key: &str, errors: &mut Errors) {
    let mut named = HashSet::new();
    for ty in block.entries.types(key) {
        if !named.insert(text(ty)) {
            errors.at(spans::name_of(ty), event_handler::named_twice(key, ty));
        }
    }
}

/// What has a handler is not ignored.
fn ignores_nothing_that_it_handles(block: &Block, errors: &mut Errors) {
    let handled: HashSet<_> =
        block.handlers.iter().filter_map(Handler::subject).map(|subject| text(&subject.ty)).collect();
    for event in block.entries.types(IGNORE.name) {
        if handled.contains(&text(event)) {
            errors.at(spans::name_of(event), event_handler::ignored_and_handled(event));
        }
    }
}

/// A projection ignores events of the sets that it covers.
fn ignores_only_what_is_covered(block: &Block, errors: &mut Errors) {
    if let Some(span) = block.entries.span(IGNORE.name)
        && block.is_async()
        && block.entries.span(COVERS.name).is_none()
    {
        errors.at(span, event_handler::ignore_without_covers());
    }
}

/// A type as text, to hold it against others.
fn text(ty: &Type) -> String {
    ty.to_token_stream().to_string()
}
