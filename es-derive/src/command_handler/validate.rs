//! The rules of command handlers, beside those in [`rules`].

use syn::ReturnType;

use super::OR_DEFAULT;
use crate::{
    errors::Errors,
    handlers::{Block, Handler, Passing, rules},
    messages,
};

pub(super) fn validate(block: &Block, errors: &mut Errors) {
    rules::validate(block, errors);
    for handler in &block.handlers {
        only_looks_at_the_state(handler, errors);
        needs_a_state_to_default(handler, errors);
        returns_something(handler, errors);
    }
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
