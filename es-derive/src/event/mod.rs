//! `#[derive(Event)]`: one kind of fact, with its stored name and version.

mod expand;
mod fallback;
mod lock;
mod model;
mod validate;

use proc_macro2::TokenStream;

use crate::errors::Errors;

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let event = match model::Event::parse(input, &mut errors) {
        Ok(event) => event,
        Err(error) => return error.to_compile_error(),
    };
    validate::validate(&event, &mut errors);
    if errors.is_empty() { expand::expand(&event) } else { fallback::fallback(&event, &errors) }
}
