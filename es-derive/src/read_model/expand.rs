//! The implementation of a read model.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{
    columns,
    model::{Column, ReadModel},
};
use crate::{proofs, spans, version};

/// ```text
/// const _: () = {
///     ..                                                  // the types of the columns, and `__Key`
///     type __Block = <[(); ::es_core::private::has_event_handlers::<AccountSummary>()] as Proved<AccountSummary>>::Type;
///     impl ::es_core::ReadModel for AccountSummary {
///         type Key = __Key;
///         const TABLE: &'static str = "account_summaries";
///         const VERSION: u32 = 1;
///         ..
///         fn begin(__key: __Key) -> Self {
///             Self { account_id: __key, balance: <__Column1 as ::es_core::private::FieldOfRow>::initial() }
///         }
///         fn key(&self) -> &__Key { &self.account_id }
///         fn keys(__stored: &StoredEvent) -> Result<Vec<__Key>, ProjectionError> {
///             ::es_core::private::keys_of_rows::<__Block>(__stored)
///         }
///         ..                                              // the columns
///     }
///     ..
/// };
/// ```
///
/// `__Block` is the place where the compiler says that there is no block of event handlers.
pub(super) fn expand(read_model: &ReadModel) -> TokenStream {
    let ReadModel { krate, table, version, running, input, .. } = read_model;
    let (ident, version) = (&input.ident, version::number(version::or_first(*version)));
    let Some(Column { field: key, .. }) = read_model.key() else { return TokenStream::new() };
    let others = read_model.columns.iter().enumerate().filter_map(|(place, column)| initial(read_model, place, column));
    let (types, columns, running) =
        (columns::types(read_model), columns::columns(read_model), running.constants(krate));
    let block = proofs::proved(krate, "has_event_handlers", &quote!(#ident), ident.span());
    let handlers = handlers(read_model);
    quote! {
        const _: () = {
            #[allow(unused_imports, reason = "hidden by the constant of an `Option`")]
            use #krate::private::NotNullable as _;
            #types
            type __Block = #block;

            #[automatically_derived]
            impl #krate::ReadModel for #ident {
                type Key = __Key;
                const TABLE: &'static ::core::primitive::str = #table;
                const VERSION: ::core::primitive::u32 = #version;
                #running

                fn begin(__key: __Key) -> Self {
                    Self { #key: __key, #(#others),* }
                }

                fn key(&self) -> &__Key {
                    &self.#key
                }

                fn keys(
                    __stored: &#krate::store::StoredEvent,
                ) -> ::core::result::Result<#krate::private::Vec<__Key>, #krate::ProjectionError> {
                    #krate::private::keys_of_rows::<__Block>(__stored)
                }

                #columns
            }
            #handlers
        };
    }
}

/// The first value of a field that is not the key, at its type.
///
/// ```text
/// balance: <__Column1 as ::es_core::private::FieldOfRow>::initial()
/// ```
fn initial(read_model: &ReadModel, place: usize, column: &Column) -> Option<TokenStream> {
    let (name, span) = (&column.field, spans::name_of(&column.ty));
    let (krate, alias) = (read_model.krate.at(span), columns::alias(place, span));
    let value = quote_spanned!(span=> <#alias as #krate::private::FieldOfRow>::initial());
    column.key().is_none().then(|| quote!(#name: #value))
}

/// What the block of event handlers asks, and the way to it.
///
/// ```text
/// impl ::es_core::Folds for AccountSummary { .. }
/// impl ::es_core::projection::ReadModelHandlers for AccountSummary { .. }
/// ```
fn handlers(read_model: &ReadModel) -> TokenStream {
    let ReadModel { krate, input, .. } = read_model;
    let ident = &input.ident;
    quote! {
        #[automatically_derived]
        impl #krate::Folds for #ident {
            type Scope = #krate::AnyAggregate;
            type Given = #krate::Envelope;
            const OPEN: ::core::primitive::bool = true;
        }

        #[automatically_derived]
        impl #krate::private::OneRole for #ident {
            type Role = #krate::private::Folding;
        }

        #[automatically_derived]
        impl #krate::projection::ReadModelHandlers for #ident {
            const MAY_FAIL: ::core::primitive::bool = #krate::private::may_fail::<__Block>();

            fn events() -> &'static [#krate::EventSchema] {
                #krate::private::handled_events::<__Block>()
            }

            fn envelope(
                __stored: &#krate::store::StoredEvent,
            ) -> ::core::result::Result<#krate::Envelope, #krate::private::NotRead> {
                #krate::private::envelope_of::<__Block>(__stored)
            }

            fn fold(
                &mut self,
                __stored: &#krate::store::StoredEvent,
                __envelope: &#krate::Envelope,
            ) -> ::core::result::Result<#krate::Row, #krate::ProjectionError> {
                #krate::private::fold_stored::<__Block>(self, __stored, __envelope)
            }
        }
    }
}
