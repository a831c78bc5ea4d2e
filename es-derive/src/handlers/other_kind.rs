//! The wrong attribute above a block: whether all of its functions look like handlers of the other kind.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use super::{Block, Handler, Kind, Passing, rules};
use crate::{command_handler, event_handler, messages};

/// What is written for a block that has the other kind of handlers: the message, and what the other attribute writes, so
/// that nothing else complains.
pub(super) fn instead(block: &Block, arguments: TokenStream, item: &TokenStream) -> Option<TokenStream> {
    let (is_other, other): (fn(&Handler) -> bool, _) = match block.kind {
        Kind::Event => (decides, Kind::Command),
        Kind::Command => (changes_the_state, Kind::Event),
    };
    if block.handlers.is_empty() || !block.handlers.iter().all(is_other) {
        return None;
    }
    let message = messages::command::other_kind(block.kind, other);
    let error = syn::Error::new(Span::call_site(), message).to_compile_error();
    let expansion = match other {
        Kind::Event => event_handler::attribute(arguments, item),
        Kind::Command => command_handler::attribute(arguments, item),
    };
    Some(quote!(#error #expansion))
}

/// `fn opened(&mut self, event: &AccountOpened)`
fn changes_the_state(handler: &Handler) -> bool {
    let takes = handler.receiver.as_ref().and_then(rules::receiver_passing);
    takes == Some(Passing::Exclusive) && rules::returns_nothing(&handler.signature.output)
}

/// `fn open(command: OpenAccount) -> Result<AccountOpened, Error>`, or with `&self`. Those that wait for something are
/// handlers of a projection.
fn decides(handler: &Handler) -> bool {
    let takes = handler.receiver.as_ref().map(rules::receiver_passing);
    let is_sync = handler.signature.asyncness.is_none();
    let may_be_async = event_handler::may_be_async(&handler.signature.output);
    is_sync && !may_be_async && matches!(takes, None | Some(Some(Passing::Shared)))
}
