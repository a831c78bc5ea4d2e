//! `#[derive(Projection)]`: something that is done for each event, under a stored name and a version.

mod expand;
mod fallback;
mod model;
mod validate;

use proc_macro2::TokenStream;

use crate::errors::Errors;

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let projection = match model::Projection::parse(input, &mut errors) {
        Ok(projection) => projection,
        Err(error) => return error.to_compile_error(),
    };
    validate::validate(&projection, &mut errors);
    if errors.is_empty() { expand::expand(&projection) } else { fallback::fallback(&projection, &errors) }
}
