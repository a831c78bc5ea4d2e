//! A set and its lock: what the test that writes it records, and the proof that nothing released has vanished.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt as _;

use super::model::{EventSet, Variant};
use crate::{errors::Errors, lock, messages::lock as messages};

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
    let (ident, name) = (&input.ident, input.ident.unraw().to_string());
    let events =
        variants.iter().map(|Variant { alias, .. }| quote!(#krate::private::lock::event_type::<#ident, #alias>()));
    quote! {
        const SHAPE: ::core::option::Option<&'static #krate::private::lock::SetShape> =
            ::core::option::Option::Some(&#krate::private::lock::SetShape { name: #name, events: &[#(#events),*] });
    }
}

/// Each released version is still read by some event of the set, or its name is retired; and what is retired stays so.
/// Only the compiler knows the names and versions of the events, so these are constant assertions, one for each name.
///
/// ```text
/// const _: () = {
///     if ::es_core::private::lock::event_is_gone::<AccountEvent>("MoneyDeposited") { ::core::panic!("..") }
///     if ::es_core::private::lock::version_is_gone::<AccountEvent>("MoneyDeposited", 1) { ::core::panic!("..") }
/// };
/// ..                                  // what makes the compiler look again
/// ```
pub(super) fn nothing_has_vanished(set: &EventSet) -> TokenStream {
    let Some(file) = (!set.unlocked).then(lock::File::of_this_crate).flatten() else {
        return TokenStream::new();
    };
    let ident = &set.input.ident;
    let name = ident.unraw().to_string();
    let mut errors = Errors::default();
    if let Some(complaint) = file.complaint() {
        errors.at(ident.span(), complaint);
    }
    let krate = set.krate.at(ident.span());
    let released = file.released().and_then(|lock| lock.set(&name));
    let retired = released.into_iter().flat_map(|released| &released.retired).map(|event| {
        let (again, gone) = (messages::retired_again(&name, event), messages::event_gone(&name, event));
        quote_spanned! {ident.span()=>
            const _: () = {
                if #krate::private::lock::is_event::<#ident>(#event) {
                    ::core::panic!(#again)
                }
                if #krate::private::lock::event_is_gone::<#ident>(#event) {
                    ::core::panic!(#gone)
                }
            };
        }
    });
    let mut versions: BTreeMap<&str, Vec<u32>> = BTreeMap::new();
    for event in released.into_iter().flat_map(|released| &released.events) {
        versions.entry(&event.name).or_default().push(event.version);
    }
    let events = versions.into_iter().map(|(event, versions)| {
        let event_gone = messages::event_gone(&name, event);
        let version_gone = versions.iter().map(|version| messages::version_gone(&name, event, *version));
        quote_spanned! {ident.span()=>
            const _: () = {
                if #krate::private::lock::event_is_gone::<#ident>(#event) {
                    ::core::panic!(#event_gone)
                }
                #(if #krate::private::lock::version_is_gone::<#ident>(#event, #versions) {
                    ::core::panic!(#version_gone)
                })*
            };
        }
    });
    let (errors, tracking) = (errors.to_items(), file.tracking());
    quote!(#errors #(#retired)* #(#events)* #tracking)
}
