//! What is left of a block with mistakes: enough that nothing else complains about it.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};

use crate::{errors::Errors, handlers::Block};

/// As which kind of block it was meant is not asked: it stands in for each.
///
/// ```text
/// impl Account { .. }                                     // the block as it was written
/// impl<__E, __G: Given> ::es_core::Apply<__E, __G> for Account { .. }
/// impl<__S, __G: Given> ::es_core::private::handlers::OneEventHandlerBlock<__S, __G> for Account { .. }
/// impl<__E> ::es_core::private::coverage::Covers<__E> for Account {}
/// impl ::es_core::private::handlers::OneProjectionBlock for Account { .. }
/// impl<__C> ::es_core::private::handlers::HandlersIn<Account, __C> for __Handlers { .. }
/// ```
pub(super) fn fallback(block: &Block, errors: &Errors) -> TokenStream {
    let krate = &block.krate;
    let item = block.item_after_error();
    let (cfgs, owner) = (block.cfgs(), block.owner());
    let errors = errors.to_items();
    let with = |parameters: &[syn::GenericParam]| {
        let mut generics = item.generics.clone();
        generics.params.extend(parameters.iter().cloned());
        generics.split_for_impl().0.to_token_stream()
    };
    let given = syn::parse_quote!(__G: #krate::Given);
    let apply = with(&[syn::parse_quote!(__E), given]);
    let given = syn::parse_quote!(__G: #krate::Given);
    let one_block = with(&[syn::parse_quote!(__S), given]);
    let covers = with(&[syn::parse_quote!(__E)]);
    let handlers_in = with(&[syn::parse_quote!(__C: ::core::marker::Send)]);
    let (plain, _, clauses) = item.generics.split_for_impl();
    quote! {
        #errors
        #item
        #(#cfgs)*
        const _: () = {
            impl #apply #krate::Apply<__E, __G> for #owner #clauses {
                fn apply(&mut self, _: __E, _: &__G) -> __G::Outcome {
                    __G::nothing()
                }
                fn apply_ref(&mut self, _: &__E, _: &__G) -> __G::Outcome {
                    __G::nothing()
                }
            }
            impl #one_block #krate::private::handlers::OneEventHandlerBlock<__S, __G> for #owner #clauses {
                const DISPATCHER: #krate::private::handlers::Dispatcher<__S, Self> =
                    #krate::private::handlers::no_dispatcher();
                const READS_GIVEN: ::core::primitive::bool = false;
                const HANDLERS: &'static [#krate::private::handlers::StoredHandler<Self, __G>] = &[];
            }
            impl #covers #krate::private::coverage::Covers<__E> for #owner #clauses {}
            pub struct __Handlers;
            impl #plain #krate::private::handlers::OneProjectionBlock for #owner #clauses {
                const EVENTS: &'static [#krate::EventSchema] = &[];
                type Handlers = __Handlers;
            }
            impl #handlers_in #krate::private::handlers::HandlersIn<#owner, __C> for __Handlers #clauses {
                async fn handle_stored<'__a>(
                    _: &'__a #owner,
                    _: &'__a #krate::store::StoredEvent,
                    _: &'__a mut __C,
                ) -> ::core::result::Result<(), #krate::projection::ProjectionError> {
                    ::core::result::Result::Ok(())
                }
            }
        };
    }
}
