//! What is left of a projection with mistakes: enough that nothing else complains about it.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Projection;
use crate::{errors::Errors, generics};

/// ```text
/// impl ::es_core::Projection for Statements { .. }
/// ```
pub(super) fn fallback(projection: &Projection, errors: &Errors) -> TokenStream {
    let Projection { krate, input, .. } = projection;
    let ident = &input.ident;
    let errors = errors.to_items();
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
                const SHARDS: ::core::primitive::u32 = 1;
                const POLICY: #krate::projection::FailurePolicy = #krate::projection::FailurePolicy::Stop;

                fn key(
                    _: &#krate::store::StoredEvent,
                ) -> ::core::result::Result<#krate::private::String, #krate::ProjectionError> {
                    ::core::panic!()
                }
            }
        };
    }
}
