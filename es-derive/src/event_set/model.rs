//! What the user wrote.

use proc_macro2::TokenStream;
use syn::{Data, DeriveInput, Fields, Ident, Type};

use crate::{
    attributes::{self, Entries, Grammar, Key, Kind},
    errors::Errors,
    krate::{self, Krate},
    lock,
    names::StoredName,
    spans,
};

const RETIRED: Key = Key { name: "retired", kind: Kind::Texts, example: "retired(\"AccountRenamed\")" };
const GRAMMAR: Grammar = Grammar { attribute: "event_set", keys: &[RETIRED, lock::UNLOCKED, krate::KEY] };

#[derive(Debug)]
pub(super) struct EventSet {
    pub(super) krate: Krate,
    /// The stored names of events that have no struct any more.
    pub(super) retired: Vec<StoredName>,
    /// Whether it is exempt from the lock.
    pub(super) unlocked: bool,
    pub(super) input: DeriveInput,
}

/// A variant of the right shape: `Opened(AccountOpened)`.
#[derive(Debug)]
pub(super) struct Variant<'a> {
    pub(super) ident: &'a Ident,
    pub(super) event: &'a Type,
    /// The name that stands for the event in generated code, at the event: `__Event0`. Were the event itself written in
    /// so many places, a misspelt one would be reported in each of them.
    pub(super) alias: Ident,
}

impl EventSet {
    pub(super) fn parse(input: TokenStream, errors: &mut Errors) -> syn::Result<Self> {
        let input: DeriveInput = syn::parse2(input)?;
        let entries = Entries::of_attributes(&input.attrs, GRAMMAR, errors);
        attributes::refuse_inside(GRAMMAR, &input.data, errors);
        let retired = entries.texts(RETIRED.name).iter().map(StoredName::given).collect();
        let unlocked = entries.flag(lock::UNLOCKED.name);
        Ok(Self { krate: Krate::of(&entries), retired, unlocked, input })
    }

    /// All variants, whatever their shape; none where it is no enum.
    pub(super) fn all_variants(&self) -> impl Iterator<Item = &syn::Variant> {
        let data = if let Data::Enum(data) = &self.input.data { Some(data) } else { None };
        data.into_iter().flat_map(|data| &data.variants)
    }

    /// The variants with one unnamed field.
    pub(super) fn variants(&self) -> Vec<Variant<'_>> {
        let mut variants = Vec::new();
        for variant in self.all_variants() {
            if let Fields::Unnamed(fields) = &variant.fields
                && let (Some(field), 1) = (fields.unnamed.first(), fields.unnamed.len())
            {
                let alias = Ident::new(&format!("__Event{}", variants.len()), spans::name_of(&field.ty));
                variants.push(Variant { ident: &variant.ident, event: &field.ty, alias });
            }
        }
        variants
    }
}
