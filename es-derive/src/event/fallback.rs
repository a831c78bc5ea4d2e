//! What is left of an event with mistakes: enough that nothing else complains about it.

use proc_macro2::TokenStream;
use quote::quote;

use super::{lock, model::Event};
use crate::{errors::Errors, generics};

/// ```text
/// impl<T> ::es_core::Event for Moved<T> where Self: DeserializeOwned + Send + Sync + 'static { .. }
/// ```
pub(super) fn fallback(event: &Event, errors: &Errors) -> TokenStream {
    let Event { krate, input, name, .. } = event;
    let (ident, name, version) = (&input.ident, &name.text, event.version());
    let version = u32::try_from(version).unwrap_or(1);
    let (errors, shape) = (errors.to_items(), lock::broken(event));
    let of_self = syn::parse_quote! {
        Self: #krate::private::serde::de::DeserializeOwned + ::core::marker::Send + ::core::marker::Sync + 'static
    };
    let generics = generics::assuming(input.generics.clone(), of_self);
    let (parameters, arguments, clauses) = generics.split_for_impl();
    quote! {
        #errors
        const _: () = {
            impl #parameters #krate::Event for #ident #arguments #clauses {
                const NAME: &'static ::core::primitive::str = #name;
                const VERSION: ::core::primitive::u32 = #version;
                #shape
            }
        };
    }
}
