//! The implementation of a read model.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{Field, Ident};

use super::model::ReadModel;
use crate::{spans, version};

/// ```text
/// const _: () = {
///     impl ::es_core::ReadModel for AccountSummary {
///         type Key = AccountId;
///         const TABLE: &'static str = "account_summaries";
///         const VERSION: u32 = 1;
///         fn begin(__key: AccountId) -> Self {
///             Self { account_id: __key, balance: ::es_core::private::FieldOfRow::initial() }
///         }
///         fn key(&self) -> &AccountId { &self.account_id }
///     }
///     ..
/// };
/// ```
pub(super) fn expand(read_model: &ReadModel) -> TokenStream {
    let ReadModel { krate, table, version, input, .. } = read_model;
    let (ident, version) = (&input.ident, version::number(version::or_first(*version)));
    let Some(Field { ident: Some(key), ty, .. }) = read_model.key() else { return TokenStream::new() };
    let others = read_model.fields().filter_map(|field| initial(read_model, field, key));
    let handlers = handlers(read_model);
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #krate::ReadModel for #ident {
                type Key = #ty;
                const TABLE: &'static ::core::primitive::str = #table;
                const VERSION: ::core::primitive::u32 = #version;

                fn begin(__key: #ty) -> Self {
                    Self { #key: __key, #(#others),* }
                }

                fn key(&self) -> &#ty {
                    &self.#key
                }
            }
            #handlers
        };
    }
}

/// The first value of a field that is not the key, at its type.
///
/// ```text
/// balance: <i64 as ::es_core::private::FieldOfRow>::initial()
/// ```
fn initial(read_model: &ReadModel, field: &Field, key: &Ident) -> Option<TokenStream> {
    let name = field.ident.as_ref().filter(|name| *name != key)?;
    let (span, ty) = (spans::name_of(&field.ty), &field.ty);
    let krate = read_model.krate.at(span);
    let value = quote_spanned!(span=> <#ty as #krate::private::FieldOfRow>::initial());
    Some(quote!(#name: #value))
}

/// What the block of event handlers asks, and the way to it. The second is where the compiler says that there is none.
///
/// ```text
/// impl ::es_core::Folds for AccountSummary { .. }
/// impl ::es_core::private::HasEventHandlers<AnyAggregate, Envelope> for AccountSummary {}
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
        impl #krate::private::OneRole for #ident {}

        #[automatically_derived]
        impl #krate::private::HasEventHandlers<#krate::AnyAggregate, #krate::Envelope>
            for #ident {}

        #[automatically_derived]
        impl #krate::projection::ReadModelHandlers for #ident {
            fn events() -> impl ::core::iter::Iterator<Item = #krate::EventSchema> {
                #krate::private::handled_events::<Self>()
            }

            fn fold(
                &mut self,
                __stored: &#krate::store::StoredEvent,
                __envelope: &#krate::Envelope,
            ) -> ::core::result::Result<#krate::Row, #krate::private::NotRead> {
                #krate::private::fold_stored(self, __stored, __envelope)
            }
        }
    }
}
