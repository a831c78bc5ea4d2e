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
    let columns = columns(read_model, key);
    let handlers = handlers(read_model);
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #krate::ReadModel for #ident {
                type Key = #ty;
                const TABLE: &'static ::core::primitive::str = #table;
                const VERSION: ::core::primitive::u32 = #version;
                const SHARDS: ::core::primitive::u32 = 1;
                const POLICY: #krate::projection::FailurePolicy = #krate::projection::FailurePolicy::Stop;

                fn begin(__key: #ty) -> Self {
                    Self { #key: __key, #(#others),* }
                }

                fn key(&self) -> &#ty {
                    &self.#key
                }

                fn keys(
                    __stored: &#krate::store::StoredEvent,
                ) -> ::core::result::Result<#krate::private::Vec<#ty>, #krate::ProjectionError> {
                    #krate::private::keys_of_stream::<Self>(__stored)
                }

                #columns
            }
            #handlers
        };
    }
}

/// The columns, and the way of a row through them.
///
/// ```text
/// const COLUMNS: &'static [ColumnSchema] = &[ColumnSchema::of::<AccountId>("account_id").key(), ..];
/// fn encode(&self, __row: &mut RowEncoder<'_>) -> Result<(), ..> { __row.column("account_id", &self.account_id)?; .. Ok(()) }
/// fn decode<'de, __A: SeqAccess<'de>>(__row: &mut RowDecoder<__A>) -> Result<Self, __A::Error> {
///     Ok(Self { account_id: __row.column("account_id")?, .. })
/// }
/// ```
fn columns(read_model: &ReadModel, key: &Ident) -> TokenStream {
    let krate = &read_model.krate;
    let named: Vec<_> = read_model.fields().filter_map(|field| Some((field.ident.as_ref()?, field))).collect();
    let schemas = named.iter().map(|(name, field)| {
        let (span, ty, text) = (spans::name_of(&field.ty), &field.ty, column_name(name));
        let krate = krate.at(span);
        let is_key = (*name == key).then(|| quote!(.key()));
        quote_spanned!(span=> #krate::projection::ColumnSchema::of::<#ty>(#text) #is_key)
    });
    let written = named.iter().map(|(name, _)| {
        let text = column_name(name);
        quote!(__row.column(#text, &self.#name)?;)
    });
    let read = named.iter().map(|(name, _)| {
        let text = column_name(name);
        quote!(#name: __row.column(#text)?)
    });
    quote! {
        const COLUMNS: &'static [#krate::projection::ColumnSchema] = &[#(#schemas),*];

        fn encode(
            &self,
            __row: &mut #krate::projection::row::RowEncoder<'_>,
        ) -> ::core::result::Result<(), #krate::private::JsonError> {
            #(#written)*
            ::core::result::Result::Ok(())
        }

        fn decode<'__de, __A: #krate::private::serde::de::SeqAccess<'__de>>(
            __row: &mut #krate::projection::row::RowDecoder<__A>,
        ) -> ::core::result::Result<Self, __A::Error> {
            ::core::result::Result::Ok(Self { #(#read),* })
        }
    }
}

/// The column of a field: its name as it reads, without `r#`.
fn column_name(field: &Ident) -> String {
    syn::ext::IdentExt::unraw(field).to_string()
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
            fn events() -> &'static [#krate::EventSchema] {
                #krate::private::handled_events::<Self>()
            }

            fn envelope(
                __stored: &#krate::store::StoredEvent,
            ) -> ::core::result::Result<#krate::Envelope, #krate::private::NotRead> {
                #krate::private::envelope_of::<Self>(__stored)
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
