//! What the user wrote.

use proc_macro2::{Span, TokenStream};
use syn::{DeriveInput, Type};

use crate::{
    attributes::{self, Entries, Grammar, Key, Kind, Step},
    errors::Errors,
    krate::{self, Krate},
    lock,
    names::StoredName,
    version,
};

const NAME: Key = Key { name: "name", kind: Kind::Text, example: "name = \"MoneyDeposited\"" };
const VERSION: Key = Key { name: "version", kind: Kind::Integer, example: "version = 1" };
const PREVIOUS: Key = Key { name: "previous", kind: Kind::Type, example: "previous = MoneyDepositedV1" };
const UPCAST: Key = Key { name: "upcast", kind: Kind::Steps, example: "upcast(1 = add_currency)" };
const OLDEST: Key = Key { name: "oldest", kind: Kind::Integer, example: "oldest = 2" };
const GRAMMAR: Grammar =
    Grammar { attribute: "event", keys: &[NAME, VERSION, PREVIOUS, UPCAST, OLDEST, lock::UNLOCKED, krate::KEY] };

#[derive(Debug)]
pub(super) struct Event {
    pub(super) krate: Krate,
    pub(super) name: StoredName,
    /// The version and where it is written, if it is.
    pub(super) version: Option<(u64, Span)>,
    /// The type of the version before.
    pub(super) previous: Option<Type>,
    /// The steps over JSON, as they are written.
    pub(super) upcast: Vec<Step>,
    /// Where `upcast` is written, if it is.
    pub(super) upcast_span: Option<Span>,
    /// The oldest version that is read and where it is written, if it is.
    pub(super) oldest: Option<(u64, Span)>,
    /// Whether it is exempt from the lock.
    pub(super) unlocked: bool,
    pub(super) input: DeriveInput,
}

impl Event {
    pub(super) fn parse(input: TokenStream, errors: &mut Errors) -> syn::Result<Self> {
        let input: DeriveInput = syn::parse2(input)?;
        let entries = Entries::of_attributes(&input.attrs, GRAMMAR, errors);
        attributes::refuse_inside(GRAMMAR, &input.data, errors);
        let name = entries.text(NAME.name).map_or_else(|| StoredName::of_type(&input.ident), StoredName::given);
        Ok(Self {
            krate: Krate::of(&entries),
            name,
            version: entries.integer(VERSION.name),
            previous: entries.ty(PREVIOUS.name).cloned(),
            upcast: entries.steps(UPCAST.name).to_vec(),
            upcast_span: entries.span(UPCAST.name),
            oldest: entries.integer(OLDEST.name),
            unlocked: entries.flag(lock::UNLOCKED.name),
            input,
        })
    }

    /// The version of the stored form: 1 unless it is written.
    pub(super) fn version(&self) -> u64 {
        version::or_first(self.version)
    }
}
