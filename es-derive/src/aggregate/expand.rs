//! The implementation of an aggregate.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Generics, Type, parse_quote};

use super::{lock, model::Aggregate};
use crate::{fingerprint, generics, proofs, spans};

/// ```text
/// const _: () = {
///     const __PROVED: usize = ::es_core::private::shared_state::<Account>();
///     impl ::es_core::Aggregate for Account where [(); __PROVED]: Sized { .. }
///     ..
/// };
/// ```
pub(super) fn expand(aggregate: &Aggregate) -> TokenStream {
    let implementation = implementation(aggregate);
    let folds = folds(aggregate);
    let requirements = requirements(aggregate);
    let event_handlers = event_handlers(aggregate);
    let lock = lock::expand(aggregate);
    quote! {
        const _: () = {
            #implementation
            #folds
            #requirements
            #event_handlers
            #lock
        };
    }
}

/// The trait itself, and the places where the compiler says that the state cannot go from thread to thread, that the id
/// is none, and that the events are no set. Of an aggregate with parameters it says so where it is used: a constant
/// cannot name them.
///
/// ```text
/// const __PROVED: usize = ::es_core::private::shared_state::<Account>();
/// impl ::es_core::Aggregate for Account where [(); __PROVED]: Sized {
///     type Id = <[(); ::es_core::private::aggregate_id::<AccountId>()] as Proved<AccountId>>::Type;
///     type Event = <[(); ::es_core::private::event_set::<AccountEvent>()] as Proved<AccountEvent>>::Type;
///     const NAME: &'static str = "account";
///     const PROVED: usize = __PROVED;
///     const SNAPSHOTS: Option<Snapshots<Self>> = ::es_core::private::snapshots(100, "0123456789abcdef");
///     fn initial() -> Self { ::es_core::private::initial() }
/// }
/// ```
fn implementation(aggregate: &Aggregate) -> TokenStream {
    let Aggregate { krate, name, id, event, input, .. } = aggregate;
    let ident = &input.ident;
    let name = name.as_ref().map(|name| &name.text);
    let snapshots = snapshots(aggregate);
    let body = |id: Option<TokenStream>, event: Option<TokenStream>, proved: Option<TokenStream>| {
        quote! {
            type Id = #id;
            type Event = #event;
            const NAME: &'static ::core::primitive::str = #name;
            #proved
            #snapshots

            fn initial() -> Self {
                #krate::private::initial()
            }
        }
    };
    let plain = |ty: &Option<Type>| ty.as_ref().map(Type::to_token_stream);
    if !input.generics.params.is_empty() {
        let (body, generics) = (body(plain(id), plain(event), None), generics(aggregate));
        let (parameters, arguments, clauses) = generics.split_for_impl();
        return quote! {
            #[automatically_derived]
            impl #parameters #krate::Aggregate for #ident #arguments #clauses { #body }
        };
    }
    let proved = |ty: &Option<Type>, proof| {
        let ty = ty.as_ref()?;
        Some(proofs::proved(krate, proof, &ty.to_token_stream(), spans::name_of(ty)))
    };
    let known = || {
        Some(quote!(
            const PROVED: ::core::primitive::usize = __PROVED;
        ))
    };
    let shared = proofs::proof(krate, "shared_state", ident);
    let implementation = proofs::implementation(
        &quote!(impl #krate::Aggregate for #ident),
        &body(proved(id, "aggregate_id"), proved(event, "event_set"), known()),
        &body(plain(id), plain(event), known()),
    );
    quote!(#shared #implementation)
}

/// The parameters, where there are some. Each type in them must be one that can be part of an aggregate, and the
/// aggregate must have what it would have to have without parameters; which of them have it is asked where it is used.
///
/// ```text
/// impl<C: Currency> .. for Account<C>
/// where
///     C: Send + Sync + 'static,
///     Self: ::es_core::private::Initial,
/// ```
fn generics(aggregate: &Aggregate) -> Generics {
    let Aggregate { krate, input, .. } = aggregate;
    generics::assuming(generics::thread_safe(&input.generics), parse_quote!(Self: #krate::private::Initial))
}

/// What the block of event handlers asks: which events there are, and what comes with them.
///
/// ```text
/// impl ::es_core::Folds for Account {
///     type Scope = <Self as ::es_core::Aggregate>::Event;
///     type Given = Metadata;
///     const OPEN: bool = false;
/// }
/// ```
fn folds(aggregate: &Aggregate) -> TokenStream {
    let Aggregate { krate, event, input, .. } = aggregate;
    let ident = &input.ident;
    // Without parameters the set has been proved to be one above.
    let scope =
        if input.generics.params.is_empty() { quote!(<Self as #krate::Aggregate>::Event) } else { quote!(#event) };
    let (parameters, arguments, clauses) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #parameters #krate::Folds for #ident #arguments #clauses {
            type Scope = #scope;
            type Given = #krate::Metadata;
            const OPEN: ::core::primitive::bool = false;
        }

        #[automatically_derived]
        impl #parameters #krate::private::OneRole for #ident #arguments #clauses {
            type Role = #krate::private::Folding;
        }
    }
}

/// The places where the compiler says that the state has no `Default`, and that there is no block of event handlers:
/// both at the name of the type.
///
/// ```text
/// impl ::es_core::private::HasInitial for Account {}
/// impl ::es_core::private::HasEventHandlers<AccountEvent> for Account {}
/// ```
fn requirements(aggregate: &Aggregate) -> TokenStream {
    let Aggregate { krate, event, input, .. } = aggregate;
    let ident = &input.ident;
    let generics = generics(aggregate);
    let (parameters, arguments, clauses) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #parameters #krate::private::HasInitial for #ident #arguments #clauses {}

        #[automatically_derived]
        impl #parameters #krate::private::HasEventHandlers<#event> for #ident #arguments #clauses {}
    }
}

/// The way to the block of event handlers.
///
/// ```text
/// impl ::es_core::EventHandlers<AccountEvent> for Account {
///     const READS_METADATA: bool = ::es_core::private::reads_metadata::<AccountEvent, Self>();
///     fn fold(&mut self, __event: AccountEvent, __metadata: &Metadata) {
///         ::es_core::private::fold(self, __event, __metadata);
///     }
///     fn fold_ref(&mut self, __event: &AccountEvent, __metadata: &Metadata) { .. }
/// }
/// ```
fn event_handlers(aggregate: &Aggregate) -> TokenStream {
    let Aggregate { krate, event, input, .. } = aggregate;
    let ident = &input.ident;
    let generics = generics(aggregate);
    let (parameters, arguments, clauses) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #parameters #krate::EventHandlers<#event> for #ident #arguments #clauses {
            const READS_METADATA: ::core::primitive::bool = #krate::private::reads_metadata::<#event, Self>();

            fn fold(&mut self, __event: #event, __metadata: &#krate::Metadata) {
                #krate::private::fold(self, __event, __metadata);
            }

            fn fold_ref(&mut self, __event: &#event, __metadata: &#krate::Metadata) {
                #krate::private::fold_ref(self, __event, __metadata);
            }
        }
    }
}

/// The constant for snapshots, where the user wants them. What the state lacks for it is said at the key.
fn snapshots(aggregate: &Aggregate) -> Option<TokenStream> {
    let Aggregate { krate, input, snapshot, .. } = aggregate;
    let snapshot = snapshot.as_ref()?;
    let (every, _) = snapshot.every?;
    let fingerprint = fingerprint::of(input, snapshot.version);
    let at_key = krate.at(snapshot.span);
    let value = quote_spanned!(snapshot.span=> #at_key::private::snapshots::<Self>(#every, #fingerprint));
    Some(quote! {
        const SNAPSHOTS: ::core::option::Option<#krate::snapshot::Snapshots<Self>> = #value;
    })
}
