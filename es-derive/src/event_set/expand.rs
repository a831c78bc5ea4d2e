//! The implementations of a set and of each of its events.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;

use super::{
    lock,
    model::{EventSet, Variant},
};
use crate::messages::{self, retired};

/// ```text
/// const _: () = {
///     use ::es_core::private::versions::Superseded as _;
///     type __Event0 = AccountOpened;
///     ..
/// };
/// ```
pub(super) fn expand(set: &EventSet) -> TokenStream {
    let krate = &set.krate;
    let variants = set.variants();
    let members = variants.iter().map(|variant| member(set, variant));
    let names = different_names(set, &variants);
    let retired = retired_are_gone(set);
    let newest = newest_versions(&variants);
    let event_set = event_set(set, &variants);
    let itself = into_events_of_the_set(set);
    let dispatch = dispatch(set, &variants);
    let coverage = coverage(set, &variants);
    let lock = lock::nothing_has_vanished(set, &variants);
    quote! {
        const _: () = {
            #[allow(unused_imports, reason = "hidden by the constants of superseded events")]
            use #krate::private::versions::Superseded as _;
            #(#members)*
            #names
            #retired
            #newest
            #event_set
            #itself
            #dispatch
            #coverage
            #lock
        };
    }
}

/// What each event gets from being in the set, at the event. The first implementation is where the compiler says that
/// the type is not an event.
///
/// ```text
/// type __Event0 = AccountOpened;
/// impl ::es_core::private::Member<AccountEvent> for __Event0 {}
/// impl ::es_core::EventOf<AccountEvent> for __Event0 {}
/// impl ::es_core::IntoEvents<AccountEvent> for __Event0 {
///     fn into_events(self, __events: &mut Vec<AccountEvent>) { __events.push(AccountEvent::Opened(self)); }
/// }
/// impl ::core::convert::From<__Event0> for AccountEvent {
///     fn from(__event: __Event0) -> Self { Self::Opened(__event) }
/// }
/// ```
fn member(set: &EventSet, variant: &Variant<'_>) -> TokenStream {
    let (ident, Variant { ident: name, event, alias }) = (&set.input.ident, variant);
    let krate = set.krate.at(alias.span());
    let implementations = quote_spanned! {alias.span()=>
        #[automatically_derived]
        impl #krate::private::Member<#ident> for #alias {}

        #[automatically_derived]
        impl #krate::EventOf<#ident> for #alias {}

        #[automatically_derived]
        impl #krate::IntoEvents<#ident> for #alias {
            fn into_events(self, __events: &mut #krate::private::Vec<#ident>) {
                __events.push(#ident::#name(self));
            }
        }

        #[automatically_derived]
        impl ::core::convert::From<#alias> for #ident {
            fn from(__event: #alias) -> Self {
                Self::#name(__event)
            }
        }
    };
    quote! {
        type #alias = #event;
        #implementations
    }
}

