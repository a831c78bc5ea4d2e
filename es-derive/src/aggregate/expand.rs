//! The implementation of an aggregate.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};

use super::{lock, model::Aggregate};
use crate::fingerprint;

/// ```text
/// const _: () = {
///     impl ::es_core::Aggregate for Account {
///         type Id = AccountId;
///         type Event = AccountEvent;
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
    let requirements = requirements(aggregate);
    let event_handlers = event_handlers(aggregate);
    let lock = lock::expand(aggregate);
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #krate::Aggregate for #ident {
                type Id = #id;
                type Event = #event;
                const NAME: &'static ::core::primitive::str = #name;
                #snapshots

                fn initial() -> Self {
                    #krate::private::initial()
                }
            }
            #requirements
            #event_handlers
            #lock
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
