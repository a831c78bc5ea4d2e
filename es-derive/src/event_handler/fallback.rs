//! What is left of a block with mistakes: enough that nothing else complains about it.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};

use super::project;
use crate::{
    errors::Errors,
    handlers::{Argument, Block, Handler, Passing},
};

/// As which kind of block it was meant is not asked: it stands in for each.
///
/// ```text
/// impl Account { .. }                                     // the block as it was written
/// impl<__E> ::es_core::Apply<__E> for Account where Self: ::es_core::Folds { .. }
/// impl<__S, __G: Given> ::es_core::private::OneEventHandlerBlock<__S, __G> for Account { .. }
/// impl<__E> ::es_core::private::Covers<__E> for Account {}
/// impl<'__c> ::es_core::private::HandlersIn<Account, PgContext<'__c>> for __Handlers { .. }
/// ```
pub(super) fn fallback(block: &Block, errors: &Errors) -> TokenStream {
    let apply = (!block.handlers.first().is_some_and(Handler::is_async)).then(|| apply(block));
    stand_in(block, errors, apply.as_ref())
}

/// The same for what may be of a projection: without what only folds have.
pub(super) fn quietly(block: &Block, errors: &Errors) -> TokenStream {
    stand_in(block, errors, None)
}

fn stand_in(block: &Block, errors: &Errors, apply: Option<&TokenStream>) -> TokenStream {
    let krate = &block.krate;
    let item = block.item_after_error();
    let (cfgs, owner) = (block.cfgs(), block.owner());
    let errors = errors.to_items();
    if item.generics.lifetimes().next().is_some() {
        return quote!(#errors #item);
    }
    let with = |parameters: &[syn::GenericParam]| {
        let mut generics = item.generics.clone();
        generics.params.extend(parameters.iter().cloned());
        generics.split_for_impl().0.to_token_stream()
    };
    let given = syn::parse_quote!(__G: #krate::Given);
    let one_block = with(&[syn::parse_quote!(__S), given]);
    let covers = with(&[syn::parse_quote!(__E)]);
    // With the context that the handlers take: the types of those who run the projection follow from it.
    let context = block.handlers.iter().find_map(context).map(|argument| argument.ty.to_token_stream());
    let (parameter, context) =
        context.map_or_else(|| (Some(quote!(__C: ::core::marker::Send)), quote!(__C)), project::context);
    let mut handlers_in = item.generics.clone();
    if let Some(parameter) = parameter {
        handlers_in.params.insert(0, syn::parse_quote!(#parameter));
    }
    let handlers_in = handlers_in.split_for_impl().0.to_token_stream();
    let clauses = &item.generics.where_clause;
    quote! {
        #errors
        #item
        #(#cfgs)*
        const _: () = {
            #apply
            impl #one_block #krate::private::OneEventHandlerBlock<__S, __G> for #owner #clauses {
                const DISPATCHER: #krate::private::Dispatcher<__S, Self> =
                    #krate::private::no_dispatcher();
                const HANDLERS: &'static [#krate::private::Fold<Self, __G>] = &[];
                const EVENTS: &'static [#krate::EventSchema] = &[];
                type Handlers = __Handlers;
                type Keys = ();
                type Reads = #krate::private::ReadsNothing;
            }
            impl #covers #krate::private::Covers<__E> for #owner #clauses {}
            #[allow(missing_debug_implementations, unnameable_types, unreachable_pub, dead_code, reason = "it is named, and never made")]
            pub struct __Handlers;
            impl #handlers_in #krate::private::HandlersIn<#owner, #context> for __Handlers #clauses {
                async fn handle_stored<'__a>(
                    _: &'__a #owner,
                    _: &'__a #krate::store::StoredEvent,
                    _: ::core::primitive::u32,
                    _: &'__a mut #context,
                ) -> ::core::result::Result<(), #krate::projection::ProjectionError> {
                    ::core::result::Result::Ok(())
                }
            }
        };
    }
}

/// The context that a handler takes, also where it should be `async` and is not.
fn context(handler: &Handler) -> Option<&Argument> {
    handler.arguments.iter().skip(1).find(|argument| argument.passing == Passing::Exclusive)
}

/// ```text
/// impl<__E> ::es_core::Apply<__E> for Account where Self: ::es_core::Folds { .. }
/// ```
///
/// Of a type that has no derive, that is one mistake more.
fn apply(block: &Block) -> TokenStream {
    let (krate, owner) = (&block.krate, block.owner());
    let mut generics = block.item.generics.clone();
    generics.params.push(syn::parse_quote!(__E));
    generics.make_where_clause().predicates.push(syn::parse_quote!(Self: #krate::Folds));
    let (parameters, _, clauses) = generics.split_for_impl();
    quote! {
        impl #parameters #krate::Apply<__E> for #owner #clauses {
            type Given = <Self as #krate::Folds>::Given;
            fn apply(&mut self, _: __E, _: &Self::Given) -> <Self::Given as #krate::Given>::Outcome {
                <Self::Given as #krate::Given>::nothing()
            }
            fn apply_ref(&mut self, _: &__E, _: &Self::Given) -> <Self::Given as #krate::Given>::Outcome {
                <Self::Given as #krate::Given>::nothing()
            }
        }
    }
}
