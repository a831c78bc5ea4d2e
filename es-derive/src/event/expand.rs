//! The implementation of an event, and the proof that its chain of versions is whole.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Type, spanned::Spanned as _};

use super::{lock, model::Event};
use crate::{messages::version, spans, version::number};

/// ```text
/// impl ::es_core::Event for MoneyDeposited {
///     const NAME: &'static str = "MoneyDeposited";
///     const VERSION: u32 = 2;
///     ..                              // how earlier versions are read, where there are some, and the lock's shape
/// }
/// ..                                  // what differs from the lock
/// ```
pub(super) fn expand(event: &Event) -> TokenStream {
    let Event { krate, name, input, .. } = event;
    let (ident, name) = (&input.ident, &name.text);
    let version = number(event.version());
    let (reading, shape, differences) = (reading(event), lock::shape(event), lock::compare(event));
    let chain = event.previous.as_ref().map(|previous| chain(event, previous));
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #krate::Event for #ident {
                const NAME: &'static ::core::primitive::str = #name;
                const VERSION: ::core::primitive::u32 = #version;
                #reading
                #shape
            }

            #chain
            #differences
        };
    }
}

/// How earlier versions are read; where there are none, the trait knows.
///
/// ```text
/// const OLDEST: u32 = <MoneyDepositedV1 as ::es_core::Event>::OLDEST;
/// fn decode(__version: u32, __payload: &[u8]) -> Result<Self, DecodeError> { .. }
/// ```
fn reading(event: &Event) -> Option<TokenStream> {
    let krate = &event.krate;
    let oldest = match (&event.previous, event.upcast.first()) {
        (Some(previous), _) => quote!(<#previous as #krate::Event>::OLDEST),
        (None, Some(first)) => number(first.number).into_token_stream(),
        (None, None) => return None,
    };
    let decode = decode(event);
    Some(quote! {
        const OLDEST: ::core::primitive::u32 = #oldest;

        fn decode(
            __version: ::core::primitive::u32,
            __payload: &[::core::primitive::u8],
        ) -> ::core::result::Result<Self, #krate::store::DecodeError> {
            #decode
        }
    })
}

/// The way of each version that can be read.
///
/// ```text
/// if __version == 4 {
///     return ::es_core::private::versions::present(__payload);
/// }
/// if __version <= <MoneyDepositedV2 as ::es_core::Event>::VERSION {
///     return ::es_core::private::versions::previous::<MoneyDepositedV2, Self>(__version, __payload);
/// }
/// if (3..4).contains(&__version) {
///     return ::es_core::private::versions::json(__version, __payload, &[
///         (3, |__json| ::es_core::private::versions::step(add_currency(__json))),
///     ]);
/// }
/// ::es_core::private::versions::other(__version)
/// ```
fn decode(event: &Event) -> TokenStream {
    let krate = &event.krate;
    let version = number(event.version());
    let previous = event.previous.as_ref().map(|previous| {
        quote! {
            if __version <= <#previous as #krate::Event>::VERSION {
                return #krate::private::versions::previous::<#previous, Self>(__version, __payload);
            }
        }
    });
    let steps = event.upcast.first().map(|first| {
        let first = number(first.number);
        let steps = event.upcast.iter().map(|step| {
            let (number, path) = (number(step.number), &step.path);
            let outcome = quote_spanned!(path.span()=> #krate::private::versions::step(#path(__json)));
            quote!((#number, |__json| #outcome))
        });
        quote! {
            if (#first..#version).contains(&__version) {
                return #krate::private::versions::json(__version, __payload, &[#(#steps),*]);
            }
        }
    });
    quote! {
        if __version == #version {
            return #krate::private::versions::present(__payload);
        }
        #previous
        #steps
        #krate::private::versions::other(__version)
    }
}

/// What must hold between an event and the type of its previous version, said at that type.
///
/// ```text
/// type __Event = MoneyDeposited;
/// impl ::es_core::private::versions::HasPrevious<MoneyDepositedV1> for __Event {}
/// const _: () = if !same_name(<MoneyDepositedV1 as Event>::NAME, "MoneyDeposited") { panic!("..") };
/// const _: () = if <MoneyDepositedV1 as Event>::VERSION + 1 != 2 { panic!("..") };
/// impl MoneyDepositedV1 { #[doc(hidden)] pub const __ONE_SUCCESSOR_ONLY: bool = true; }
/// ```
///
/// The constant of the last line exists once: a second successor of the same version is a second definition.
fn chain(event: &Event, previous: &Type) -> TokenStream {
    let (ident, name) = (&event.input.ident, &event.name.text);
    let alias = quote!(type __Event = #ident;);
    let span = spans::name_of(previous);
    let krate = event.krate.at(span);
    let first = number(event.upcast.first().map_or(event.version(), |step| step.number));
    let other_event = version::previous_of_another_event(previous, name);
    let gap = version::gap_after_previous(previous, u64::from(first), !event.upcast.is_empty());
    let same_name = quote!(#krate::private::versions::same_name(<#previous as #krate::Event>::NAME, #name));
    let chain = quote_spanned! {span=>
        #[automatically_derived]
        impl #krate::private::versions::HasPrevious<#previous> for __Event {}

        const _: () = if !#same_name {
            ::core::panic!(#other_event)
        };

        const _: () = if <#previous as #krate::Event>::VERSION + 1 != #first {
            ::core::panic!(#gap)
        };

        #[allow(unreachable_pub, dead_code, reason = "sets and handlers ask for it, in whatever crate they are")]
        impl #previous {
            #[doc(hidden)]
            pub const __ONE_SUCCESSOR_ONLY: ::core::primitive::bool = true;
        }
    };
    quote!(#alias #chain)
}
