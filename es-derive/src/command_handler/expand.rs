//! The implementations of an aggregate's commands.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Ident, ItemImpl, ReturnType, Type};

use super::{OR_DEFAULT, lifetimes};
use crate::{
    handlers::{self, Argument, Block, Handler, Passing},
    spans,
};

/// ```text
/// impl Account { .. }                                     // the block as it was written
/// const _: () = {
///     type __Aggregate = ..;                                  // `Account`, proved to be an aggregate
///     type __Set = <Account as ::es_core::Aggregate>::Event;
///     ..                                                  // one `const _` for each handler
/// };
/// ```
pub(super) fn expand(block: &Block) -> TokenStream {
    let handlers = block.handlers.iter().filter_map(|handler| command(block, handler));
    frame(block, &block.item, &handlers.collect())
}

/// The block as it was written, and what is generated for it.
pub(super) fn frame(block: &Block, item: &ItemImpl, generated: &TokenStream) -> TokenStream {
    let (cfgs, set, aggregate) = (block.cfgs(), handlers::set(block), handlers::aggregate(block));
    quote! {
        #item
        #(#cfgs)*
        const _: () = {
            #set
            type __Aggregate = #aggregate;
            #generated
        };
    }
}

/// One handler. The whole `impl` stands at the command's type: so two handlers for one command are both underlined.
/// What depends on the return type stands there.
///
/// ```text
/// const _: () = {
///     enum __Handler {}
///     type __Command = Deposit;
///     type __Outcome = Result<MoneyDeposited, AccountError>;
///     impl ::es_core::private::Answer<__Handler, __Set> for MoneyDeposited {}
///     impl ::es_core::Command<__Aggregate> for __Command {
///         type Error = <__Outcome as ::es_core::Decision>::Error;
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
    let aliases = Aliases::new(block, handler, subject, output);
    let Aliases { command, lifetimes, outcome, .. } = &aliases;
    let name = aliases.command_at(span);
    let target = target(handler);
    let krate = block.krate.at(span);
    let answer = answer(block, &aliases, output);
    let error = error(block, &aliases, output);
    let decide = decide(block, handler, &aliases, subject, output);
    let implementation = quote_spanned! {span=>
        #[automatically_derived]
        impl #lifetimes #krate::Command<__Owner> for #name {
            #error
            const TARGET: #krate::CommandTarget = #krate::CommandTarget::#target;
            #decide
        }
    };
    Some(quote! {
        #(#cfgs)*
        const _: () = {
            enum __Handler {}
            #command
            #outcome
            #answer
            #implementation
        };
    })
}

/// The place where the compiler says that what is returned is no event of the set.
///
/// ```text
/// impl ::es_core::private::Answer<__Handler, __Set> for <__Outcome as ::es_core::Decision>::Events {}
/// ```
fn answer(block: &Block, aliases: &Aliases, output: &Type) -> TokenStream {
    let last = spans::last(output);
    let (krate, set) = (block.krate.at(last), handlers::at_owner(block, "__Set"));
    let events = aliases.part(block, output, "Events");
    let lifetimes = &aliases.outcome_lifetimes;
    quote_spanned! {last=>
        #[automatically_derived]
        impl #lifetimes #krate::private::Answer<__Handler, #set> for #events {}
    }
}

