//! Where the generated code finds `es_core`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;

use crate::{
    attributes::{Entries, Key, Kind},
    spans,
};

/// The key that every macro knows: where `es_core` is, for code that has it under another name.
pub(crate) const KEY: Key = Key { name: "crate", kind: Kind::Path, example: "crate = path::to::es_core" };

/// The path to `es_core`.
#[derive(Debug)]
pub(crate) struct Krate {
    given: Option<Path>,
}

impl Krate {
    /// The path from `crate = ..`, else `::es_core`.
    pub(crate) fn of(entries: &Entries) -> Self {
        Self { given: entries.path(KEY.name).cloned() }
    }

    /// The path as if it stood at `span`; what it names stays the same.
    ///
    /// A message about a path is placed at all of it, so the path must stand where the rest of the code stands, and be
    /// no part of the macro's own expansion: else the message is placed at the macro.
    pub(crate) fn at(&self, span: Span) -> TokenStream {
        match &self.given {
            None => quote_spanned!(span=> ::es_core),
            Some(path) => spans::at(path.to_token_stream(), span),
        }
    }
}

impl ToTokens for Krate {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.given.as_ref().map_or_else(|| quote!(::es_core), ToTokens::to_token_stream));
    }
}
