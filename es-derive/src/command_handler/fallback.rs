//! What is left of a block with mistakes: enough that nothing else complains about it.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ReturnType;

use super::expand;
use crate::{
    errors::Errors,
    handlers::{self, Block, Handler},
};

/// ```text
/// impl Account { .. }                                     // the block as it was written
/// const _: () = {
///     type __Aggregate = Account;
///     type __Set = <Account as ::es_core::Aggregate>::Event;
///     type __Unknown = [(); { ::core::compile_error! { ".." } }];
///     impl ::es_core::Command<__Aggregate> for Deposit { .. }  // for each handler of which the command is known
/// };
/// ```
pub(super) fn fallback(block: &Block, errors: &Errors) -> TokenStream {
    let (broken, errors) = errors.to_broken_type();
    if !block.item.generics.params.is_empty() {
        let item = &block.item;
        return quote!(#errors #item const _: () = { type __Unknown = #broken; };);
    }
    let commands = block.handlers.iter().filter_map(|handler| command(block, handler));
    let generated = quote! {
        type __Unknown = #broken;
        #(#commands)*
    };
    let block = expand::frame(block, &generated);
    quote!(#errors #block)
}

fn command(block: &Block, handler: &Handler) -> Option<TokenStream> {
    let Block { krate, .. } = block;
    let Handler { cfgs, .. } = handler;
    let command = handlers::outside(&handler.subject()?.ty);
    let error = match &handler.signature.output {
        ReturnType::Default => quote!(__Unknown),
        ReturnType::Type(_, output) => {
            let output = handlers::outside(output);
            quote!(<#output as #krate::Decision>::Error)
        }
    };
    let target = expand::target(handler);
    Some(quote! {
        #(#cfgs)*
        const _: () = {
            impl #krate::Command<__Aggregate> for #command {
                type Error = #error;
                const TARGET: #krate::CommandTarget = #krate::CommandTarget::#target;
                fn decide(
                    &self,
                    _: &__Aggregate,
                    _: &#krate::CommandContext<'_, __Aggregate>,
                ) -> ::core::result::Result<#krate::private::Vec<__Set>, Self::Error> {
                    ::core::panic!()
                }
            }
        };
    })
}
