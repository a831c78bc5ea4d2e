//! What is left of a block with mistakes: enough that nothing else complains about it.

use proc_macro2::TokenStream;
use quote::quote;

use crate::{errors::Errors, handlers::Block};

/// ```text
/// impl Account { .. }                                     // the block as it was written
/// impl<__E> ::es_core::Apply<__E> for Account { .. }
/// impl<__S> ::es_core::private::OneEventHandlerBlock<__S> for Account { .. }
/// ```
pub(super) fn fallback(block: &Block, errors: &Errors) -> TokenStream {
    let krate = &block.krate;
    let item = block.item_after_error();
    let (cfgs, owner) = (block.cfgs(), block.owner());
    let errors = errors.to_items();
    let with = |parameter: syn::GenericParam| {
        let mut generics = item.generics.clone();
        generics.params.push(parameter);
        generics
    };
    let (with_event, with_set) = (with(syn::parse_quote!(__E)), with(syn::parse_quote!(__S)));
    let clauses = &item.generics.where_clause;
    quote! {
        #errors
        #item
        #(#cfgs)*
        const _: () = {
            impl #with_event #krate::Apply<__E> for #owner #clauses {
                fn apply(&mut self, _: __E, _: &#krate::Metadata) {}
                fn apply_ref(&mut self, _: &__E, _: &#krate::Metadata) {}
            }
            impl #with_set #krate::private::OneEventHandlerBlock<__S> for #owner #clauses {
                const READS_METADATA: ::core::primitive::bool = false;
                fn fold(&mut self, _: __S, _: &#krate::Metadata) {}
                fn fold_ref(&mut self, _: &__S, _: &#krate::Metadata) {}
            }
        };
    }
}
