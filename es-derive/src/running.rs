//! How read models, projections and reactors are run: in how many shards, and what becomes of events that fail.

use proc_macro2::{Span, TokenStream};
use quote::quote;

use crate::{
    attributes::{Entries, Key, Kind},
    errors::Errors,
    krate::Krate,
    messages::projection as messages,
};

pub(crate) const SHARDS: Key = Key { name: "shards", kind: Kind::Integer, example: "shards = 4" };
pub(crate) const POLICY: Key =
    Key { name: "policy", kind: Kind::Word(&["stop", "skip", "dead_letter"]), example: "policy = dead_letter" };

/// As many shards as one projection can have: each is a checkpoint that is moved, and a claim that is renewed.
const MOST_SHARDS: u64 = 1024;

/// What the attribute says about it.
#[derive(Debug)]
pub(crate) struct Running {
    /// How many shards, and where that is written, if it is.
    shards: Option<(u64, Span)>,
    policy: Option<&'static str>,
}

impl Running {
    pub(crate) fn of(entries: &Entries) -> Self {
        Self { shards: entries.integer(SHARDS.name), policy: entries.word(POLICY.name) }
    }

    /// There is a shard, and there are not too many.
    pub(crate) fn validate(&self, errors: &mut Errors) {
        if let Some((shards, span)) = self.shards
            && !(1..=MOST_SHARDS).contains(&shards)
        {
            errors.at(span, messages::shards(shards, MOST_SHARDS));
        }
    }

    /// ```text
    /// const SHARDS: u32 = 4;
    /// const POLICY: FailurePolicy = FailurePolicy::DeadLetter;
    /// ```
    pub(crate) fn constants(&self, krate: &Krate) -> TokenStream {
        let shards = self.shards.and_then(|(shards, _)| u32::try_from(shards).ok()).unwrap_or(1);
        let policy = match self.policy {
            Some("skip") => quote!(Skip),
            Some("dead_letter") => quote!(DeadLetter),
            _ => quote!(Stop),
        };
        quote! {
            const SHARDS: ::core::primitive::u32 = #shards;
            const POLICY: #krate::projection::FailurePolicy = #krate::projection::FailurePolicy::#policy;
        }
    }
}
