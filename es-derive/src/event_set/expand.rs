//! The implementations of a set and of each of its events.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::model::{EventSet, Variant};
use crate::{messages, spans};

pub(super) fn expand(set: &EventSet) -> TokenStream {
    let members = set.variants().map(|variant| member(set, variant));
    let names = different_names(set);
    let event_set = event_set(set);
    let itself = into_events_of_the_set(set);
    let dispatch = dispatch(set);
    quote! {
        const _: () = {
            #(#members)*
            #names
            #event_set
            #itself
            #dispatch
        };
    }
}

/// What each event gets from being in the set. The first is where the compiler says that the type is not an event.
///
/// ```text
/// impl ::es_core::private::Member<AccountEvent> for AccountOpened {}
/// impl ::es_core::EventOf<AccountEvent> for AccountOpened {}
/// impl ::core::convert::From<AccountOpened> for AccountEvent {
///     fn from(__event: AccountOpened) -> Self { Self::Opened(__event) }
/// }
/// impl ::es_core::IntoEvents<AccountEvent> for AccountOpened {
///     fn into_events(self, __events: &mut Vec<AccountEvent>) { __events.push(AccountEvent::Opened(self)); }
/// }
/// ```
pub(super) fn member(set: &EventSet, variant: Variant<'_>) -> TokenStream {
    let EventSet { krate, input } = set;
    let (ident, Variant { ident: name, event }) = (&input.ident, variant);
    let place = spans::name_of(event);
    let at_place = krate.at(place);
    let marks = quote_spanned! {place=>
        #[automatically_derived]
        impl #at_place::private::Member<#ident> for #event {}

        #[automatically_derived]
        impl #at_place::EventOf<#ident> for #event {}

        #[automatically_derived]
        impl #at_place::IntoEvents<#ident> for #event {
            fn into_events(self, __events: &mut #at_place::private::Vec<#ident>) {
                __events.push(#ident::#name(self));
            }
        }
    };
    quote! {
        #marks

        #[automatically_derived]
        impl ::core::convert::From<#event> for #ident {
            fn from(__event: #event) -> Self {
                Self::#name(__event)
            }
        }
    }
}

/// No two events of a set have one stored name; said at the second of the two.
///
/// ```text
/// const __NAMES: &[&str] = &[::es_core::private::name::<AccountEvent, AccountOpened>(), ..];
/// const _: () = if !::es_core::private::is_first(__NAMES, 1) { ::core::panic!("..") };
/// ```
fn different_names(set: &EventSet) -> TokenStream {
    let EventSet { krate, input } = set;
    let ident = &input.ident;
    let names = set.variants().map(|Variant { event, .. }| quote!(#krate::private::name::<#ident, #event>()));
    let assertions = set.variants().enumerate().skip(1).map(|(index, Variant { event, .. })| {
        let message = messages::set_name_taken(ident, event);
        let place = spans::name_of(event);
        let krate = krate.at(place);
        quote_spanned! {place=>
            const _: () = if !#krate::private::is_first(__NAMES, #index) { ::core::panic!(#message) };
        }
    });
    quote! {
        const __NAMES: &[&::core::primitive::str] = &[#(#names),*];
        #(#assertions)*
    }
}

/// The set itself.
///
/// ```text
/// impl ::es_core::EventSet for AccountEvent {
///     const SCHEMAS: &'static [EventSchema] = &[::es_core::private::schema::<Self, AccountOpened>(), ..];
///     fn schema(&self) -> EventSchema {
///         match self { Self::Opened(_) => ::es_core::private::schema::<Self, AccountOpened>(), .. }
///     }
///     fn encode_with<__C: EventEncoder>(&self, __encoder: __C) -> Result<__C::Output, __C::Error> {
///         match self { Self::Opened(__event) => ::es_core::private::encode::<Self, _, _>(__event, __encoder), .. }
///     }
///     fn decode(__name: &str, __version: u32, __payload: &[u8]) -> Result<Self, DecodeError> {
///         if __name == ::es_core::private::name::<Self, AccountOpened>() {
///             return Result::map(::es_core::private::decode::<Self, AccountOpened>(__version, __payload), Self::Opened);
///         }
///         ..
///         ::es_core::private::unknown_event()
///     }
/// }
/// ```
fn event_set(set: &EventSet) -> TokenStream {
    let EventSet { krate, input } = set;
    let ident = &input.ident;
    let events: Vec<_> = set.variants().map(|variant| variant.event).collect();
    let names: Vec<_> = set.variants().map(|variant| variant.ident).collect();
    quote! {
        #[automatically_derived]
        impl #krate::EventSet for #ident {
            const SCHEMAS: &'static [#krate::EventSchema] = &[#(#krate::private::schema::<Self, #events>()),*];

            fn schema(&self) -> #krate::EventSchema {
                match self {
                    #(Self::#names(_) => #krate::private::schema::<Self, #events>(),)*
                }
            }

            fn encode_with<__C>(&self, __encoder: __C) -> ::core::result::Result<__C::Output, __C::Error>
            where
                __C: #krate::event::EventEncoder,
            {
                match self {
                    #(Self::#names(__event) => {
                        #krate::private::encode::<Self, #events, __C>(__event, __encoder)
                    })*
                }
            }

            fn decode(
                __name: &::core::primitive::str,
                __version: ::core::primitive::u32,
                __payload: &[::core::primitive::u8],
            ) -> ::core::result::Result<Self, #krate::store::DecodeError> {
                #(if __name == #krate::private::name::<Self, #events>() {
                    return ::core::result::Result::map(
                        #krate::private::decode::<Self, #events>(__version, __payload),
                        Self::#names,
                    );
                })*
                #krate::private::unknown_event()
            }
        }
    }
}

