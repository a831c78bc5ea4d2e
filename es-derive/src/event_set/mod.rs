//! `#[derive(EventSet)]`: all events of one aggregate, as an enum with one variant per event.

mod expand;
mod fallback;
mod lock;
mod model;
mod validate;

use proc_macro2::TokenStream;

use crate::errors::Errors;

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let set = match model::EventSet::parse(input, &mut errors) {
        Ok(set) => set,
        Err(error) => return error.to_compile_error(),
    };
    validate::validate(&set, &mut errors);
    if errors.is_empty() { expand::expand(&set) } else { fallback::fallback(&set, &errors) }
}
