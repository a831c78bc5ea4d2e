//! What is left of a projection with mistakes: enough that nothing else complains about it.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Projection;
use crate::{errors::Errors, generics};

/// ```text
/// impl ::es_core::Projection for Statements { .. }
/// impl ::es_core::private::OneRole for Statements { .. }
/// ```
pub(super) fn fallback(projection: &Projection, errors: &Errors) -> TokenStream {
    let Projection { krate, running, input, .. } = projection;
    let ident = &input.ident;
    let (errors, running) = (errors.to_items(), running.constants(krate));
    let generics = generics::assuming(
        input.generics.clone(),
        syn::parse_quote!(Self: ::core::marker::Send + ::core::marker::Sync + 'static),
    );
    let (parameters, arguments, clauses) = generics.split_for_impl();
    quote! {
        #errors
        const _: () = {
            impl #parameters #krate::Projection for #ident #arguments #clauses {
                const NAME: &'static ::core::primitive::str = "";
                const VERSION: ::core::primitive::u32 = 1;
                #running

                fn key(
                    _: &#krate::store::StoredEvent,
                ) -> ::core::result::Result<#krate::private::String, #krate::ProjectionError> {
                    ::core::panic!()
                }
            }
            impl #parameters #krate::private::OneRole for #ident #arguments #clauses {
                type Role = #krate::private::Projecting;
            }
        };
    }
}
