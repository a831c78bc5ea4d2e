//! What the user wrote.

use proc_macro2::{Span, TokenStream};
use syn::{DeriveInput, Type};

use crate::{
    attributes::{self, Entries, Grammar, Key, Kind},
    errors::Errors,
    krate::{self, Krate},
    lock,
    names::StoredName,
};

pub(super) const ATTRIBUTE: &str = "aggregate";
pub(super) const NAME: Key = Key { name: "name", kind: Kind::Text, example: "name = \"account\"" };
pub(super) const ID: Key = Key { name: "id", kind: Kind::Type, example: "id = AccountId" };
pub(super) const EVENT: Key = Key { name: "event", kind: Kind::Type, example: "event = AccountEvent" };
pub(super) const SNAPSHOT: Key =
    Key { name: "snapshot", kind: Kind::Nested(&[EVERY, VERSION]), example: "snapshot(every = 100)" };
pub(super) const EVERY: Key = Key { name: "every", kind: Kind::Integer, example: "every = 100" };
const VERSION: Key = Key { name: "version", kind: Kind::Integer, example: "version = 2" };
const GRAMMAR: Grammar =
    Grammar { attribute: ATTRIBUTE, keys: &[NAME, ID, EVENT, SNAPSHOT, lock::UNLOCKED, krate::KEY] };

#[derive(Debug)]
pub(super) struct Aggregate {
    pub(super) krate: Krate,
    pub(super) name: Option<StoredName>,
    pub(super) id: Option<Type>,
    pub(super) event: Option<Type>,
    pub(super) snapshot: Option<Snapshot>,
    /// Whether it is exempt from the lock.
    pub(super) unlocked: bool,
    pub(super) entries: Entries,
    pub(super) input: DeriveInput,
}

/// `snapshot(every = N, version = M)`
#[derive(Debug)]
pub(super) struct Snapshot {
    /// Where the key is written.
    pub(super) span: Span,
    /// The number of events and where it is written, if it is.
    pub(super) every: Option<(u64, Span)>,
    /// Whether `every` is written, readable or not, or misspelt.
    pub(super) has_every: bool,
    pub(super) version: u64,
}

impl Aggregate {
    pub(super) fn parse(input: TokenStream, errors: &mut Errors) -> syn::Result<Self> {
        let input: DeriveInput = syn::parse2(input)?;
        let entries = Entries::of_attributes(&input.attrs, GRAMMAR, errors);
        attributes::refuse_inside(GRAMMAR, &input.data, errors);
        Ok(Self {
            krate: Krate::of(&entries),
            name: entries.text(NAME.name).map(StoredName::given),
            id: entries.ty(ID.name).cloned(),
            event: entries.ty(EVENT.name).cloned(),
            snapshot: entries.span(SNAPSHOT.name).zip(entries.nested(SNAPSHOT.name)).map(|(span, inner)| Snapshot {
                span,
                every: inner.integer(EVERY.name),
                has_every: inner.span(EVERY.name).is_some(),
                version: inner.integer(VERSION.name).map_or(1, |(version, _)| version),
            }),
            unlocked: entries.flag(lock::UNLOCKED.name),
            entries,
            input,
        })
    }
}
