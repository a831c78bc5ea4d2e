//! The implementations of an aggregate's handlers.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Ident;

use crate::{
    handlers::{self, Argument, Block, Handler, Passing},
    spans,
};

/// ```text
/// impl Account { .. }                                     // the block as it was written
/// const _: () = {
///     type __Aggregate = Account;
///     type __Set = <Account as ::es_core::Aggregate>::Event;
///     ..                                                  // one `const _` for each handler
///     impl ::es_core::private::OneEventHandlerBlock<__Set> for __Aggregate { .. }
/// };
/// ```
pub(super) fn expand(block: &Block) -> TokenStream {
    let item = &block.item;
    let (cfgs, owner, set) = (block.cfgs(), block.owner(), handlers::set(block));
    let handlers = block.handlers.iter().filter_map(|handler| apply(block, handler));
    let all = event_handlers(block);
    quote! {
        #item
        #(#cfgs)*
        const _: () = {
            type __Aggregate = #owner;
            #set
            #(#handlers)*
            #all
        };
    }
}

/// One handler. The whole `impl` stands at the event's type: so two handlers for one event are both underlined.
///
/// ```text
/// const _: () = {
///     type __Event = AccountOpened;
///     const _: () = ::es_core::private::event_of::<__Set, AccountOpened>();
///     impl ::es_core::Apply<__Event> for __Aggregate {
///         fn apply(&mut self, __event: __Event, __metadata: &Metadata) {
///             __Aggregate::opened(self, __event)
///         }
///         fn apply_ref(&mut self, __event: &__Event, __metadata: &Metadata) {
///             __Aggregate::opened(self, <__Aggregate as ::es_core::private::ByValue<__Event>>::copy(__event))
///         }
///     }
/// };
/// ```
fn apply(block: &Block, handler: &Handler) -> Option<TokenStream> {
    let Handler { cfgs, .. } = handler;
    let subject = handler.subject()?;
    let (span, name) = (subject.span(), handler.name());
    let krate = block.krate.at(span);
    let event = handlers::outside(&subject.ty);
    let (this, value, metadata) = (spans::variable("self"), spans::variable("__event"), spans::variable("__metadata"));
    let (owned, borrowed) = match subject.passing {
        Passing::Value => (
            quote_spanned!(span=> #value),
            quote_spanned!(span=> <__Aggregate as #krate::private::ByValue<__Event>>::copy(#value)),
        ),
        Passing::Shared | Passing::Exclusive => (quote_spanned!(span=> &#value), quote_spanned!(span=> #value)),
    };
    let set = handlers::at_owner(block, "__Set");
    // Where the keywords stood at the event too, a misspelt event would be reported twice.
    let proof = quote!(const _: () = #krate::private::event_of::<#set, #event>(););
    let second = handler.surroundings().map(|argument| second(block, argument, &metadata));
    let implementation = quote_spanned! {span=>
        #[automatically_derived]
        impl #krate::Apply<__Event> for __Aggregate {
            fn apply(&mut #this, #value: __Event, #metadata: &#krate::Metadata) {
                __Aggregate::#name(#this, #owned #second)
            }

            fn apply_ref(&mut #this, #value: &__Event, #metadata: &#krate::Metadata) {
                __Aggregate::#name(#this, #borrowed #second)
            }
        }
    };
    Some(quote! {
        #(#cfgs)*
        const _: () = {
            type __Event = #event;
            #proof
            #implementation
        };
    })
}

/// The second argument, at its type: so the compiler says there what it should be.
///
/// ```text
/// , <Metadata as ::es_core::private::MetadataArgument>::of(__metadata)
/// ```
fn second(block: &Block, argument: &Argument, metadata: &Ident) -> TokenStream {
    let (krate, ty) = (block.krate.at(argument.span()), handlers::outside(&argument.ty));
    quote_spanned!(argument.span()=> , <#ty as #krate::private::MetadataArgument>::of(#metadata))
}

/// The block as a whole. The first line is where the compiler says which events have no handler.
///
/// ```text
/// const __DISPATCHER: Dispatcher<__Set, __Aggregate> = ::es_core::private::dispatcher();
/// impl ::es_core::private::OneEventHandlerBlock<__Set> for __Aggregate {
///     const READS_METADATA: bool = true;
///     fn fold(&mut self, __event: __Set, __metadata: &Metadata) { (__DISPATCHER.owned)(__event, self, __metadata); }
///     fn fold_ref(&mut self, __event: &__Set, __metadata: &Metadata) { .. }
/// }
/// ```
fn event_handlers(block: &Block) -> TokenStream {
    let Block { krate, .. } = block;
    let reads_metadata = reads_metadata(block);
    let span = spans::name_of(block.owner());
    let krate = krate.at(span);
    quote_spanned! {span=>
        const __DISPATCHER: #krate::private::Dispatcher<__Set, __Aggregate> = #krate::private::dispatcher();

        #[automatically_derived]
        impl #krate::private::OneEventHandlerBlock<__Set> for __Aggregate {
            const READS_METADATA: ::core::primitive::bool = #reads_metadata;

            fn fold(&mut self, __event: __Set, __metadata: &#krate::Metadata) {
                (__DISPATCHER.owned)(__event, self, __metadata);
            }

            fn fold_ref(&mut self, __event: &__Set, __metadata: &#krate::Metadata) {
                (__DISPATCHER.shared)(__event, self, __metadata);
            }
        }
    }
}

/// Whether a handler asks for metadata; one that is compiled away does not.
///
/// ```text
/// !<[()]>::is_empty(&[(), #[cfg(feature = "audit")] ()])
/// ```
fn reads_metadata(block: &Block) -> TokenStream {
    let readers = block.handlers.iter().filter(|handler| handler.surroundings().is_some()).map(|handler| {
        let cfgs = &handler.cfgs;
        quote!(#(#cfgs)* ())
    });
    quote!(!<[()]>::is_empty(&[#(#readers),*]))
}
