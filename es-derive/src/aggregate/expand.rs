//! The implementation of an aggregate.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;

use super::model::Aggregate;
use crate::{fingerprint, proofs, spans};

/// ```text
/// const _: () = {
///     const __PROVED: usize = ::es_core::private::shared_state::<Account>();
///     impl ::es_core::Aggregate for Account where [(); __PROVED]: Sized {
///         type Id = <[(); ::es_core::private::aggregate_id::<AccountId>()] as Proved<AccountId>>::Type;
///         type Event = <[(); ::es_core::private::event_set::<AccountEvent>()] as Proved<AccountEvent>>::Type;
///         const NAME: &'static str = "account";
///         const SNAPSHOTS: Option<Snapshots<Self>> = ::es_core::private::snapshots(100, "0123456789abcdef");
///         fn initial() -> Self { ::es_core::private::initial() }
///     }
///     ..
/// };
/// ```
pub(super) fn expand(aggregate: &Aggregate) -> TokenStream {
    let Aggregate { krate, name, id, event, input, .. } = aggregate;
    let ident = &input.ident;
    let name = name.as_ref().map(|name| &name.text);
    let snapshots = snapshots(aggregate);
    let body = |id: Option<TokenStream>, event: Option<TokenStream>| {
        quote! {
            type Id = #id;
            type Event = #event;
            const NAME: &'static ::core::primitive::str = #name;
            const PROVED: ::core::primitive::usize = __PROVED;
            #snapshots

            fn initial() -> Self {
                #krate::private::initial()
            }
        }
    };
    let proved = |ty: &Type, proof| proofs::proved(krate, proof, &ty.to_token_stream(), spans::name_of(ty));
    let implementation = proofs::implementation(
        &quote!(impl #krate::Aggregate for #ident),
        &body(id.as_ref().map(|ty| proved(ty, "aggregate_id")), event.as_ref().map(|ty| proved(ty, "event_set"))),
        &body(id.as_ref().map(Type::to_token_stream), event.as_ref().map(Type::to_token_stream)),
    );
    let shared = proofs::proof(krate, "shared_state", ident);
    let requirements = requirements(aggregate);
    let event_handlers = event_handlers(aggregate);
    quote! {
        const _: () = {
            #shared
            #implementation
            #requirements
            #event_handlers
        };
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
    quote! {
        #[automatically_derived]
        impl #krate::private::HasInitial for #ident {}

        #[automatically_derived]
        impl #krate::private::HasEventHandlers<#event> for #ident {}
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
    quote! {
        #[automatically_derived]
        impl #krate::EventHandlers<#event> for #ident {
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