/// No two events of a set have one stored name; said at the second of the two.
///
/// ```text
/// const __NAMES: [&str; 4] = [::es_core::private::name::<AccountEvent, __Event0>(), ..];
/// const __REPEATED: [bool; 4] = ::es_core::private::repeated(__NAMES);
/// const _: () = if __REPEATED[1] { ::core::panic!("..") };
/// ```
fn different_names(set: &EventSet, variants: &[Variant<'_>]) -> TokenStream {
    let EventSet { krate, input, .. } = set;
    let ident = &input.ident;
    // An earlier version has the same name as the newest one, and is told so below.
    let names = variants.iter().map(|Variant { alias, .. }| {
        quote!(if <#alias>::__ONE_SUCCESSOR_ONLY { "" } else { #krate::private::name::<#ident, #alias>() })
    });
    let assertions = variants.iter().enumerate().skip(1).map(|(index, Variant { event, alias, .. })| {
        let message = messages::set_name_taken(ident, event);
        quote_spanned! {alias.span()=>
            const _: () = if __REPEATED[#index] && !<#alias>::__ONE_SUCCESSOR_ONLY { ::core::panic!(#message) };
        }
    });
    let count = variants.len();
    quote! {
        const __NAMES: [&::core::primitive::str; #count] = [#(#names),*];
        const __REPEATED: [::core::primitive::bool; #count] = #krate::private::repeated(__NAMES);
        #(#assertions)*
    }
}

/// What is retired is no event of the set any more; said at the name that is one.
///
/// ```text
/// const _: () = if ::es_core::private::is_among(&__NAMES, "AccountRenamed") { ::core::panic!("..") };
/// ```
fn retired_are_gone(set: &EventSet) -> TokenStream {
    let assertions = set.retired.iter().map(|name| {
        let (krate, text) = (set.krate.at(name.span), &name.text);
        let message = retired::still_there(text, &set.input.ident);
        quote_spanned! {name.span=>
            const _: () = if #krate::private::is_among(&__NAMES, #text) { ::core::panic!(#message) };
        }
    });
    assertions.collect()
}

/// Each event is in the set in its newest version; said at the one that is not.
///
/// ```text
/// const _: () = if <__Event0>::__ONE_SUCCESSOR_ONLY { ::core::panic!("..") };
/// ```
fn newest_versions(variants: &[Variant<'_>]) -> TokenStream {
    let assertions = variants.iter().map(|Variant { event, alias, .. }| {
        let message = messages::version::superseded(event);
        quote_spanned! {alias.span()=>
            const _: () = if <#alias>::__ONE_SUCCESSOR_ONLY { ::core::panic!(#message) };
        }
    });
    quote!(#(#assertions)*)
}

/// The set itself.
///
/// ```text
/// impl ::es_core::EventSet for AccountEvent {
///     const SCHEMAS: &'static [EventSchema] = &[::es_core::private::schema::<Self, __Event0>(), ..];
///     const RETIRED: &'static [&'static str] = &["AccountRenamed"];       // where there are some
///     ..                                                                  // the lock's shape
///     fn schema(&self) -> EventSchema {
///         match self { Self::Opened(_) => ::es_core::private::schema::<Self, __Event0>(), .. }
///     }
///     fn encode_with<__C: EventEncoder>(&self, __encoder: __C) -> Result<__C::Output, __C::Error> {
///         match self { Self::Opened(__event) => ::es_core::private::encode::<Self, _, _>(__event, __encoder), .. }
///     }
///     fn decode(__name: &str, __version: u32, __payload: &[u8]) -> Result<Option<Self>, DecodeError> {
///         if __name == ::es_core::private::name::<Self, __Event0>() {
///             return ::es_core::private::decode::<Self, __Event0>(__version, __payload, Self::Opened);
///         }
///         ..
///         ::es_core::private::no_event(__name)
///     }
/// }
/// ```
fn event_set(set: &EventSet, variants: &[Variant<'_>]) -> TokenStream {
    let EventSet { krate, input, .. } = set;
    let ident = &input.ident;
    let (names, events) = names_and_events(variants);
    let shape = lock::shape(set, variants);
    let retired = (!set.retired.is_empty()).then(|| {
        let names = set.retired.iter().map(|name| &name.text);
        quote!(const RETIRED: &'static [&'static ::core::primitive::str] = &[#(#names),*];)
    });
    quote! {
        #[automatically_derived]
        impl #krate::EventSet for #ident {
            const SCHEMAS: &'static [#krate::EventSchema] = &[#(#krate::private::schema::<Self, #events>()),*];
            #retired
            #shape

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
            ) -> ::core::result::Result<::core::option::Option<Self>, #krate::store::DecodeError> {
                #(if __name == #krate::private::name::<Self, #events>() {
                    return #krate::private::decode::<Self, #events>(__version, __payload, Self::#names);
                })*
                #krate::private::no_event(__name)
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
    let EventSet { krate, input, .. } = set;
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
/// impl<__H> ::es_core::Dispatch<__H> for AccountEvent
/// where
///     __H: ::es_core::Apply<__Event0, Given = Metadata>,
///     ..
/// {
///     fn dispatch(self, __handler: &mut __H, __metadata: &Metadata) {
///         match self { Self::Opened(__event) => Apply::apply(__handler, __event, __metadata), .. }
///     }
///     ..
/// }
/// ```
fn dispatch(set: &EventSet, variants: &[Variant<'_>]) -> TokenStream {
    let ident = &set.input.ident;
    let (names, events) = names_and_events(variants);
    let bounds = events.iter().map(|event| {
        let krate = set.krate.at(event.span());
        quote_spanned!(event.span()=> __H: #krate::Apply<#event, Given = #krate::Metadata>)
    });
    let krate = set.krate.at(ident.span());
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

/// What `covers(AccountEvent)` demands of a block of handlers. The bounds stand as those above.
///
/// ```text
/// impl<__H> ::es_core::private::Coverage<__H> for AccountEvent
/// where
///     __H: ::es_core::private::Covers<__Event0>,
///     ..
/// {
/// }
/// ```
fn coverage(set: &EventSet, variants: &[Variant<'_>]) -> TokenStream {
    let ident = &set.input.ident;
    let bounds = variants.iter().map(|Variant { alias, .. }| {
        let krate = set.krate.at(alias.span());
        quote_spanned!(alias.span()=> __H: #krate::private::Covers<#alias>)
    });
    let krate = set.krate.at(ident.span());
    quote_spanned! {ident.span()=>
        #[automatically_derived]
        impl<__H> #krate::private::Coverage<__H> for #ident where #(#bounds,)* {}
    }
}

/// The variants' names and the aliases of their events, for repetition.
fn names_and_events<'a>(variants: &'a [Variant<'_>]) -> (Vec<&'a Ident>, Vec<&'a Ident>) {
    variants.iter().map(|variant| (variant.ident, &variant.alias)).unzip()
}
