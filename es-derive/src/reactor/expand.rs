//! The implementation of a reactor.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Reactor;
use crate::proofs;

/// ```text
/// const _: () = {
///     type __Block = <[(); ::es_core::private::has_event_handlers::<WelcomeMail>()] as Proved<WelcomeMail>>::Type;
///     impl ::es_core::Reactor for WelcomeMail {
///         const NAME: &'static str = "welcome-mail";
///         ..
///         fn key(__stored: &StoredEvent) -> Result<String, ProjectionError> {
///             ::es_core::private::key_of_event::<__Block>(__stored)
///         }
///     }
///     impl ::es_core::private::OneRole for WelcomeMail { type Role = ::es_core::private::Reacting; }
/// };
/// ```
///
/// The first is the place where the compiler says that there is no block of event handlers.
pub(super) fn expand(reactor: &Reactor) -> TokenStream {
    let Reactor { krate, name, running, input, .. } = reactor;
    let ident = &input.ident;
    let name = name.as_ref().map(|name| &name.text);
    let running = running.constants(krate);
    let block = proofs::proved(krate, "has_event_handlers", &quote!(#ident), ident.span());
    quote! {
        const _: () = {
            type __Block = #block;

            #[automatically_derived]
            impl #krate::Reactor for #ident {
                const NAME: &'static ::core::primitive::str = #name;
                #running

                fn key(
                    __stored: &#krate::store::StoredEvent,
                ) -> ::core::result::Result<#krate::private::String, #krate::ProjectionError> {
                    #krate::private::key_of_event::<__Block>(__stored)
                }
            }

            #[automatically_derived]
            impl #krate::private::OneRole for #ident {
                type Role = #krate::private::Reacting;
            }
        };
    }
}
