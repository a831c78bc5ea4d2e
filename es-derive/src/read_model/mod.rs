//! `#[derive(ReadModel)]`: a row that is folded from events.

mod columns;
mod expand;
mod fallback;
mod model;
mod validate;

use proc_macro2::TokenStream;

use crate::errors::Errors;

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let read_model = match model::ReadModel::parse(input, &mut errors) {
        Ok(read_model) => read_model,
        Err(error) => return error.to_compile_error(),
    };
    validate::validate(&read_model, &mut errors);
    if errors.is_empty() { expand::expand(&read_model) } else { fallback::fallback(&read_model, &errors) }
}
