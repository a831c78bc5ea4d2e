//! What is left of an id with mistakes: enough that nothing else complains about it.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::AggregateId;
use crate::errors::Errors;

/// ```text
/// impl ::core::fmt::Display for AccountId { .. }
/// impl ::core::str::FromStr for AccountId { .. }
/// impl ::es_core::private::serde::Serialize for AccountId { .. }
/// impl<'de> ::es_core::private::serde::Deserialize<'de> for AccountId { .. }
/// impl ::es_core::AggregateId for AccountId {}
/// ```
pub(super) fn fallback(id: &AggregateId, errors: &Errors) -> TokenStream {
    let AggregateId { krate, input } = id;
    let ident = &input.ident;
    let errors = errors.to_items();
    if !input.generics.params.is_empty() {
        return errors;
    }
    quote! {
        #errors
        const _: () = {
            impl ::core::fmt::Display for #ident {
                fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    ::core::panic!()
                }
            }
            impl ::core::str::FromStr for #ident {
                type Err = ::core::convert::Infallible;
                fn from_str(_: &::core::primitive::str) -> ::core::result::Result<Self, Self::Err> {
                    ::core::panic!()
                }
            }
            impl #krate::private::serde::Serialize for #ident {
                fn serialize<__S>(&self, _: __S) -> ::core::result::Result<__S::Ok, __S::Error>
                where
                    __S: #krate::private::serde::Serializer,
                {
                    ::core::panic!()
                }
            }
            impl<'de> #krate::private::serde::Deserialize<'de> for #ident {
                fn deserialize<__D>(_: __D) -> ::core::result::Result<Self, __D::Error>
                where
                    __D: #krate::private::serde::Deserializer<'de>,
                {
                    ::core::panic!()
                }
            }
            impl #krate::AggregateId for #ident {}
        };
    }
}
