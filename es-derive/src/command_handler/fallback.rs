//! What is left of a block with mistakes: enough that nothing else complains about it.

use proc_macro2::TokenStream;
use quote::{ToTokens as _, quote};
use syn::{FnArg, GenericParam, ImplItem, PathArguments, ReturnType, Type};

use super::{expand, lifetimes, validate};
use crate::{
    errors::Errors,
    handlers::{Block, Handler, owner},
    spans,
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
    let mut item = block.item_after_error();
    item.items.iter_mut().for_each(complete_context);
    if !item.generics.params.is_empty() {
        return quote!(#errors #item const _: () = { type __Unknown = #broken; };);
    }
    let repeated: Vec<_> = validate::repeated(block).map(Handler::name).collect();
    let handlers = block.handlers.iter().filter(|handler| !repeated.contains(&handler.name()));
    let commands = handlers.filter_map(|handler| command(block, handler));
    let generated = quote! {
        type __Unknown = #broken;
        #(#commands)*
    };
    let block = expand::frame(block, &item, &generated);
    quote!(#errors #block)
}

fn command(block: &Block, handler: &Handler) -> Option<TokenStream> {
    let Block { krate, .. } = block;
    let Handler { cfgs, .. } = handler;
    let subject = &handler.subject()?.ty;
    // A parameter of the handler's is not known outside of it.
    let parameters = || handler.signature.generics.params.iter();
    let is_lifetime = |parameter: &GenericParam| matches!(parameter, GenericParam::Lifetime(_));
    if matches!(subject, Type::ImplTrait(_))
        || parameters().any(|parameter| !is_lifetime(parameter) && mentions(subject, parameter))
    {
        return None;
    }
    let is_known = |ty: &Type| !parameters().any(|parameter| mentions(ty, parameter));
    let lifetimes::Named { ty, lifetimes } = lifetimes::of_command(handler, subject);
    let parameters = (!lifetimes.is_empty()).then(|| quote!(<#(#lifetimes),*>));
    let command = owner::outside_as_aggregate(block, ty);
    let error = match &handler.signature.output {
        ReturnType::Type(_, output) if is_known(output) => {
            let output = owner::outside_as_aggregate(block, output);
            quote!(<#output as #krate::Decision>::Error)
        }
        _ => quote!(__Unknown),
    };
    let target = expand::target(handler);
    Some(quote! {
        #(#cfgs)*
        const _: () = {
            impl #parameters #krate::Command<__Owner> for #command {
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

/// Writes `CommandContext<'_, Self>` for `CommandContext`, of which the compiler would say again that something is
/// missing.
fn complete_context(item: &mut ImplItem) {
    let ImplItem::Fn(function) = item else { return };
    for input in &mut function.sig.inputs {
        if let FnArg::Typed(argument) = input
            && let Type::Reference(reference) = &mut *argument.ty
            && validate::bare_context(&reference.elem).is_some()
            && let Type::Path(path) = &mut *reference.elem
            && let Some(last) = path.path.segments.last_mut()
        {
            last.arguments = PathArguments::AngleBracketed(syn::parse_quote!(<'_, Self>));
        }
    }
}

fn mentions(ty: &Type, parameter: &GenericParam) -> bool {
    spans::mentions(ty.to_token_stream(), owner::parameter_name(parameter))
}
