//! `#[derive(Aggregate)]`: a state that decides about commands, with its id and its events.

mod expand;
mod fallback;
mod lock;
mod model;
mod validate;

use proc_macro2::TokenStream;

use crate::errors::Errors;

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let aggregate = match model::Aggregate::parse(input, &mut errors) {
        Ok(aggregate) => aggregate,
        Err(error) => return error.to_compile_error(),
    };
    validate::validate(&aggregate, &mut errors);
    if errors.is_empty() { expand::expand(&aggregate) } else { fallback::fallback(&aggregate, &errors) }
}
