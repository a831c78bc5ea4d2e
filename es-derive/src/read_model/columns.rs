//! The columns of a read model, and the way of a row through them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};

use super::model::{Column, Holds, ReadModel};
use crate::{messages::projection as messages, proofs, spans};

/// The name that stands for the type of the column at that place: a broken one, of which the compiler says nothing more,
/// where it cannot be kept.
pub(super) fn alias(place: usize, span: Span) -> Ident {
    Ident::new(&format!("__Column{place}"), span)
}

/// The types of the columns, and of the key, each proved at the field.
///
/// ```text
/// type __Field0 = AccountId;
/// type __Column0 = <[(); ::es_core::private::column::<__Field0>()] as ::es_core::private::Proved<__Field0>>::Type;
/// type __Key = <[(); ::es_core::private::row_key::<__Column0>()] as ::es_core::private::Proved<__Column0>>::Type;
/// const _: () = if ::es_core::private::may_be_empty::<__Key>(&AccountSummary::COLUMNS[0]) { .. };
/// ```
pub(super) fn types(read_model: &ReadModel) -> TokenStream {
    let krate = &read_model.krate;
    let each = read_model.columns.iter().enumerate().map(|(place, column)| {
        let (span, ty) = (spans::name_of(&column.ty), &column.ty);
        let (field, alias) = (Ident::new(&format!("__Field{place}"), span), alias(place, span));
        let proof = match column.holds() {
            Holds::Typed if column.key().is_some() => "key_column",
            Holds::Typed => "column",
            _ => "kept",
        };
        let proved = proofs::proved(krate, proof, &quote!(#field), span);
        let key = column.key().map(|_| {
            let (proved, message) =
                (proofs::proved(krate, "row_key", &quote!(#alias), span), messages::key_nullable(ty));
            let (ident, krate) = (&read_model.input.ident, krate.at(span));
            let nullable = quote_spanned! {span=>
                const _: () = if #krate::private::may_be_empty::<__Key>(&<#ident as #krate::ReadModel>::COLUMNS[#place]) {
                    ::core::panic!(#message)
                };
            };
            quote! {
                // The documentation of the user's crate shows it without the proofs.
                #[cfg(not(doc))]
                type __Key = #proved;
                #[cfg(doc)]
                type __Key = #ty;
                #nullable
            }
        });
        quote!(type #field = #ty; type #alias = #proved; #key)
    });
    quote!(#(#each)*)
}

/// ```text
/// const COLUMNS: &'static [ColumnSchema] = &[ColumnSchema::of::<__Column0>("account_id").key(), ..];
/// fn encode(&self, __row: &mut RowEncoder<'_>) -> Result<(), JsonError> {
///     __row.column::<__Column0>("account_id", &self.account_id)?;
///     ..
///     Ok(())
/// }
/// fn decode<'__de, __A: SeqAccess<'__de>>(__row: &mut RowDecoder<__A>) -> Result<Self, __A::Error> {
///     Ok(Self { account_id: __row.column::<__Column0>("account_id")?, .. })
/// }
/// ```
pub(super) fn columns(read_model: &ReadModel) -> TokenStream {
    let krate = &read_model.krate;
    let each = || read_model.columns.iter().enumerate();
    let schemas = each().map(|(place, column)| schema(read_model, place, column));
    let written = each().map(|(place, column)| {
        let (field, name, alias) = (&column.field, column.name(), alias(place, Span::call_site()));
        let method = if matches!(column.holds(), Holds::Text) { quote!(text) } else { quote!(column) };
        quote!(__row.#method::<#alias>(#name, &self.#field)?;)
    });
    let read = each().map(|(place, column)| {
        let (field, name, alias) = (&column.field, column.name(), alias(place, Span::call_site()));
        quote!(#field: __row.column::<#alias>(#name)?)
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

/// One column. Whether one that is said may be empty, the type tells; see `es_core`'s `private/columns.rs`.
///
/// ```text
/// ColumnSchema::new("address", ColumnType::Sql("inet"), <::es_core::private::Nullable<__Column3>>::NULLABLE).indexed()
/// ```
fn schema(read_model: &ReadModel, place: usize, column: &Column) -> TokenStream {
    let (krate, name, alias) = (&read_model.krate, column.name(), alias(place, Span::call_site()));
    let said = match column.holds() {
        Holds::Typed => None,
        Holds::Text => Some(quote!(Text)),
        Holds::Json => Some(quote!(Json)),
        Holds::Sql(sql) => Some(quote!(Sql(#sql))),
    };
    let schema = match said {
        None => quote!(#krate::projection::ColumnSchema::of::<#alias>(#name)),
        Some(said) => {
            let (said, nullable) =
                (quote!(#krate::projection::ColumnType::#said), quote!(<#krate::private::Nullable<#alias>>::NULLABLE));
            quote!(#krate::projection::ColumnSchema::new(#name, #said, #nullable))
        }
    };
    let key = column.key().map(|_| quote!(.key()));
    let indexed = column.is_indexed().then(|| quote!(.indexed()));
    quote!(#schema #key #indexed)
}
