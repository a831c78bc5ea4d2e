//! `#[derive(Reactor)]`: effects outside of the store, under a stored name.

mod expand;
mod fallback;
mod model;
mod validate;

use proc_macro2::TokenStream;

use crate::errors::Errors;

pub(crate) fn derive(input: TokenStream) -> TokenStream {
    let mut errors = Errors::default();
    let reactor = match model::Reactor::parse(input, &mut errors) {
        Ok(reactor) => reactor,
        Err(error) => return error.to_compile_error(),
    };
    validate::validate(&reactor, &mut errors);
    if errors.is_empty() { expand::expand(&reactor) } else { fallback::fallback(&reactor, &errors) }
}
