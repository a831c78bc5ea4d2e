//! What the user wrote.

use proc_macro2::TokenStream;
use syn::{Attribute, DeriveInput};

use crate::{
    attributes::{self, Entries, Grammar, Key, Kind},
    errors::Errors,
    krate::{self, Krate},
    messages::projection,
    names::StoredName,
    running::{POLICY, Running, SHARDS},
};

pub(super) const ATTRIBUTE: &str = "reactor";
/// The attributes of what cannot be a reactor too.
const OTHERS: [&str; 3] = ["aggregate", "read_model", "projection"];
pub(super) const NAME: Key = Key { name: "name", kind: Kind::Text, example: "name = \"welcome-mail\"" };
const VERSION: Key = Key { name: "version", kind: Kind::Refused(projection::reactor_version), example: "version = 1" };
const GRAMMAR: Grammar = Grammar { attribute: ATTRIBUTE, keys: &[NAME, SHARDS, POLICY, krate::KEY, VERSION] };

#[derive(Debug)]
pub(super) struct Reactor {
    pub(super) krate: Krate,
    pub(super) name: Option<StoredName>,
    pub(super) running: Running,
    pub(super) entries: Entries,
    pub(super) input: DeriveInput,
}

impl Reactor {
    pub(super) fn parse(input: TokenStream, errors: &mut Errors) -> syn::Result<Self> {
        let input: DeriveInput = syn::parse2(input)?;
        let entries = Entries::of_attributes(&input.attrs, GRAMMAR, errors);
        attributes::refuse_inside(GRAMMAR, &input.data, errors);
        Ok(Self {
            krate: Krate::of(&entries),
            name: entries.text(NAME.name).map(StoredName::given),
            running: Running::of(&entries),
            entries,
            input,
        })
    }

    /// The attribute by which it is something else too.
    pub(super) fn other_role(&self) -> Option<&Attribute> {
        let is_other = |attribute: &&Attribute| OTHERS.iter().any(|other| attribute.path().is_ident(other));
        self.input.attrs.iter().find(is_other)
    }
}