/// The error, at the return type: so the compiler says there that it is more private than the command.
///
/// ```text
/// type Error = <__Outcome as ::es_core::Decision>::Error;
/// ```
fn error(block: &Block, aliases: &Aliases, output: &Type) -> TokenStream {
    let error = aliases.part(block, output, "Error");
    let open = quote_spanned!(spans::first(output)=> type Error =);
    let close = quote_spanned!(spans::last(output)=> ;);
    quote!(#open #error #close)
}

/// The decision: asks the handler. Its signature stands at all of the return type.
///
/// ```text
/// fn decide(
///     &self,
///     __state: &__Aggregate,
///     __context: &CommandContext<'_, __Aggregate>,
/// ) -> Result<Vec<__Set>, <__Outcome as Decision>::Error> {
///     let __outcome = __Aggregate::deposit(
///         __state,
///         <__Aggregate as ByValue<__Command>>::copy(self),
///         <CommandContext<'_, Self> as ContextArgument<'_, __Aggregate>>::of(__context),
///     );
///     Result::map(
///         <__Outcome as Decision>::into_result(__outcome),
///         ::es_core::private::events::<__Handler, __Set, _>,
///     )
/// }
/// ```
fn decide(block: &Block, handler: &Handler, aliases: &Aliases, subject: &Argument, output: &Type) -> TokenStream {
    let variables = Variables::new();
    let Variables { this, state, context, outcome } = &variables;
    let set = handlers::at_owner(block, "__Set");
    let asked = asked(block, handler, aliases, subject, &variables);
    let (error, into_result) = (aliases.part(block, output, "Error"), aliases.part(block, output, "into_result"));
    let (first, last) = (spans::first(output), spans::last(output));
    let krate = block.krate.at(first);
    let open = quote_spanned! {first=>
        fn decide(
            &#this,
            #state: &__Aggregate,
            #context: &#krate::CommandContext<'_, __Aggregate>,
        ) -> ::core::result::Result<#krate::private::Vec<#set>, #error
    };
    let close = quote_spanned! {last=>
        > {
            let #outcome = #asked;
            ::core::result::Result::map(
                #into_result(#outcome),
                #krate::private::events::<__Handler, #set, _>,
            )
        }
    };
    quote!(#open #close)
}

/// The call of the handler, each argument at its type.
fn asked(
    block: &Block,
    handler: &Handler,
    aliases: &Aliases,
    subject: &Argument,
    variables: &Variables,
) -> TokenStream {
    let Variables { this, state, context, .. } = variables;
    let (span, name) = (subject.span(), handler.name());
    let state = handler.receiver.as_ref().map(|_| quote_spanned!(span=> #state,));
    let krate = block.krate.at(span);
    let command = match subject.passing {
        Passing::Value => {
            let alias = aliases.command_at(span);
            quote_spanned!(span=> <__Aggregate as #krate::private::ByValue<#alias>>::copy(#this))
        }
        Passing::Shared | Passing::Exclusive => quote_spanned!(span=> #this),
    };
    let context = handler.surroundings().map(|argument| {
        let (krate, ty) = (block.krate.at(argument.span()), handlers::outside(&argument.ty));
        quote_spanned! {argument.span()=>
            , <#ty as #krate::private::ContextArgument<'_, __Aggregate>>::of(#context)
        }
    });
    quote_spanned!(span=> __Aggregate::#name(#state #command #context))
}

/// The variables of a decision.
struct Variables {
    this: Ident,
    state: Ident,
    context: Ident,
    outcome: Ident,
}

impl Variables {
    fn new() -> Self {
        Self {
            this: spans::variable("self"),
            state: spans::variable("__state"),
            context: spans::variable("__context"),
            outcome: spans::variable("__outcome"),
        }
    }
}

/// The names that stand for a handler's command and for what it returns.
struct Aliases {
    /// `type __Command<'__0> = Deposit<'__0>;`
    command: TokenStream,
    /// `<'__0>`: the lifetimes of the command.
    lifetimes: TokenStream,
    /// `type __Outcome = Result<MoneyDeposited, AccountError>;`
    outcome: TokenStream,
    /// The lifetimes of what is returned: some of the command's.
    outcome_lifetimes: TokenStream,
}

impl Aliases {
    fn new(block: &Block, handler: &Handler, subject: &Argument, output: &Type) -> Self {
        let command = lifetimes::of_command(handler, &subject.ty);
        let outcome = lifetimes::of_output(handler, output);
        let (ty, outcome_lifetimes) = (handlers::outside(outcome.ty), outcome.parameters);
        Self {
            command: alias(block, "__Command", &command.parameters, &handlers::outside(command.ty)),
            lifetimes: command.parameters,
            outcome: alias(block, "__Outcome", &outcome_lifetimes, &ty),
            outcome_lifetimes,
        }
    }

    /// `__Command<'__0>`, at the command.
    fn command_at(&self, span: Span) -> TokenStream {
        let lifetimes = &self.lifetimes;
        spans::at(quote!(__Command #lifetimes), span)
    }

    /// What is in the return type.
    ///
    /// ```text
    /// <__Outcome as ::es_core::Decision>::Error
    /// ```
    fn part(&self, block: &Block, output: &Type, part: &str) -> TokenStream {
        let last = spans::last(output);
        let (krate, lifetimes) = (block.krate.at(last), &self.outcome_lifetimes);
        let alias = quote!(__Outcome #lifetimes);
        spans::part_of(&block.krate, &alias, output, &quote_spanned!(last=> #krate::Decision), part)
    }
}

/// A name for a type of the user's.
///
/// It stands at the `impl` of the block. For a type inside another that is not known the compiler proposes a parameter,
/// behind the keyword or the name of what is around: so it says the same of the alias as of the handler, and says it once.
///
/// ```text
/// type __Outcome = Result<MoneyDeposited, AccountError>;
/// ```
fn alias(block: &Block, name: &str, lifetimes: &TokenStream, ty: &TokenStream) -> TokenStream {
    let name = Ident::new(name, block.item.impl_token.span);
    quote!(type #name #lifetimes = #ty;)
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
