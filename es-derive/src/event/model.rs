//! What the user wrote.

use proc_macro2::{Span, TokenStream};
use syn::DeriveInput;

use crate::{
    attributes::{self, Entries, Grammar, Key, Kind},
    errors::Errors,
    krate::{self, Krate},
    names::StoredName,
};

const NAME: Key = Key { name: "name", kind: Kind::Text, example: "name = \"MoneyDeposited\"" };
const VERSION: Key = Key { name: "version", kind: Kind::Integer, example: "version = 1" };
const GRAMMAR: Grammar = Grammar { attribute: "event", keys: &[NAME, VERSION, krate::KEY] };

#[derive(Debug)]
pub(super) struct Event {
    pub(super) krate: Krate,
    pub(super) name: StoredName,
    /// The version and where it is written, if it is.
    pub(super) version: Option<(u64, Span)>,
    pub(super) input: DeriveInput,
}

impl Event {
    pub(super) fn parse(input: TokenStream, errors: &mut Errors) -> syn::Result<Self> {
        let input: DeriveInput = syn::parse2(input)?;
        let entries = Entries::of_attributes(&input.attrs, GRAMMAR, errors);
        attributes::refuse_inside(GRAMMAR, &input.data, errors);
        let name = entries.text(NAME.name).map_or_else(|| StoredName::of_type(&input.ident), StoredName::given);
        Ok(Self { krate: Krate::of(&entries), name, version: entries.integer(VERSION.name), input })
    }
}
