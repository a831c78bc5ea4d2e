//! `#[event_handler]`: how events change an aggregate or a read model, and what a projection or a reactor does with them.

mod coverage;
mod expand;
mod fallback;
mod fold;
mod forgotten_async;
mod keys;
mod project;
mod validate;

pub(crate) use self::forgotten_async::may_be_async;

use proc_macro2::TokenStream;

use crate::{
    attributes::{self, Grammar, Key},
    errors::Errors,
    handlers::{Block, Kind},
    krate,
};

const COVERS: Key = Key { name: "covers", kind: attributes::Kind::Types, example: "covers(AccountEvent)" };
const IGNORE: Key = Key { name: "ignore", kind: attributes::Kind::Types, example: "ignore(AccountClosed)" };

/// What stands in the parentheses of the attribute.
pub(crate) const GRAMMAR: Grammar = Grammar { attribute: "event_handler", keys: &[COVERS, IGNORE, krate::KEY] };

pub(crate) fn attribute(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let block = match Block::parse(Kind::Event, arguments, item, &mut errors) {
        Ok(block) => block,
        Err(refused) => return refused,
    };
    if let Some(instead) = forgotten_async::instead(&block, &errors) {
        return instead;
    }
    validate::validate(&block, &mut errors);
    if errors.is_empty() { expand::expand(&block) } else { fallback::fallback(&block, &errors) }
}
