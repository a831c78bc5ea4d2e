//! `#[event_handler]`: how events change an aggregate.

mod expand;
mod fallback;
mod validate;

use proc_macro2::TokenStream;

use crate::{
    errors::Errors,
    handlers::{Block, Kind},
};

pub(crate) fn attribute(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let block = match Block::parse(Kind::Event, arguments, item, &mut errors) {
        Ok(block) => block,
        Err(refused) => return refused,
    };
    validate::validate(&block, &mut errors);
    if errors.is_empty() { expand::expand(&block) } else { fallback::fallback(&block, &errors) }
}