/// A command handler may return the set's enum itself.
///
/// ```text
/// impl ::es_core::IntoEvents<AccountEvent> for AccountEvent {
///     fn into_events(self, __events: &mut Vec<Self>) { __events.push(self); }
/// }
/// ```
pub(super) fn into_events_of_the_set(set: &EventSet) -> TokenStream {
    let EventSet { krate, input } = set;
    let ident = &input.ident;
    quote! {
        #[automatically_derived]
        impl #krate::IntoEvents<#ident> for #ident {
            fn into_events(self, __events: &mut #krate::private::Vec<#ident>) {
                __events.push(self);
            }
        }
    }
}

/// The way to the handlers. Each bound stands at the variant's type, and the head at the name of the enum: so the
/// compiler labels the variant that has no handler.
///
/// ```text
/// impl<__H> ::es_core::Dispatch<__H> for AccountEvent where __H: ::es_core::Apply<AccountOpened>, .. {
///     fn dispatch(self, __handler: &mut __H, __metadata: &Metadata) {
///         match self { Self::Opened(__event) => Apply::apply(__handler, __event, __metadata), .. }
///     }
///     ..
/// }
/// ```
fn dispatch(set: &EventSet) -> TokenStream {
    let EventSet { krate, input } = set;
    let ident = &input.ident;
    let events: Vec<_> = set.variants().map(|variant| variant.event).collect();
    let names: Vec<_> = set.variants().map(|variant| variant.ident).collect();
    let bounds = events.iter().map(|event| {
        let place = spans::name_of(event);
        let krate = krate.at(place);
        quote_spanned!(place=> __H: #krate::Apply<#event>)
    });
    let krate = krate.at(ident.span());
    quote_spanned! {ident.span()=>
        #[automatically_derived]
        impl<__H> #krate::Dispatch<__H> for #ident
        where
            #(#bounds,)*
        {
            fn dispatch(self, __handler: &mut __H, __metadata: &#krate::Metadata) {
                match self {
                    #(Self::#names(__event) => {
                        <__H as #krate::Apply<#events>>::apply(__handler, __event, __metadata);
                    })*
                }
            }

            fn dispatch_ref(&self, __handler: &mut __H, __metadata: &#krate::Metadata) {
                match self {
                    #(Self::#names(__event) => {
                        <__H as #krate::Apply<#events>>::apply_ref(__handler, __event, __metadata);
                    })*
                }
            }
        }
    }
}
