//! What is left of a reactor with mistakes: enough that nothing else complains about it.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::Reactor;
use crate::{errors::Errors, generics};

/// ```text
/// impl ::es_core::Reactor for WelcomeMail { .. }
/// impl ::es_core::private::OneRole for WelcomeMail { .. }
/// ```
pub(super) fn fallback(reactor: &Reactor, errors: &Errors) -> TokenStream {
    let Reactor { krate, running, input, .. } = reactor;
    let ident = &input.ident;
    let (errors, running) = (errors.to_items(), running.constants(krate));
    let generics = generics::assuming(
        input.generics.clone(),
        syn::parse_quote!(Self: ::core::marker::Send + ::core::marker::Sync + 'static),
    );
    let (parameters, arguments, clauses) = generics.split_for_impl();
    // What it is beside says so itself.
    let role = reactor.other_role().is_none().then(|| {
        quote! {
            impl #parameters #krate::private::OneRole for #ident #arguments #clauses {
                type Role = #krate::private::Reacting;
            }
        }
    });
    quote! {
        #errors
        const _: () = {
            impl #parameters #krate::Reactor for #ident #arguments #clauses {
                const NAME: &'static ::core::primitive::str = "";
                #running

                fn key(
                    _: &#krate::store::StoredEvent,
                ) -> ::core::result::Result<#krate::private::String, #krate::ProjectionError> {
                    ::core::panic!()
                }
            }
            #role
        };
    }
}
