//! All mistakes of one item, gathered to be reported together.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;

/// The mistakes found so far.
#[derive(Debug, Default)]
pub(crate) struct Errors {
    found: Vec<syn::Error>,
}

impl Errors {
    /// Notes a mistake at one place.
    pub(crate) fn at(&mut self, span: Span, message: impl std::fmt::Display) {
        self.found.push(syn::Error::new(span, message));
    }

    /// Notes a mistake that underlines the tokens from the first to the last.
    pub(crate) fn on(&mut self, tokens: impl ToTokens, message: impl std::fmt::Display) {
        self.found.push(syn::Error::new_spanned(tokens, message));
    }

    /// Whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// All mistakes, each as an item with `compile_error!`.
    pub(crate) fn to_items(&self) -> TokenStream {
        self.found.iter().map(syn::Error::to_compile_error).collect()
    }

    /// The last mistake as a type that the compiler takes for broken, so that it says nothing more of whatever has to do
    /// with it, and the mistakes before it as items. Without mistakes the type is `()`.
    ///
    /// ```text
    /// [(); { ::core::compile_error! { "`event = ..` is missing" } }]
    /// ```
    ///
    /// An array with a broken length is the only type that a macro can write and the compiler keeps silent about:
    /// `compile_error!` in the place of a type becomes `()`.
    pub(crate) fn to_broken_type(&self) -> (TokenStream, TokenStream) {
        let mut each = self.found.iter().map(syn::Error::to_compile_error);
        match each.next_back() {
            Some(last) => (quote::quote!([(); { #last }]), each.collect()),
            None => (quote::quote!(()), TokenStream::new()),
        }
    }
}
