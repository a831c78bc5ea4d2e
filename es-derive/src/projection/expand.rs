//! The implementation of a projection.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Projection;
use crate::version;

/// ```text
/// const _: () = {
///     impl ::es_core::Projection for Statements {
///         const NAME: &'static str = "statements";
///         const VERSION: u32 = 1;
///     }
///     impl ::es_core::private::HasEventHandlers<AnyAggregate, Envelope> for Statements {}
/// };
/// ```
///
/// The second is the place where the compiler says that there is no block of event handlers.
pub(super) fn expand(projection: &Projection) -> TokenStream {
    let Projection { krate, name, version, input, .. } = projection;
    let ident = &input.ident;
    let name = name.as_ref().map(|name| &name.text);
    let version = version::number(version::or_first(*version));
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #krate::Projection for #ident {
                const NAME: &'static ::core::primitive::str = #name;
                const VERSION: ::core::primitive::u32 = #version;
                const SHARDS: ::core::primitive::u32 = 1;
                const POLICY: #krate::projection::FailurePolicy = #krate::projection::FailurePolicy::Stop;

                fn key(
                    __stored: &#krate::store::StoredEvent,
                ) -> ::core::result::Result<#krate::private::String, #krate::ProjectionError> {
                    ::core::result::Result::Ok(#krate::private::key_of_stream(__stored))
                }
            }

            #[automatically_derived]
            impl #krate::private::HasEventHandlers<#krate::AnyAggregate, #krate::Envelope> for #ident {}

            #[automatically_derived]
            impl #krate::private::OneRole for #ident {}
        };
    }
}
