//! What the user wrote.

use proc_macro2::{Span, TokenStream};
use syn::DeriveInput;

use crate::{
    attributes::{self, Entries, Grammar, Key, Kind},
    errors::Errors,
    krate::{self, Krate},
    names::StoredName,
    running::{POLICY, Running, SHARDS},
};

pub(super) const ATTRIBUTE: &str = "projection";
pub(super) const NAME: Key = Key { name: "name", kind: Kind::Text, example: "name = \"statements\"" };
const VERSION: Key = Key { name: "version", kind: Kind::Integer, example: "version = 1" };
const GRAMMAR: Grammar = Grammar { attribute: ATTRIBUTE, keys: &[NAME, VERSION, SHARDS, POLICY, krate::KEY] };

#[derive(Debug)]
pub(super) struct Projection {
    pub(super) krate: Krate,
    pub(super) name: Option<StoredName>,
    /// The version and where it is written, if it is.
    pub(super) version: Option<(u64, Span)>,
    pub(super) running: Running,
    pub(super) entries: Entries,
    pub(super) input: DeriveInput,
}

impl Projection {
    pub(super) fn parse(input: TokenStream, errors: &mut Errors) -> syn::Result<Self> {
        let input: DeriveInput = syn::parse2(input)?;
        let entries = Entries::of_attributes(&input.attrs, GRAMMAR, errors);
        attributes::refuse_inside(GRAMMAR, &input.data, errors);
        Ok(Self {
            krate: Krate::of(&entries),
            name: entries.text(NAME.name).map(StoredName::given),
            version: entries.integer(VERSION.name),
            running: Running::of(&entries),
            entries,
            input,
        })
    }
}
