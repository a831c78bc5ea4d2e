//! A set and its lock: what the test that writes it records, and the proof that nothing released has vanished.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;

use super::model::{EventSet, Variant};
use crate::{errors::Errors, fingerprint, lock, messages::lock as messages};

/// What the test that writes the lock is to know of the set.
///
/// ```text
/// const SHAPE: Option<&'static SetShape> = Some(&::es_core::private::lock::SetShape {
///     name: "AccountEvent",
///     events: &[::es_core::private::lock::event_type::<AccountEvent, __Event0>(), ..],
/// });
/// ```
pub(super) fn shape(set: &EventSet, variants: &[Variant<'_>]) -> TokenStream {
    let EventSet { krate, input, .. } = set;
    let (name, events) = (input.ident.unraw().to_string(), types(set, variants));
    quote! {
        const SHAPE: ::core::option::Option<&'static #krate::private::lock::SetShape> =
            ::core::option::Option::Some(&#krate::private::lock::SetShape { name: #name, events: &[#(#events),*] });
    }
}

/// Each released version is still read by some event of the set, or its name is retired; and what is retired stays so.
/// Only the compiler knows the names and versions of the events, so these are constant assertions, one for each name.
///
/// ```text
/// const __STATES: [State; 7] = ::es_core::private::lock::states::<AccountEvent, 5, 7>(
///     &[::es_core::private::lock::event_type::<AccountEvent, __Event0>(), ..],
///     &[Released { name: "MoneyDeposited", hash: 4711, versions: &[1, 2] }, ..],
/// );
/// const _: () = match __STATES[0] {
///     State::Gone => ::core::panic!(".."),
///     State::VersionGone(1) => ::core::panic!(".."),
///     ..
///     _ => {}
/// };
/// ..                                  // what makes the compiler look again
/// ```
pub(super) fn nothing_has_vanished(set: &EventSet, variants: &[Variant<'_>]) -> TokenStream {
    let Some(file) = (!set.unlocked).then(lock::File::of_this_crate).flatten() else {
        return TokenStream::new();
    };
    let ident = &set.input.ident;
    let name = ident.unraw().to_string();
    let mut errors = Errors::default();
    if let Some(complaint) = file.complaint() {
        errors.at(ident.span(), complaint);
    }
    let released = file.released().and_then(|lock| lock.set(&name));
    let assertions = released.map(|released| assertions(set, variants, released));
    let (errors, tracking) = (errors.to_items(), file.tracking());
    quote!(#errors #assertions #tracking)
}

fn assertions(set: &EventSet, variants: &[Variant<'_>], released: &es_lock::Set) -> TokenStream {
    let ident = &set.input.ident;
    let krate = set.krate.at(ident.span());
    let mut versions: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for event in &released.events {
        versions.entry(&event.name).or_default().push(event.version);
    }
    for event in &released.retired {
        versions.insert(event, Vec::new());
    }
    let names = versions.iter().map(|(name, versions)| {
        let hash = fingerprint::fnv1a(name.as_bytes());
        quote!(#krate::private::lock::Released { name: #name, hash: #hash, versions: &[#(#versions),*] })
    });
    let each = versions.iter().enumerate().map(|(index, (name, versions))| {
        let gone = messages::event_gone(&released.name, name);
        let again = versions.is_empty().then(|| messages::retired_again(&released.name, name)).into_iter();
        let versions_gone = versions.iter().map(|version| messages::version_gone(&released.name, name, *version));
        quote_spanned! {ident.span()=>
            const _: () = match __STATES[#index] {
                #krate::private::lock::State::Gone => ::core::panic!(#gone),
                #(#krate::private::lock::State::VersionGone(#versions) => ::core::panic!(#versions_gone),)*
                #(#krate::private::lock::State::Again => ::core::panic!(#again),)*
                _ => {}
            };
        }
    });
    let events = types(set, variants);
    let (event_count, name_count) = (variants.len(), versions.len());
    quote! {
        const __STATES: [#krate::private::lock::State; #name_count] =
            #krate::private::lock::states::<#ident, #event_count, #name_count>(&[#(#events),*], &[#(#names),*]);
        #(#each)*
    }
}

fn types<'a>(set: &'a EventSet, variants: &'a [Variant<'_>]) -> impl Iterator<Item = TokenStream> {
    let (krate, ident) = (&set.krate, &set.input.ident);
    variants.iter().map(move |Variant { alias, .. }| quote!(#krate::private::lock::event_type::<#ident, #alias>()))
}
