//! An aggregate and its lock: the name of its streams is released with its events.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Type, ext::IdentExt as _};

use super::model::Aggregate;
use crate::{errors::Errors, lock, messages::lock as messages};

/// How the test that writes the lock finds the aggregate of a set: where there is one, the compiler infers which.
///
/// ```text
/// impl ::es_core::private::lock::NamedBy<Account> for AccountEvent {
///     const NAME: &'static str = "account";
/// }
/// ..                                  // what makes the compiler look again
/// ```
pub(super) fn expand(aggregate: &Aggregate) -> TokenStream {
    let Aggregate { krate, event, input, .. } = aggregate;
    let (parameters, arguments, clauses) = input.generics.split_for_impl();
    let (ident, name) = (&input.ident, aggregate.name.as_ref().map(|name| &name.text));
    let released = (!aggregate.unlocked).then(|| is_released(aggregate));
    quote! {
        #[automatically_derived]
        impl #parameters #krate::private::lock::NamedBy<#ident #arguments> for #event #clauses {
            const NAME: &'static ::core::primitive::str = #name;
        }
        #released
    }
}

/// Where the aggregates of the set are released, this is one of them; said at the name.
fn is_released(aggregate: &Aggregate) -> Option<TokenStream> {
    let file = lock::File::of_this_crate()?;
    let mut errors = Errors::default();
    let set = aggregate.event.as_ref().and_then(name_of).map(|set| set.unraw().to_string());
    if let (Some(lock), Some(set), Some(name)) = (file.released(), set, &aggregate.name)
        && let Some(released) = lock.set(&set).map(|set| &set.aggregates)
        && !released.is_empty()
        && !released.contains(&name.text)
    {
        errors.at(name.span, messages::aggregate_renamed(&set, name, released));
    }
    let (errors, tracking) = (errors.to_items(), file.tracking());
    Some(quote!(#errors #tracking))
}

/// `AccountEvent` in `events::AccountEvent`.
fn name_of(set: &Type) -> Option<&Ident> {
    match set {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        Type::Group(group) => name_of(&group.elem),
        Type::Paren(paren) => name_of(&paren.elem),
        _ => None,
    }
}
