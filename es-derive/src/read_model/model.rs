//! What the user wrote.

use proc_macro2::{Span, TokenStream};
use syn::{Data, DeriveInput, Field, Fields, LitStr};

use crate::{
    attributes::{Entries, Grammar, Key, Kind},
    errors::Errors,
    krate::{self, Krate},
};

pub(super) const ATTRIBUTE: &str = "read_model";
pub(super) const TABLE: Key = Key { name: "table", kind: Kind::Text, example: "table = \"account_summaries\"" };
const VERSION: Key = Key { name: "version", kind: Kind::Integer, example: "version = 1" };
const GRAMMAR: Grammar = Grammar { attribute: ATTRIBUTE, keys: &[TABLE, VERSION, krate::KEY] };

const KEY: Key = Key { name: "key", kind: Kind::Flag, example: "key" };
/// What stands above a field.
const FIELD: Grammar = Grammar { attribute: ATTRIBUTE, keys: &[KEY] };

#[derive(Debug)]
pub(super) struct ReadModel {
    pub(super) krate: Krate,
    pub(super) table: Option<LitStr>,
    /// The version and where it is written, if it is.
    pub(super) version: Option<(u64, Span)>,
    /// For each named field, where it says that it is the key, if it does.
    pub(super) keys: Vec<Option<Span>>,
    pub(super) entries: Entries,
    pub(super) input: DeriveInput,
}

impl ReadModel {
    pub(super) fn parse(input: TokenStream, errors: &mut Errors) -> syn::Result<Self> {
        let input: DeriveInput = syn::parse2(input)?;
        let entries = Entries::of_attributes(&input.attrs, GRAMMAR, errors);
        let of_field = |field: &Field| Entries::of_attributes(&field.attrs, FIELD, errors).span(KEY.name);
        let keys = fields(&input).map(of_field).collect();
        Ok(Self {
            krate: Krate::of(&entries),
            table: entries.text(TABLE.name).cloned(),
            version: entries.integer(VERSION.name),
            keys,
            entries,
            input,
        })
    }

    /// The named fields; none where it is no struct with named fields.
    pub(super) fn fields(&self) -> impl Iterator<Item = &Field> {
        fields(&self.input)
    }

    /// The field that is the key.
    pub(super) fn key(&self) -> Option<&Field> {
        self.fields().zip(&self.keys).find_map(|(field, key)| key.is_some().then_some(field))
    }
}

fn fields(input: &DeriveInput) -> impl Iterator<Item = &Field> {
    let named = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Some(&fields.named),
            _ => None,
        },
        _ => None,
    };
    named.into_iter().flatten()
}
