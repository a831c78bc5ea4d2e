//! The implementations of the handlers of a projection or a reactor.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::{Lifetime, ReturnType};

use super::{
    expand::{self, EventHandler},
    keys,
};
use crate::{
    handlers::{Argument, Block, Passing, owner},
    spans,
};

/// ```text
/// type __Acts = ..;
/// type __Given = <__Acts as ::es_core::Acts>::Given;
/// ..                                                      // each handler
/// struct __Handlers;
/// impl<__S, __G: Given> ::es_core::private::OneEventHandlerBlock<__S, __G> for __Owner { .. }
/// impl<__C: Send> ::es_core::private::HandlersIn<__Owner, __C> for __Handlers { .. }
/// ```
pub(super) fn block(block: &Block, handlers: &[EventHandler<'_>]) -> TokenStream {
    let krate = &block.krate;
    let scope = quote!(#krate::AnyAggregate);
    let events = (0..handlers.len()).map(|place| expand::event(block, handlers, place, &scope));
    let first_namesake = expand::first_namesake(block, "first_namesake_of_projection", "__Owner");
    let each = handlers.iter().map(|handler| handle(block, handler));
    let acts_and_given = owner::acts_and_given(block);
    let keys = keys::expand(block, handlers);
    let whole = whole(block, handlers);
    let handlers_in = handlers_in(block, handlers);
    quote! {
        #acts_and_given
        #first_namesake
        #(#events)*
        #(#each)*
        #keys
        #whole
        #handlers_in
    }
}

/// The place where the compiler says that the handlers of a reactor take no context: at the context.
///
/// ```text
/// const _: () = { fn __proof() { ::es_core::private::may_take_context::<__Acts>(); } };
/// ```
fn may_take_context(block: &Block, context: &Argument) -> TokenStream {
    let krate = block.krate.at(context.span());
    let acts = owner::with_arguments(block, "__Acts", context.span());
    owner::proof(block, &quote_spanned!(context.span()=> #krate::private::may_take_context::<#acts>()))
}

/// One handler. The whole `impl` stands at the event's type: so two handlers for one event are both underlined.
///
/// ```text
/// impl<'__c> ::es_core::Handle<__Event0, PgContext<'__c>, __Given> for __Owner {
///     async fn handle(
///         &self,
///         __event: __Event0,
///         __given: &__Given,
///         __context: &mut PgContext<'__c>,
///     ) -> Result<(), HandlerError> {
///         let __outcome = __Owner::opened(self, &__event, SecondArgument::of(__given), __context).await;
///         ::es_core::private::Handled::handled(__outcome)
///     }
/// }
/// ```
///
/// A handler without a context has a parameter `__C: Send` in its place, and one with `&mut impl Books` has
/// `__C: Books + Send`.
fn handle(block: &Block, handler: &EventHandler<'_>) -> TokenStream {
    let EventHandler { event, alias, handler, .. } = handler;
    let (span, name, cfgs) = (event.span(), handler.name(), &handler.cfgs);
    let (krate, owner) = (block.krate.at(span), owner::owner(block));
    let (this, value, given) = expand::variables();
    let passed_on = spans::variable("__context");
    let (parameter, ty) = match handler.context() {
        Some(argument) => context(owner::outside(block, &argument.ty)),
        None => (Some(quote!(__C: ::core::marker::Send)), quote!(__C)),
    };
    let by = (event.passing == Passing::Shared).then(|| quote_spanned!(span=> &));
    let given_type = owner::named(block, "__Given");
    let second = expand::second(block, handler, &given, &given_type).map(|second| quote!(#second,));
    let may_take_context = handler.context().map(|context| may_take_context(block, context));
    let passed = handler.context().map(|_| &passed_on);
    let (outcome, is_handled) = handled(block, &handler.signature.output, name.span());
    let mut generics = block.item.generics.clone();
    if let Some(parameter) = parameter {
        generics.params.insert(0, syn::parse_quote!(#parameter));
    }
    let (parameters, _, clauses) = generics.split_for_impl();
    quote_spanned! {span=>
        #(#cfgs)*
        #may_take_context
        #(#cfgs)*
        #[automatically_derived]
        #[allow(clippy::let_unit_value, reason = "a handler may return nothing")]
        impl #parameters #krate::Handle<#alias, #ty, #given_type> for #owner #clauses {
            async fn handle(
                &#this,
                #value: #alias,
                #given: &#given_type,
                #passed_on: &mut #ty,
            ) -> ::core::result::Result<(), #krate::projection::HandlerError> {
                let #outcome = <#owner>::#name(#this, #by #value, #second #passed).await;
                #is_handled
            }
        }
    }
}

/// What the handler answered, at its return type: so the compiler says there what it may be.
///
/// ```text
/// ::es_core::private::Handled::handled(__outcome)
/// ```
fn handled(block: &Block, output: &ReturnType, name: Span) -> (Ident, TokenStream) {
    let span = match output {
        ReturnType::Default => name,
        ReturnType::Type(_, ty) => spans::name_of(ty),
    };
    let (krate, outcome) = (block.krate.at(span), Ident::new("__outcome", span));
    let handled = quote_spanned!(span=> #krate::private::Handled::handled(#outcome));
    (outcome, handled)
}

/// The type of a context, in which the lifetime that is left open has a name: it stands twice, and is the same. And that
/// name, where there is one. Of `impl Trait` it is whatever has the trait.
pub(super) fn context(written: TokenStream) -> (Option<TokenStream>, TokenStream) {
    let mut tokens = written.clone().into_iter();
    if matches!(tokens.next(), Some(TokenTree::Ident(ident)) if ident == "impl") {
        let bounds: TokenStream = tokens.collect();
        return (Some(quote!(__C: #bounds + ::core::marker::Send)), quote!(__C));
    }
    let open = spans::mentions(written.clone(), &Ident::new("_", Span::call_site()));
    (open.then(|| quote!('__c)), named_lifetimes(written))
}

fn named_lifetimes(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut named = TokenStream::new();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(sign)
                if sign.as_char() == '\'' && matches!(tokens.peek(), Some(TokenTree::Ident(ident)) if ident == "_") =>
            {
                tokens.next();
                Lifetime::new("'__c", sign.span()).to_tokens(&mut named);
            }
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), named_lifetimes(group.stream()));
                inner.set_span(group.span());
                inner.to_tokens(&mut named);
            }
            other => other.to_tokens(&mut named),
        }
    }
    named
}

/// The block as a whole. It is the block of whatever derive looks for one, so that an aggregate with `async` handlers
/// is told that it is no projection, and not that it has no handlers too.
///
/// ```text
/// struct __Handlers;
/// impl<__S, __G: Given> ::es_core::private::OneEventHandlerBlock<__S, __G> for __Owner {
///     ..                                                  // nothing is folded
///     const EVENTS: &'static [EventSchema] = &[::es_core::private::handled_event::<__Owner, AnyAggregate, __Event0, 0>(), ..];
///     type Handlers = __Handlers;
///     type Keys = ();
/// }
/// ```
fn whole(block: &Block, handlers: &[EventHandler<'_>]) -> TokenStream {
    let span = spans::name_of(block.owner());
    let (krate, owner, keys) = (block.krate.at(span), owner::owner(block), keys::keys(block));
    let events = handlers.iter().map(|EventHandler { alias, index, handler, .. }| {
        let cfgs = &handler.cfgs;
        quote!(#(#cfgs)* #krate::private::handled_event::<#owner, #krate::AnyAggregate, #alias, #index>())
    });
    let generics = owner::static_generics(block);
    let (_, _, clauses) = generics.split_for_impl();
    let mut with_scope = generics.clone();
    with_scope.params.push(syn::parse_quote!(__S));
    with_scope.params.push(syn::parse_quote!(__G: #krate::Given));
    let (with_scope, _, _) = with_scope.split_for_impl();
    quote_spanned! {span=>
        #[allow(
            missing_debug_implementations,
            unnameable_types,
            unreachable_pub,
            dead_code,
            reason = "it is named, and never made"
        )]
        pub struct __Handlers;

        #[automatically_derived]
        impl #with_scope #krate::private::OneEventHandlerBlock<__S, __G> for #owner #clauses {
            const DISPATCHER: #krate::private::Dispatcher<__S, Self> = #krate::private::no_dispatcher();
            const HANDLERS: &'static [#krate::private::Fold<Self, __G>] = &[];
            const EVENTS: &'static [#krate::EventSchema] = &[#(#events),*];
            type Handlers = __Handlers;
            type Keys = #keys;
            type Reads = #krate::private::ReadsNothing;
        }
    }
}

/// The way of a stored event to its handler.
///
/// ```text
/// impl<__C: Send> ::es_core::private::HandlersIn<__Owner, __C> for __Handlers
/// where
///     __Owner: ::es_core::Handle<__Event0, __C, __Given>,
///     ..
/// {
///     async fn handle_stored<'a>(
///         __this: &'a __Owner,
///         __stored: &'a StoredEvent,
///         __attempt: u32,
///         __context: &'a mut __C,
///     ) -> Result<(), ProjectionError> {
///         if __stored.event_type == handled_event::<__Owner, __Event0, 0>().name {
///             return ::es_core::private::handle::<_, __Event0, _, 0, true>(__this, __stored, __attempt, __context).await;
///         }
///         ..
///         Ok(())
///     }
/// }
/// ```
fn handlers_in(block: &Block, handlers: &[EventHandler<'_>]) -> TokenStream {
    let (krate, owner, given) = (&block.krate, owner::owner(block), owner::named(block, "__Given"));
    let conditional = handlers.iter().filter(|handler| !handler.handler.cfgs.is_empty()).map(|handler| {
        let (cfgs, alias, name) = (&handler.handler.cfgs, &handler.alias, conditional_name(handler));
        conditional(block, cfgs, alias, &name)
    });
    let bounds = handlers.iter().map(|handler| {
        let alias = &handler.alias;
        if handler.handler.cfgs.is_empty() {
            let krate = krate.at(alias.span());
            quote_spanned!(alias.span()=> #owner: #krate::Handle<#alias, __C, #given>)
        } else {
            let name = conditional_name(handler);
            quote!(#owner: #name<__C>)
        }
    });
    let each = handlers.iter().map(|EventHandler { alias, index, handler, .. }| {
        let (cfgs, reads) = (&handler.cfgs, handler.surroundings().is_some());
        quote! {
            #(#cfgs)*
            if __stored.event_type == #krate::private::handled_event::<#owner, #krate::AnyAggregate, #alias, #index>().name {
                return #krate::private::handle::<#owner, #alias, __C, #index, #reads>(
                    __this, __stored, __attempt, __context,
                ).await;
            }
        }
    });
    let mut generics = block.item.generics.clone();
    generics.params.push(syn::parse_quote!(__C: ::core::marker::Send));
    let predicates = &mut generics.make_where_clause().predicates;
    bounds.for_each(|bound| predicates.push(syn::parse_quote!(#bound)));
    let (parameters, _, clauses) = generics.split_for_impl();
    quote! {
        #(#conditional)*
        #[automatically_derived]
        impl #parameters #krate::private::HandlersIn<#owner, __C> for __Handlers #clauses {
            async fn handle_stored<'__a>(
                __this: &'__a #owner,
                __stored: &'__a #krate::store::StoredEvent,
                __attempt: ::core::primitive::u32,
                __context: &'__a mut __C,
            ) -> ::core::result::Result<(), #krate::projection::ProjectionError> {
                #(#each)*
                ::core::result::Result::Ok(())
            }
        }
    }
}

fn conditional_name(handler: &EventHandler<'_>) -> Ident {
    Ident::new(&format!("__Handles{}", handler.index), Span::call_site())
}

/// A bound cannot stand under `#[cfg(..)]`, so a trait takes its place that demands it only there.
///
/// ```text
/// #[cfg(feature = "audit")]
/// trait __Handles3<__C>: ::es_core::Handle<__Event3, __C, __Given> {}
/// #[cfg(feature = "audit")]
/// impl<__C> __Handles3<__C> for __Owner where __Owner: ::es_core::Handle<__Event3, __C, __Given> {}
/// #[cfg(not(feature = "audit"))]
/// trait __Handles3<__C> {}
/// #[cfg(not(feature = "audit"))]
/// impl<__C> __Handles3<__C> for __Owner {}
/// ```
fn conditional(block: &Block, cfgs: &[syn::Attribute], alias: &Ident, name: &Ident) -> TokenStream {
    let (krate, owner, given) = (&block.krate, owner::owner(block), owner::named(block, "__Given"));
    let conditions = expand::conditions(cfgs);
    quote! {
        #[cfg(all(#(#conditions),*))]
        #[allow(unreachable_pub, reason = "it is only named")]
        pub trait #name<__C>: #krate::Handle<#alias, __C, #given> {}
        #[cfg(all(#(#conditions),*))]
        impl<__C> #name<__C> for #owner where #owner: #krate::Handle<#alias, __C, #given> {}
        #[cfg(not(all(#(#conditions),*)))]
        #[allow(unreachable_pub, reason = "it is only named")]
        pub trait #name<__C> {}
        #[cfg(not(all(#(#conditions),*)))]
        impl<__C> #name<__C> for #owner {}
    }
}
