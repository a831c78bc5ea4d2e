//! What is left of a set with mistakes: enough that nothing else complains about it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::Type;

use super::{expand, model::EventSet};
use crate::errors::Errors;

/// ```text
/// impl ::es_core::EventSet for AccountEvent { .. }
/// impl<__H> ::es_core::Dispatch<__H> for AccountEvent { .. }
/// impl ::es_core::EventOf<AccountEvent> for AccountOpened {}   // and the other conversions, for each type in a variant
/// ```
pub(super) fn fallback(set: &EventSet, errors: &Errors) -> TokenStream {
    let EventSet { krate, input, .. } = set;
    let ident = &input.ident;
    let errors = errors.to_items();
    if !input.generics.params.is_empty() {
        return errors;
    }
    let conversions = field_types(set).into_iter().map(|event| conversions(set, event));
    let itself = expand::into_events_of_the_set(set);
    quote! {
        #errors
        const _: () = {
            #(#conversions)*
            #itself
            impl #krate::EventSet for #ident {
                const SCHEMAS: &'static [#krate::EventSchema] = &[];

                fn schema(&self) -> #krate::EventSchema {
                    ::core::panic!()
                }

                fn encode_with<__C>(&self, _: __C) -> ::core::result::Result<__C::Output, __C::Error>
                where
                    __C: #krate::event::EventEncoder,
                {
                    ::core::panic!()
                }

                fn decode(
                    _: &::core::primitive::str,
                    _: ::core::primitive::u32,
                    _: &[::core::primitive::u8],
                ) -> ::core::result::Result<::core::option::Option<Self>, #krate::store::DecodeError> {
                    ::core::panic!()
                }
            }
            impl<__H> #krate::private::Coverage<__H> for #ident {}
            impl<__H> #krate::Dispatch<__H> for #ident {
                fn dispatch(self, _: &mut __H, _: &#krate::Metadata) {}
                fn dispatch_ref(&self, _: &mut __H, _: &#krate::Metadata) {}
            }
        };
    }
}

fn conversions(set: &EventSet, event: &Type) -> TokenStream {
    let EventSet { krate, input, .. } = set;
    let ident = &input.ident;
    quote! {
        impl #krate::EventOf<#ident> for #event {}
        impl ::core::convert::From<#event> for #ident {
            fn from(_: #event) -> Self {
                ::core::panic!()
            }
        }
        impl #krate::IntoEvents<#ident> for #event {
            fn into_events(self, _: &mut #krate::private::Vec<#ident>) {}
        }
    }
}

/// The type of each field of each variant, once.
fn field_types(set: &EventSet) -> Vec<&Type> {
    let mut types: Vec<&Type> = Vec::new();
    for field in set.all_variants().flat_map(|variant| &variant.fields) {
        if !types.contains(&&field.ty) {
            types.push(&field.ty);
        }
    }
    types
}
