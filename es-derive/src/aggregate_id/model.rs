//! What the user wrote.

use proc_macro2::TokenStream;
use syn::{Data, DeriveInput, Fields, Type};

use crate::{
    attributes::{self, Entries, Grammar},
    errors::Errors,
    krate::{self, Krate},
};

const GRAMMAR: Grammar = Grammar { attribute: "aggregate_id", keys: &[krate::KEY] };

#[derive(Debug)]
pub(super) struct AggregateId {
    pub(super) krate: Krate,
    pub(super) input: DeriveInput,
}

impl AggregateId {
    pub(super) fn parse(input: TokenStream, errors: &mut Errors) -> syn::Result<Self> {
        let input: DeriveInput = syn::parse2(input)?;
        let entries = Entries::of_attributes(&input.attrs, GRAMMAR, errors);
        attributes::refuse_inside(GRAMMAR, &input.data, errors);
        Ok(Self { krate: Krate::of(&entries), input })
    }

    /// The type inside the newtype, if it is one.
    pub(super) fn inner(&self) -> Option<&Type> {
        match &self.input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Unnamed(fields) if fields.unnamed.len() == 1 => fields.unnamed.first().map(|field| &field.ty),
                _ => None,
            },
            _ => None,
        }
    }
}
