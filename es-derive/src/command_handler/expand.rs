//! The implementations of an aggregate's commands.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{ReturnType, Type};

use super::OR_DEFAULT;
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
/// };
/// ```
pub(super) fn expand(block: &Block) -> TokenStream {
    let handlers = block.handlers.iter().filter_map(|handler| command(block, handler));
    frame(block, &handlers.collect())
}

/// The block as it was written, and what is generated for it.
pub(super) fn frame(block: &Block, generated: &TokenStream) -> TokenStream {
    let item = &block.item;
    let (cfgs, owner, set) = (block.cfgs(), block.owner(), handlers::set(block));
    quote! {
        #item
        #(#cfgs)*
        const _: () = {
            type __Aggregate = #owner;
            #set
            #generated
        };
    }
}

/// One handler. The whole `impl` stands at the command's type: so two handlers for one command are both underlined.
/// What depends on the return type stands there.
///
/// ```text
/// const _: () = {
///     type __Command = Deposit;
///     impl ::es_core::Command<__Aggregate> for __Command {
///         type Error = <Result<MoneyDeposited, AccountError> as ::es_core::Decision>::Error;
///         const TARGET: CommandTarget = CommandTarget::Existing;
///         fn decide(..) -> .. { .. }
///     }
/// };
/// ```
fn command(block: &Block, handler: &Handler) -> Option<TokenStream> {
    let Handler { cfgs, .. } = handler;
    let subject = handler.subject()?;
    let ReturnType::Type(_, output) = &handler.signature.output else { return None };
    let span = subject.span();
    let (command, target) = (handlers::outside(&subject.ty), target(handler));
    let krate = block.krate.at(span);
    let error = outcome(block, output, "Error");
    let decide = decide(block, handler, subject, output);
    let implementation = quote_spanned! {span=>
        #[automatically_derived]
        impl #krate::Command<__Aggregate> for __Command {
            type Error = #error;
            const TARGET: #krate::CommandTarget = #krate::CommandTarget::#target;
            #decide
        }
    };
    Some(quote! {
        #(#cfgs)*
        const _: () = {
            type __Command = #command;
            #implementation
        };
    })
}

/// The decision: asks the handler. Its signature stands at all of the return type.
///
/// ```text
/// fn decide(
///     &self,
///     __state: &__Aggregate,
///     __context: &CommandContext<'_, __Aggregate>,
/// ) -> Result<Vec<__Set>, <Result<MoneyDeposited, AccountError> as Decision>::Error> {
///     let __outcome = __Aggregate::deposit(
///         __state,
///         <__Aggregate as ByValue<__Command>>::copy(self),
///         <CommandContext<'_, Self> as ContextArgument<'_, __Aggregate>>::of(__context),
///     );
///     Result::map(
///         <Result<MoneyDeposited, AccountError> as Decision>::into_result(__outcome),
///         <__Set as ::es_core::private::Collects<MoneyDeposited>>::collect,
///     )
/// }
/// ```
fn decide(block: &Block, handler: &Handler, subject: &Argument, output: &Type) -> TokenStream {
    let (span, name) = (subject.span(), handler.name());
    let krate = block.krate.at(span);
    let set = handlers::at_owner(block, "__Set");
    let state = handler.receiver.as_ref().map(|_| quote_spanned!(span=> __state,));
    let command = match subject.passing {
        Passing::Value => quote_spanned!(span=> <__Aggregate as #krate::private::ByValue<__Command>>::copy(self)),
        Passing::Shared | Passing::Exclusive => quote_spanned!(span=> self),
    };
    let context = handler.surroundings().map(|context| {
        let (krate, ty) = (block.krate.at(context.span()), handlers::outside(&context.ty));
        quote_spanned!(context.span()=> , <#ty as #krate::private::ContextArgument<'_, __Aggregate>>::of(__context))
    });
    let asked = quote_spanned!(span=> __Aggregate::#name(#state #command #context));
    let (error, into_result) = (outcome(block, output, "Error"), outcome(block, output, "into_result"));
    let (first, last) = (spans::first(output), spans::last(output));
    let collect = {
        let (krate, events) = (block.krate.at(last), outcome(block, output, "Events"));
        let path = quote_spanned!(last=> #krate::private::Collects<#events>);
        spans::part_of(&quote!(#set), output, &path, "collect")
    };
    let open = quote_spanned! {first=>
        fn decide(
            &self,
            __state: &__Aggregate,
            __context: &#krate::CommandContext<'_, __Aggregate>,
        ) -> ::core::result::Result<#krate::private::Vec<#set>, #error
    };
    let close = quote_spanned! {last=>
        > {
            let __outcome = #asked;
            ::core::result::Result::map(
                #into_result(__outcome),
                #collect,
            )
        }
    };
    quote!(#open #close)
}

/// What is in the return type.
///
/// ```text
/// <Result<MoneyDeposited, AccountError> as ::es_core::Decision>::Error
/// ```
fn outcome(block: &Block, output: &Type, part: &str) -> TokenStream {
    let last = spans::last(output);
    let krate = block.krate.at(last);
    spans::part_of(&handlers::outside(output), output, &quote_spanned!(last=> #krate::Decision), part)
}

/// The streams that the command may be given to.
pub(super) fn target(handler: &Handler) -> TokenStream {
    if handler.receiver.is_none() {
        quote!(New)
    } else if handler.mark.span(OR_DEFAULT.name).is_some() {
        quote!(Either)
    } else {
        quote!(Existing)
    }
}
