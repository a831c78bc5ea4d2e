//! The rules of command handlers, beside those in [`rules`].

use std::collections::HashSet;

use quote::ToTokens as _;
use syn::{PathSegment, ReturnType, Type};

use super::OR_DEFAULT;
use crate::{
    errors::Errors,
    handlers::{Argument, Block, Handler, Passing, rules},
    messages,
};

pub(super) fn validate(block: &Block, errors: &mut Errors) {
    rules::validate(block, errors);
    for handler in &block.handlers {
        only_looks_at_the_state(handler, errors);
        needs_a_state_to_default(handler, errors);
        returns_something(handler, errors);
        context_says_its_aggregate(handler, errors);
    }
    each_command_has_one_handler(block, errors);
}

/// A decision looks at the state, `&self`, or begins a stream, without `self`; it changes nothing.
fn only_looks_at_the_state(handler: &Handler, errors: &mut Errors) {
    if let Some(receiver) = &handler.receiver
        && rules::receiver_passing(receiver) != Some(Passing::Shared)
    {
        errors.on(receiver, messages::command_handler_self());
    }
}

/// `or_default` is for handlers that look at the state.
fn needs_a_state_to_default(handler: &Handler, errors: &mut Errors) {
    if let Some(span) = handler.mark.span(OR_DEFAULT.name)
        && handler.receiver.is_none()
    {
        errors.at(span, messages::or_default_without_self());
    }
}

/// A decision answers with events or a refusal.
fn returns_something(handler: &Handler, errors: &mut Errors) {
    if matches!(handler.signature.output, ReturnType::Default) {
        errors.at(handler.name().span(), messages::command_handler_without_result(handler.name()));
    }
}

/// `&CommandContext<'_, Self>`, not `&CommandContext`.
fn context_says_its_aggregate(handler: &Handler, errors: &mut Errors) {
    if let Some(context) = handler.surroundings().and_then(|argument| bare_context(&argument.ty)) {
        errors.at(context.ident.span(), messages::command::context_without_aggregate());
    }
}

/// The `CommandContext` of a type that is written without what stands behind it.
pub(super) fn bare_context(ty: &Type) -> Option<&PathSegment> {
    let Type::Path(path) = ty else { return None };
    path.path.segments.last().filter(|last| last.ident == "CommandContext" && last.arguments.is_none())
}

/// No two handlers are for one command. The compiler sees that too, but here it is said in our words.
fn each_command_has_one_handler(block: &Block, errors: &mut Errors) {
    for subject in repeated(block).filter_map(Handler::subject) {
        errors.at(subject.span(), messages::command::command_repeated(&subject.ty));
    }
}

/// The handlers whose command an earlier one has. With `#[cfg(..)]` above them only one may be left.
pub(super) fn repeated(block: &Block) -> impl Iterator<Item = &Handler> {
    let mut commands = HashSet::new();
    let mut is_new = move |subject: &Argument| commands.insert(subject.ty.to_token_stream().to_string());
    block
        .handlers
        .iter()
        .filter(move |handler| handler.cfgs.is_empty() && handler.subject().is_some_and(|subject| !is_new(subject)))
}
