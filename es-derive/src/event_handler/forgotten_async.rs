//! Blocks whose handlers look like those of a projection or a reactor, except that none is `async`.
//!
//! The macro does not see what the type is. So where that decides, the compiler is asked for it, in a constant.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{GenericArgument, PathArguments, ReturnType, Type};

use super::fallback;
use crate::{
    errors::Errors,
    handlers::{Argument, Block, Handler, Passing, rules},
    messages::event_handler,
    spans,
};

/// What is written for such a block: one message, and the block so that nothing else complains.
pub(super) fn instead(block: &Block, errors: &Errors) -> Option<TokenStream> {
    let may_be = errors.is_empty() && !block.is_async() && block.item.generics.params.is_empty();
    if !may_be {
        return None;
    }
    if let Some(handler) =
        block.handlers.iter().find(|handler| handler.arguments.iter().skip(1).any(is_of_a_projection))
    {
        let mut errors = Errors::default();
        errors.at(handler.signature.fn_token.span, event_handler::forgotten_async(handler.name()));
        return Some(fallback::quietly(block, &errors));
    }
    let first = block.handlers.first().filter(|_| block.handlers.iter().all(looks_async))?;
    let (asked, quiet) = (ask(block, first), fallback::quietly(block, &Errors::default()));
    Some(quote!(#quiet #asked))
}

/// `context: &mut Context` or `delivery: &Delivery`, which nothing else is given.
fn is_of_a_projection(argument: &Argument) -> bool {
    let is = |name| spans::last_name_is(&argument.ty, name);
    is("Delivery") || argument.passing == Passing::Exclusive && !is("Envelope") && !is("Metadata")
}

/// `fn sold(&self, event: &TicketsSold)`, which may return a `Result<(), Error>`.
fn looks_async(handler: &Handler) -> bool {
    let is_shared = handler.receiver.as_ref().and_then(rules::receiver_passing) == Some(Passing::Shared);
    is_shared && may_be_async(&handler.signature.output)
}

/// Whether a handler of a projection may return this. With something in the `Ok` it is a decision.
pub(crate) fn may_be_async(output: &ReturnType) -> bool {
    let ReturnType::Type(_, ty) = output else { return true };
    let Type::Path(path) = &**ty else { return rules::returns_nothing(output) };
    let Some(PathArguments::AngleBracketed(arguments)) = path.path.segments.last().map(|last| &last.arguments) else {
        return false;
    };
    let inside = arguments.args.first();
    let is_nothing = matches!(inside, Some(GenericArgument::Type(Type::Tuple(tuple))) if tuple.elems.is_empty());
    is_nothing && spans::last_name_is(ty, "Result")
}

/// ```text
/// const _: () = {
///     use ::es_core::private::MayNotAct as _;
///     if <::es_core::private::RoleOf<Sales>>::ACTS { ::core::panic!("..") } else { ::core::panic!("..") }
/// };
/// ```
fn ask(block: &Block, first: &Handler) -> TokenStream {
    let span = first.signature.fn_token.span;
    let (cfgs, krate, owner) = (block.cfgs(), block.krate.at(span), block.owner());
    let (forgotten, receiver) =
        (event_handler::forgotten_async_asked(first.name()), event_handler::receiver_asked(first.name()));
    quote_spanned! {span=>
        #(#cfgs)*
        const _: () = {
            #[allow(unused_imports, reason = "hidden by the constant of what acts")]
            use #krate::private::MayNotAct as _;
            if <#krate::private::RoleOf<#owner>>::ACTS { ::core::panic!(#forgotten) } else { ::core::panic!(#receiver) }
        };
    }
}
