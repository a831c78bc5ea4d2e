//! `#[derive(AggregateId)]`: the identity of an aggregate, from a newtype.

mod expand;
mod fallback;
mod model;
mod validate;

use proc_macro2::TokenStream;

use crate::errors::Errors;

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let id = match model::AggregateId::parse(input, &mut errors) {
        Ok(id) => id,
        Err(error) => return error.to_compile_error(),
    };
    validate::validate(&id, &mut errors);
    if errors.is_empty() { expand::expand(&id) } else { fallback::fallback(&id, &errors) }
}
