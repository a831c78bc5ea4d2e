//! `#[command_handler]`: what an aggregate may be asked, and what it decides.

mod expand;
mod fallback;
mod lifetimes;
mod validate;

use proc_macro2::TokenStream;

use crate::{
    attributes::{self, Grammar, Key},
    errors::Errors,
    handlers::{Block, Kind},
};

/// The key that lets a handler with `&self` begin a stream too.
const OR_DEFAULT: Key = Key { name: "or_default", kind: attributes::Kind::Flag, example: "or_default" };

/// The attribute above a handler.
pub(crate) const MARK: Grammar = Grammar { attribute: "command", keys: &[OR_DEFAULT] };

pub(crate) fn attribute(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let block = match Block::parse(Kind::Command, arguments, item, &mut errors) {
        Ok(block) => block,
        Err(refused) => return refused,
    };
    validate::validate(&block, &mut errors);
    if errors.is_empty() { expand::expand(&block) } else { fallback::fallback(&block, &errors) }
}
