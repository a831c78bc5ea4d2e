//! The implementations of an aggregate's commands.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Generics, Ident, ItemImpl, Lifetime, ReturnType, Type, parse_quote};

use super::{
    OR_DEFAULT,
    lifetimes::{self, Named},
};
use crate::{
    handlers::{Argument, Block, Handler, Passing, owner},
    spans,
};

/// ```text
/// impl Account { .. }                                     // the block as it was written
/// const _: () = {
///     type __Owner = Account;
///     type __Aggregate = ..;                              // `Account`, proved to be an aggregate
///     type __Set = <__Aggregate as ::es_core::Aggregate>::Event;
///     ..                                                  // one `const _` for each handler
/// };
/// ```
pub(super) fn expand(block: &Block) -> TokenStream {
    let handlers = block.handlers.iter().filter_map(|handler| command(block, handler));
    frame(block, &block.item, &handlers.collect())
}

/// The block as it was written, and what is generated for it.
pub(super) fn frame(block: &Block, item: &ItemImpl, generated: &TokenStream) -> TokenStream {
    let (cfgs, owner, names) = (block.cfgs(), owner::alias(block), owner::aggregate_and_set(block));
    quote! {
        #item
        #(#cfgs)*
        const _: () = {
            #owner
            #names
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
    let (command, outcome) = (&aliases.command.item, &aliases.outcome.item);
    let (name, owner) = (aliases.command_at(span), owner::owner_at(block, span));
    let generics = implementation_generics(block, &aliases.command.lifetimes);
    let (parameters, _, clauses) = generics.split_for_impl();
    let handler_type = handler_type(block, &aliases);
    let target = target(handler);
    let krate = block.krate.at(span);
    let answer = answer(block, &aliases, output);
    let error = error(block, &aliases, output);
    let decide = decide(block, handler, &aliases, subject, output);
    let implementation = quote_spanned! {span=>
        #[automatically_derived]
        impl #parameters #krate::Command<#owner> for #name #clauses {
            #error
            const TARGET: #krate::CommandTarget = #krate::CommandTarget::#target;
            #decide
        }
    };
    Some(quote! {
        #(#cfgs)*
        const _: () = {
            #handler_type
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
    let (krate, set) = (block.krate.at(last), owner::named(block, "__Set"));
    let events = aliases.part(block, output, "Events");
    let generics = implementation_generics(block, &aliases.outcome.lifetimes);
    let (parameters, _, clauses) = generics.split_for_impl();
    let handler = aliases.handler(block, last);
    quote_spanned! {last=>
        #[automatically_derived]
        impl #parameters #krate::private::Answer<#set> for #handler #clauses {
            type Events = #events;
        }
    }
}

/// The parameters of what is implemented for a handler: lifetimes of its command, and those of the block. Of an aggregate
/// with parameters it is asked where it is used whether it is one.
///
/// ```text
/// impl<'__0, C: Currency> .. where __Owner<C>: ::es_core::Aggregate<Event = __Set<C>>
/// ```
fn implementation_generics(block: &Block, lifetimes: &[Lifetime]) -> Generics {
    let mut generics = with_lifetimes(block, lifetimes);
    if !block.item.generics.params.is_empty() {
        let (krate, owner, set) = (&block.krate, owner::owner(block), owner::named(block, "__Set"));
        let clauses = generics.make_where_clause();
        clauses.predicates.push(parse_quote!(#owner: #krate::Aggregate<Event = #set>));
    }
    generics
}

fn with_lifetimes(block: &Block, lifetimes: &[Lifetime]) -> Generics {
    let mut generics = block.item.generics.clone();
    for (place, lifetime) in lifetimes.iter().enumerate() {
        generics.params.insert(place, parse_quote!(#lifetime));
    }
    generics
}

/// What tells one handler from another.
///
/// ```text
/// enum __Handler {}
/// struct __Handler<C: Currency>(PhantomData<fn() -> __Owner<C>>);    // where the block has parameters
/// ```
fn handler_type(block: &Block, aliases: &Aliases) -> TokenStream {
    let lifetimes = &aliases.outcome.lifetimes;
    let generics = with_lifetimes(block, lifetimes);
    if generics.params.is_empty() {
        return quote!(
            enum __Handler {}
        );
    }
    let (parameters, _, clauses) = generics.split_for_impl();
    let owner = owner::owner(block);
    quote! {
        #[allow(dead_code, reason = "it is never made")]
        struct __Handler #parameters (::core::marker::PhantomData<fn() -> (#owner, #(&#lifetimes (),)*)>) #clauses;
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
    let (set, aggregate) = (owner::named(block, "__Set"), owner::aggregate(block));
    let asked = asked(block, handler, aliases, subject, &variables);
    let (error, into_result) = (aliases.part(block, output, "Error"), aliases.part(block, output, "into_result"));
    let (first, last) = (spans::first(output), spans::last(output));
    let krate = block.krate.at(first);
    let open = quote_spanned! {first=>
        fn decide(
            &#this,
            #state: &#aggregate,
            #context: &#krate::CommandContext<'_, #aggregate>,
        ) -> ::core::result::Result<#krate::private::Vec<#set>, #error
    };
    let handler = aliases.handler(block, last);
    let close = quote_spanned! {last=>
        > {
            let #outcome = #asked;
            ::core::result::Result::map(
                #into_result(#outcome),
                #krate::private::events::<#handler, #set>,
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
            let aggregate = owner::with_arguments(block, "__Aggregate", span);
            quote_spanned!(span=> <#aggregate as #krate::private::ByValue<#alias>>::copy(#this))
        }
        Passing::Shared | Passing::Exclusive => quote_spanned!(span=> #this),
    };
    let context = handler.surroundings().map(|argument| {
        let span = argument.span();
        let (krate, ty) = (block.krate.at(span), owner::outside_as_aggregate(block, &argument.ty));
        let aggregate = owner::with_arguments(block, "__Aggregate", span);
        quote_spanned!(span=> , <#ty as #krate::private::ContextArgument<'_, #aggregate>>::of(#context))
    });
    let aggregate = owner::with_arguments(block, "__Aggregate", span);
    quote_spanned!(span=> <#aggregate>::#name(#state #command #context))
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
    command: Alias,
    outcome: Alias,
}

/// A name for a type of the user's.
struct Alias {
    /// `type __Command<'__0, C> = Deposit<'__0, C>;`
    item: TokenStream,
    /// `<'__0, C>`
    arguments: Option<TokenStream>,
    /// `'__0`: of those in the command, and of them those in what is returned.
    lifetimes: Vec<Lifetime>,
}

impl Aliases {
    fn new(block: &Block, handler: &Handler, subject: &Argument, output: &Type) -> Self {
        Self {
            command: Alias::new(block, "__Command", lifetimes::of_command(handler, &subject.ty)),
            outcome: Alias::new(block, "__Outcome", lifetimes::of_output(handler, output)),
        }
    }

    /// `__Handler<'a, C>`, with the lifetimes of what is returned.
    fn handler(&self, block: &Block, place: Span) -> TokenStream {
        let (name, generics) = (Ident::new("__Handler", place), with_lifetimes(block, &self.outcome.lifetimes));
        let (_, arguments, _) = generics.split_for_impl();
        quote_spanned!(place=> #name #arguments)
    }

    /// `__Command<'__0>`, at the command.
    fn command_at(&self, span: Span) -> TokenStream {
        let arguments = &self.command.arguments;
        spans::at(quote!(__Command #arguments), span)
    }

    /// What is in the return type.
    ///
    /// ```text
    /// <__Outcome as ::es_core::Decision>::Error
    /// ```
    fn part(&self, block: &Block, output: &Type, part: &str) -> TokenStream {
        let last = spans::last(output);
        let (krate, arguments) = (block.krate.at(last), &self.outcome.arguments);
        let alias = quote!(__Outcome #arguments);
        spans::part_of(&block.krate, &alias, output, &quote_spanned!(last=> #krate::Decision), part)
    }
}

impl Alias {
    /// It stands at the `impl` of the block. For a type inside another that is not known the compiler proposes a
    /// parameter, behind the keyword or the name of what is around: so it says the same of the alias as of the handler,
    /// and says it once.
    fn new(block: &Block, name: &str, named: Named) -> Self {
        let Named { ty, lifetimes } = named;
        let name = Ident::new(name, block.item.impl_token.span);
        let ty = owner::outside_as_aggregate(block, ty);
        let mentioned: Vec<_> = block
            .item
            .generics
            .params
            .iter()
            .filter(|parameter| {
                let own = owner::parameter_name(parameter);
                spans::mentions(ty.clone(), own)
            })
            .collect();
        let (parameters, arguments) = if lifetimes.is_empty() && mentioned.is_empty() {
            (None, None)
        } else {
            let plain = mentioned.iter().map(|parameter| owner::plain_parameter(parameter));
            let arguments = mentioned.iter().map(|parameter| owner::parameter_name(parameter));
            (Some(quote!(<#(#lifetimes,)* #(#plain),*>)), Some(quote!(<#(#lifetimes,)* #(#arguments),*>)))
        };
        Self { item: quote!(type #name #parameters = #ty;), arguments, lifetimes }
    }
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
