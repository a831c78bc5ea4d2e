//! The rules of event handlers, beside those in [`rules`].

use syn::{ReturnType, spanned::Spanned as _};

use crate::{
    errors::Errors,
    handlers::{Block, Handler, Passing, rules},
    messages,
};

pub(super) fn validate(block: &Block, errors: &mut Errors) {
    rules::validate(block, errors);
    for handler in &block.handlers {
        takes_the_state(handler, errors);
        returns_nothing(handler, errors);
    }
}

/// An event changes the state: `&mut self`.
fn takes_the_state(handler: &Handler, errors: &mut Errors) {
    match &handler.receiver {
        None => errors.at(handler.name().span(), messages::event_handler_without_self(handler.name())),
        Some(receiver) if rules::receiver_passing(receiver) == Some(Passing::Exclusive) => {}
        Some(receiver) => errors.on(receiver, messages::event_handler_self()),
    }
}

/// An event is a fact and cannot be refused.
fn returns_nothing(handler: &Handler, errors: &mut Errors) {
    if let ReturnType::Type(_, ty) = &handler.signature.output
        && !rules::returns_nothing(&handler.signature.output)
    {
        errors.at(ty.span(), messages::event_handler_returns());
    }
}
