//! What is left of a read model with mistakes: enough that nothing else complains about it.

use proc_macro2::TokenStream;
use quote::quote;

use super::model::ReadModel;
use crate::{errors::Errors, generics};

/// A key that the user did not say is a broken type: the compiler keeps silent about all that has to do with it.
///
/// ```text
/// type __Unknown = [(); { ::core::compile_error! { ".." } }];
/// impl ::es_core::ReadModel for AccountSummary { type Key = __Unknown; .. }
/// ```
pub(super) fn fallback(read_model: &ReadModel, errors: &Errors) -> TokenStream {
    let ReadModel { krate, running, input, .. } = read_model;
    let (ident, running) = (&input.ident, running.constants(krate));
    let (broken, errors) = errors.to_broken_type();
    let key = read_model.key().map_or_else(
        || quote!(__Unknown),
        |column| {
            let ty = &column.ty;
            quote!(#ty)
        },
    );
    let generics = generics::assuming(
        input.generics.clone(),
        syn::parse_quote!(Self: ::core::marker::Send + ::core::marker::Sync + 'static),
    );
    let (parameters, arguments, clauses) = generics.split_for_impl();
    quote! {
        #errors
        const _: () = {
            type __Unknown = #broken;
            impl #parameters #krate::ReadModel for #ident #arguments #clauses {
                type Key = #key;
                const TABLE: &'static ::core::primitive::str = "";
                const VERSION: ::core::primitive::u32 = 1;
                #running
                const COLUMNS: &'static [#krate::projection::ColumnSchema] = &[];

                fn begin(_: Self::Key) -> Self {
                    ::core::panic!()
                }

                fn key(&self) -> &Self::Key {
                    ::core::panic!()
                }

                fn keys(
                    _: &#krate::store::StoredEvent,
                ) -> ::core::result::Result<#krate::private::Vec<Self::Key>, #krate::ProjectionError> {
                    ::core::panic!()
                }

                fn encode(
                    &self,
                    _: &mut #krate::projection::row::RowEncoder<'_>,
                ) -> ::core::result::Result<(), #krate::private::JsonError> {
                    ::core::panic!()
                }

                fn decode<'__de, __A: #krate::private::serde::de::SeqAccess<'__de>>(
                    _: &mut #krate::projection::row::RowDecoder<__A>,
                ) -> ::core::result::Result<Self, __A::Error> {
                    ::core::panic!()
                }
            }
            impl #parameters #krate::Folds for #ident #arguments #clauses {
                type Scope = #krate::AnyAggregate;
                type Given = #krate::Envelope;
                const OPEN: ::core::primitive::bool = true;
            }
            impl #parameters #krate::private::OneRole for #ident #arguments #clauses {
                type Role = #krate::private::Folding;
            }
            impl #parameters #krate::projection::ReadModelHandlers for #ident #arguments #clauses {
                fn events() -> &'static [#krate::EventSchema] {
                    &[]
                }

                fn envelope(
                    _: &#krate::store::StoredEvent,
                ) -> ::core::result::Result<#krate::Envelope, #krate::private::NotRead> {
                    ::core::panic!()
                }

                fn fold(
                    &mut self,
                    _: &#krate::store::StoredEvent,
                    _: &#krate::Envelope,
                ) -> ::core::result::Result<#krate::Row, #krate::ProjectionError> {
                    ::core::panic!()
                }
            }
        };
    }
}
