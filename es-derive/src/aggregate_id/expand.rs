//! The implementations of an id.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;

use super::model::AggregateId;
use crate::{proofs, spans};

/// ```text
/// const _: () = {
///     type __Inner = String;
///     ..
/// };
/// ```
pub(super) fn expand(id: &AggregateId) -> TokenStream {
    let Some(inner) = id.inner() else { return TokenStream::new() };
    let text = text(id, inner);
    let serde = serde(id, inner);
    let own = own(id);
    quote! {
        const _: () = {
            type __Inner = #inner;
            #text
            #serde
            #own
        };
    }
}

/// What the inner type does for the id.
///
/// ```text
/// <__Inner as ::es_core::private::id::IdValue>::display
/// ```
fn value(id: &AggregateId, inner: &Type, part: &str) -> TokenStream {
    let last = spans::last(inner);
    let krate = id.krate.at(last);
    spans::part_of(&id.krate, &quote!(__Inner), inner, &quote_spanned!(last=> #krate::private::id::IdValue), part)
}

/// The inner type's way from text.
///
/// ```text
/// <__Inner as ::core::str::FromStr>::Err
/// ```
fn parser(id: &AggregateId, inner: &Type, part: &str) -> TokenStream {
    let path = quote_spanned!(spans::last(inner)=> ::core::str::FromStr);
    spans::part_of(&id.krate, &quote!(__Inner), inner, &path, part)
}

/// The id as text and back.
///
/// ```text
/// impl ::core::fmt::Display for AccountId {
///     fn fmt(&self, __formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
///         <__Inner as IdValue>::display(&self.0, __formatter)
///     }
/// }
/// impl ::core::str::FromStr for AccountId {
///     type Err = <__Inner as ::core::str::FromStr>::Err;
///     fn from_str(__text: &str) -> Result<Self, Self::Err> {
///         Result::map(<__Inner as ::core::str::FromStr>::from_str(__text), Self)
///     }
/// }
/// ```
fn text(id: &AggregateId, inner: &Type) -> TokenStream {
    let (ident, display) = (&id.input.ident, value(id, inner, "display"));
    let error = parser(id, inner, "Err");
    let from_str = parser(id, inner, "from_str");
    let (first, last) = (spans::first(inner), spans::last(inner));
    let text = spans::variable("__text");
    let open = quote_spanned! {first=>
        fn from_str(#text: &::core::primitive::str) -> ::core::result::Result<Self, #error
    };
    let close = quote_spanned! {last=>
        > {
            ::core::result::Result::map(#from_str(#text), Self)
        }
    };
    quote! {
        #[automatically_derived]
        impl ::core::fmt::Display for #ident {
            fn fmt(&self, __formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #display(&self.0, __formatter)
            }
        }

        #[automatically_derived]
        impl ::core::str::FromStr for #ident {
            type Err = #error;
            #open #close
        }
    }
}

/// The id as data and back, as if it were the inner value. `serde` is that of `es_core`: the user needs none.
///
/// ```text
/// impl ::es_core::private::serde::Serialize for AccountId {
///     fn serialize<__S: Serializer>(&self, __serializer: __S) -> Result<__S::Ok, __S::Error> {
///         <__Inner as IdValue>::serialize(&self.0, __serializer)
///     }
/// }
/// impl<'de> ::es_core::private::serde::Deserialize<'de> for AccountId { .. }
/// ```
fn serde(id: &AggregateId, inner: &Type) -> TokenStream {
    let AggregateId { krate, input } = id;
    let ident = &input.ident;
    let (serialize, deserialize) = (value(id, inner, "serialize"), value(id, inner, "deserialize"));
    quote! {
        #[automatically_derived]
        impl #krate::private::serde::Serialize for #ident {
            fn serialize<__S>(&self, __serializer: __S) -> ::core::result::Result<__S::Ok, __S::Error>
            where
                __S: #krate::private::serde::Serializer,
            {
                #serialize(&self.0, __serializer)
            }
        }

        #[automatically_derived]
        impl<'de> #krate::private::serde::Deserialize<'de> for #ident {
            fn deserialize<__D>(__deserializer: __D) -> ::core::result::Result<Self, __D::Error>
            where
                __D: #krate::private::serde::Deserializer<'de>,
            {
                ::core::result::Result::map(#deserialize(__deserializer), Self)
            }
        }
    }
}

/// What makes it an id, and the way in from the inner value. `PROVED` hands on to the aggregate whether the id lacks a
/// derive, so that it is not said again there.
///
/// ```text
/// const __PROVED: usize = ::es_core::private::id::identity::<AccountId>();
/// impl ::core::convert::From<__Inner> for AccountId {
///     fn from(__inner: __Inner) -> Self { Self(__inner) }
/// }
/// impl ::es_core::private::id::Wraps for AccountId { type Inner = __Inner; }
/// impl ::es_core::private::id::Shows for AccountId {
///     type Inner = __Inner;
///     fn inner(&self) -> &__Inner { &self.0 }
/// }
/// impl ::es_core::private::id::Shows for &AccountId { .. }
/// impl ::es_core::AggregateId for AccountId where [(); __PROVED]: Sized { const PROVED: usize = __PROVED; }
/// ```
fn own(id: &AggregateId) -> TokenStream {
    let AggregateId { krate, input } = id;
    let ident = &input.ident;
    let proof = proofs::proof(krate, "id::identity", ident);
    let body = quote!(
        const PROVED: ::core::primitive::usize = __PROVED;
    );
    let implementation = proofs::implementation(&quote!(impl #krate::AggregateId for #ident), &body, &body);
    quote! {
        #proof

        #[automatically_derived]
        impl ::core::convert::From<__Inner> for #ident {
            fn from(__inner: __Inner) -> Self {
                Self(__inner)
            }
        }

        #[automatically_derived]
        impl #krate::private::id::Wraps for #ident {
            type Inner = __Inner;
        }

        #[automatically_derived]
        impl #krate::private::id::Shows for #ident {
            type Inner = __Inner;

            fn inner(&self) -> &__Inner {
                &self.0
            }
        }

        #[automatically_derived]
        impl #krate::private::id::Shows for &#ident {
            type Inner = __Inner;

            fn inner(&self) -> &__Inner {
                &self.0
            }
        }

        #implementation
    }
}
