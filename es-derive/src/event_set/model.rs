//! What the user wrote.

use proc_macro2::TokenStream;
use syn::{Data, DeriveInput, Fields, Ident, Type};

use crate::{
    attributes::{self, Entries, Grammar},
    errors::Errors,
    krate::{self, Krate},
};

const GRAMMAR: Grammar = Grammar { attribute: "event_set", keys: &[krate::KEY] };

#[derive(Debug)]
pub(super) struct EventSet {
    pub(super) krate: Krate,
    pub(super) input: DeriveInput,
}

/// A variant of the right shape: `Opened(AccountOpened)`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variant<'a> {
    pub(super) ident: &'a Ident,
    pub(super) event: &'a Type,
}

impl EventSet {
    pub(super) fn parse(input: TokenStream, errors: &mut Errors) -> syn::Result<Self> {
        let input: DeriveInput = syn::parse2(input)?;
        let entries = Entries::of_attributes(&input.attrs, GRAMMAR, errors);
        attributes::refuse_inside(GRAMMAR, &input.data, errors);
        Ok(Self { krate: Krate::of(&entries), input })
    }

    /// All variants, whatever their shape; none where it is no enum.
    pub(super) fn all_variants(&self) -> impl Iterator<Item = &syn::Variant> {
        let data = if let Data::Enum(data) = &self.input.data { Some(data) } else { None };
        data.into_iter().flat_map(|data| &data.variants)
    }

    /// The variants with one unnamed field.
    pub(super) fn variants(&self) -> impl Iterator<Item = Variant<'_>> {
        self.all_variants().filter_map(|variant| match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                fields.unnamed.first().map(|field| Variant { ident: &variant.ident, event: &field.ty })
            }
            _ => None,
        })
    }
}
