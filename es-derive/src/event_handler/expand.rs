//! What is common to all blocks of event handlers.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Attribute, Meta, Type};

use super::{coverage, fold, project};
use crate::{
    handlers::{Argument, Block, Handler, owner},
    messages::{event_handler, version},
    spans,
};

/// ```text
/// impl Account { .. }                                     // the block as it was written
/// const _: () = {
///     type __Owner = Account;
///     use ::es_core::private::versions::Superseded as _;
///     ..                                                  // each handler, and the block as a whole
/// };
/// ```
pub(super) fn expand(block: &Block) -> TokenStream {
    let Block { item, krate, .. } = block;
    let (cfgs, owner) = (block.cfgs(), owner::alias(block));
    let handlers: Vec<_> = handlers(block).collect();
    let generated = if block.is_async() { project::block(block, &handlers) } else { fold::block(block, &handlers) };
    let coverage = coverage::coverage(block, &handlers);
    quote! {
        #item
        #(#cfgs)*
        const _: () = {
            #owner
            #[allow(unused_imports, reason = "hidden by the constants of superseded events")]
            use #krate::private::versions::Superseded as _;
            #generated
            #coverage
        };
    }
}

/// A handler of the right shape.
pub(super) struct EventHandler<'a> {
    pub(super) handler: &'a Handler,
    pub(super) event: &'a Argument,
    /// Its place in the block.
    pub(super) index: usize,
    /// The name that stands for the event, at the event: `__Event0`.
    pub(super) alias: Ident,
}

fn handlers(block: &Block) -> impl Iterator<Item = EventHandler<'_>> {
    block.handlers.iter().enumerate().filter_map(|(index, handler)| {
        let event = handler.subject()?;
        let alias = Ident::new(&format!("__Event{index}"), event.span());
        Some(EventHandler { handler, event, index, alias })
    })
}

/// The name of the event, the proof that it is one of the scope, and that it is the newest version of it.
///
/// ```text
/// type __Event0 = AccountOpened;
/// impl ::es_core::private::HandledBy<__Owner, __Scope, 0> for __Event0 {}
/// const _: () = {
///     if <__Event0>::__ONE_SUCCESSOR_ONLY { ::core::panic!("..") }
///     if __FIRST_NAMESAKE == 0 { ::core::panic!("..") }
/// };
/// ```
pub(super) fn event(block: &Block, handlers: &[EventHandler<'_>], place: usize, scope: &TokenStream) -> TokenStream {
    let EventHandler { event, index, alias, handler } = &handlers[place];
    let cfgs = &handler.cfgs;
    let (name, handled_by) = subject(block, &event.ty, alias, *index, scope);
    let newest = newest(&event.ty, alias);
    let unique = unique(block, handlers, place);
    quote! {
        #(#cfgs)*
        #name
        #(#cfgs)*
        #handled_by
        #(#cfgs)*
        const _: () = { #newest #unique };
    }
}

/// The first two parts of the above, for an event that is handled or ignored.
pub(super) fn subject(
    block: &Block,
    ty: &Type,
    alias: &Ident,
    index: usize,
    scope: &TokenStream,
) -> (TokenStream, TokenStream) {
    let (parameters, _, clauses) = block.item.generics.split_for_impl();
    let (krate, owner, ty) = (block.krate.at(alias.span()), owner::owner(block), owner::outside(block, ty));
    let name = quote!(type #alias = #ty;);
    let handled_by = quote_spanned! {alias.span()=>
        #[automatically_derived]
        impl #parameters #krate::private::HandledBy<#owner, #scope, #index> for #alias #clauses {}
    };
    (name, handled_by)
}

/// An event is handled in its newest version.
pub(super) fn newest(event: &Type, alias: &Ident) -> TokenStream {
    let message = version::superseded(event);
    quote_spanned!(alias.span()=> if <#alias>::__ONE_SUCCESSOR_ONLY { ::core::panic!(#message) })
}

/// No two events of a read model or a projection have one stored name; for those of an aggregate its set sees to that.
fn unique(block: &Block, handlers: &[EventHandler<'_>], place: usize) -> Option<TokenStream> {
    if place == 0 || !block.item.generics.params.is_empty() {
        return None;
    }
    let EventHandler { event, alias, .. } = &handlers[place];
    let message = event_handler::name_taken(&event.ty);
    let earlier = handlers[..place].iter().map(|earlier| &earlier.handler.cfgs);
    let index = if earlier.clone().all(Vec::is_empty) {
        quote!(#place)
    } else {
        // Those that are compiled away are not counted.
        quote!(<[()]>::len(&[#(#(#earlier)* ()),*]))
    };
    Some(quote_spanned!(alias.span()=> if __FIRST_NAMESAKE == #index { ::core::panic!(#message) }))
}

/// ```text
/// const __FIRST_NAMESAKE: usize = ::es_core::private::first_namesake_of_rows::<__Folds>();
/// ```
pub(super) fn first_namesake(block: &Block, function: &str, of: &str) -> Option<TokenStream> {
    let place = spans::name_of(block.owner());
    let (krate, of, function) = (block.krate.at(place), owner::named(block, of), Ident::new(function, place));
    let most = block.handlers.len();
    block.item.generics.params.is_empty().then(|| {
        quote_spanned! {place=>
            const __FIRST_NAMESAKE: ::core::primitive::usize = #krate::private::#function::<#of, #most>();
        }
    })
}

/// The second argument of a handler, at its type: so the compiler says there what it should be.
///
/// ```text
/// <Envelope as ::es_core::private::SecondArgument<__Given>>::of(__given)
/// ```
pub(super) fn second(block: &Block, handler: &Handler, variable: &Ident, given: &TokenStream) -> Option<TokenStream> {
    let argument = handler.surroundings()?;
    let (span, ty) = (argument.span(), owner::outside(block, &argument.ty));
    let krate = block.krate.at(span);
    Some(quote_spanned!(span=> <#ty as #krate::private::SecondArgument<#given>>::of(#variable)))
}

/// A variable of generated code; see [`spans::variable`].
pub(super) fn variables() -> (Ident, Ident, Ident) {
    (spans::variable("self"), spans::variable("__event"), spans::variable("__given"))
}

/// `feature = "audit"` of each `#[cfg(feature = "audit")]`.
pub(super) fn conditions(cfgs: &[Attribute]) -> Vec<&TokenStream> {
    let conditions = cfgs.iter().filter_map(|cfg| match &cfg.meta {
        Meta::List(list) => Some(&list.tokens),
        _ => None,
    });
    conditions.collect()
}
