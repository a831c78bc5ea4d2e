//! The implementation of a projection.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Projection;
use crate::{proofs, version};

/// ```text
/// const _: () = {
///     type __Block = <[(); ::es_core::private::has_event_handlers::<Statements>()] as Proved<Statements>>::Type;
///     impl ::es_core::Projection for Statements {
///         const NAME: &'static str = "statements";
///         const VERSION: u32 = 1;
///         ..
///         fn key(__stored: &StoredEvent) -> Result<String, ProjectionError> {
///             ::es_core::private::key_of_event::<__Block>(__stored)
///         }
///     }
///     impl ::es_core::private::OneRole for Statements { type Role = ::es_core::private::Projecting; }
/// };
/// ```
///
/// The first is the place where the compiler says that there is no block of event handlers.
pub(super) fn expand(projection: &Projection) -> TokenStream {
    let Projection { krate, name, version, running, input, .. } = projection;
    let ident = &input.ident;
    let name = name.as_ref().map(|name| &name.text);
    let version = version::number(version::or_first(*version));
    let running = running.constants(krate);
    let block = proofs::proved(krate, "has_event_handlers", &quote!(#ident), ident.span());
    quote! {
        const _: () = {
            type __Block = #block;

            #[automatically_derived]
            impl #krate::Projection for #ident {
                const NAME: &'static ::core::primitive::str = #name;
                const VERSION: ::core::primitive::u32 = #version;
                #running

                fn key(
                    __stored: &#krate::store::StoredEvent,
                ) -> ::core::result::Result<#krate::private::String, #krate::ProjectionError> {
                    #krate::private::key_of_event::<__Block>(__stored)
                }
            }

            #[automatically_derived]
            impl #krate::private::OneRole for #ident {
                type Role = #krate::private::Projecting;
            }
        };
    }
}
