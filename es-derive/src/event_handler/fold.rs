//! The implementations of an aggregate's or a read model's handlers.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::{ReturnType, Type};

use super::{
    coverage,
    expand::{self, EventHandler},
    keys,
};
use crate::{
    handlers::{Block, Passing, owner, rules},
    spans,
};

/// ```text
/// type __Scope = <__Owner as ::es_core::Folds>::Scope;
/// type __Given = <__Owner as ::es_core::Folds>::Given;
/// ..                                                      // each handler
/// impl ::es_core::private::OneEventHandlerBlock<__Scope, __Given> for __Owner { .. }
/// ```
pub(super) fn block(block: &Block, handlers: &[EventHandler<'_>]) -> TokenStream {
    let scope_and_given = owner::scope_and_given(block);
    let scope = owner::named(block, "__Scope");
    let events = (0..handlers.len()).map(|place| expand::event(block, handlers, place, &scope));
    let first_namesake = expand::first_namesake(block, "first_namesake_of_rows", "__Folds");
    let each = handlers.iter().map(|handler| apply(block, handler));
    let ignored = coverage::ignored_by_a_fold(block);
    let keys = keys::expand(block, handlers);
    let whole = whole(block, handlers);
    quote! {
        #scope_and_given
        #first_namesake
        #(#events)*
        #(#each)*
        #ignored
        #keys
        #whole
    }
}

/// One handler. The whole `impl` stands at the event's type: so two handlers for one event are both underlined.
///
/// ```text
/// impl ::es_core::Apply<__Event0> for __Owner {
///     type Given = __Given;
///     fn apply(&mut self, __event: __Event0, __given: &Self::Given) -> <Self::Given as ::es_core::Given>::Outcome {
///         __Owner::opened(self, __event);
///         <__Given as ::es_core::Given>::nothing()
///     }
///     fn apply_ref(..) -> .. {
///         __Owner::opened(self, <__Owner as ::es_core::private::ByValue<__Event0>>::copy(__event));
///         <__Given as ::es_core::Given>::nothing()
///     }
/// }
/// ```
fn apply(block: &Block, handler: &EventHandler<'_>) -> TokenStream {
    let EventHandler { event, alias, handler, .. } = handler;
    let (span, name, cfgs) = (event.span(), handler.name(), &handler.cfgs);
    let krate = block.krate.at(span);
    let (of, here) = (owner::owner(block), owner::owner_at(block, span));
    let (this, value, given) = expand::variables();
    let (owned, borrowed) = match event.passing {
        Passing::Value => (
            quote_spanned!(span=> #value),
            quote_spanned!(span=> <#here as #krate::private::ByValue<#alias>>::copy(#value)),
        ),
        Passing::Shared | Passing::Exclusive => (quote_spanned!(span=> &#value), quote_spanned!(span=> #value)),
    };
    let second = expand::second(block, handler, &given, &owner::named(block, "__Given"));
    let asked = |event: &TokenStream| {
        let call = quote_spanned!(span=> <#of>::#name(#this, #event, #second));
        outcome(block, &handler.signature.output, &call)
    };
    let (asked_owned, asked_borrowed) = (asked(&owned), asked(&borrowed));
    let given_type = given_type(block);
    let [apply, apply_ref] = [("apply", quote!()), ("apply_ref", quote!(&))].map(|(name, by)| {
        let place = spans::name_of(block.owner());
        let name = Ident::new(name, place);
        signature(block, &name, &quote_spanned!(place=> &mut #this, #value: #by #alias), &given)
    });
    let (parameters, _, clauses) = block.item.generics.split_for_impl();
    quote_spanned! {span=>
        #(#cfgs)*
        #[automatically_derived]
        impl #parameters #krate::Apply<#alias> for #of #clauses {
            #given_type
            #apply { #asked_owned }
            #apply_ref { #asked_borrowed }
        }
    }
}

/// ```text
/// type Given = __Given;
/// ```
pub(super) fn given_type(block: &Block) -> TokenStream {
    let (place, given) = (spans::name_of(block.owner()), owner::named(block, "__Given"));
    quote_spanned!(place=> type Given = #given;)
}

/// ```text
/// fn apply(&mut self, __event: __Event0, __given: &Self::Given) -> <Self::Given as ::es_core::Given>::Outcome
/// ```
fn signature(block: &Block, name: &Ident, arguments: &TokenStream, given: &Ident) -> TokenStream {
    let place = spans::name_of(block.owner());
    let krate = block.krate.at(place);
    quote_spanned! {place=>
        fn #name(#arguments, #given: &Self::Given) -> <Self::Given as #krate::Given>::Outcome
    }
}

/// What the handler leads to. Where it returns something, the compiler says at its return type whether it may.
fn outcome(block: &Block, output: &ReturnType, call: &TokenStream) -> TokenStream {
    match output {
        ReturnType::Type(_, ty) if !rules::returns_nothing(output) => answer(block, ty, call),
        _ => {
            let nothing = nothing(block);
            quote!(#call; #nothing)
        }
    }
}

/// ```text
/// let __outcome = __Owner::closed(self, __event);
/// ::es_core::private::Answers::<<__Given as ::es_core::Given>::Outcome>::outcome(__outcome)
/// ```
fn answer(block: &Block, ty: &Type, call: &TokenStream) -> TokenStream {
    let span = spans::name_of(ty);
    let (krate, given) = (block.krate.at(span), owner::named(block, "__Given"));
    let outcome = quote!(<#given as #krate::Given>::Outcome);
    let variable = Ident::new("__outcome", span);
    let answer = quote_spanned!(span=> #krate::private::Answers::<#outcome>::outcome(#variable));
    quote!(let #variable = #call; #answer)
}

/// ```text
/// <__Given as ::es_core::Given>::nothing()
/// ```
pub(super) fn nothing(block: &Block) -> TokenStream {
    let (place, given) = (spans::name_of(block.owner()), owner::named(block, "__Given"));
    let krate = block.krate.at(place);
    quote_spanned!(place=> <#given as #krate::Given>::nothing())
}

/// The block as a whole. The first line is where the compiler says which events of an aggregate have no handler.
///
/// ```text
/// impl ::es_core::private::OneEventHandlerBlock<__Scope, __Given> for __Owner {
///     const DISPATCHER: Dispatcher<__Scope, Self> = ::es_core::private::dispatcher();
///     const HANDLERS: &'static [Fold<Self, __Given>] = &[::es_core::private::stored_handler::<__Owner, __Scope, __Event0, __Given, 0>(), ..];
///     const EVENTS: &'static [EventSchema] = &[::es_core::private::handled_event::<__Owner, __Scope, __Event0, 0>(), ..];
///     type Handlers = ();
///     type Keys = __Keys;
///     type Reads = ReadsSomething;
/// }
/// ```
fn whole(block: &Block, handlers: &[EventHandler<'_>]) -> TokenStream {
    let span = spans::name_of(block.owner());
    let krate = block.krate.at(span);
    let (owner, scope, given) = (owner::owner(block), owner::named(block, "__Scope"), owner::named(block, "__Given"));
    let (reads, keys, may_fail) = (reads(block, handlers), keys::keys(block), may_fail(handlers));
    let stored = handlers.iter().map(|EventHandler { alias, index, handler, .. }| {
        let cfgs = &handler.cfgs;
        quote! {
            #(#cfgs)*
            #krate::private::stored_handler::<#owner, #scope, #alias, #given, #index>()
        }
    });
    let events = handlers.iter().map(|EventHandler { alias, index, handler, .. }| {
        let cfgs = &handler.cfgs;
        quote!(#(#cfgs)* #krate::private::handled_event::<#owner, #scope, #alias, #index>())
    });
    let generics = owner::static_generics(block);
    let (parameters, _, clauses) = generics.split_for_impl();
    quote_spanned! {span=>
        #[automatically_derived]
        impl #parameters #krate::private::OneEventHandlerBlock<#scope, #given> for #owner #clauses {
            const DISPATCHER: #krate::private::Dispatcher<#scope, #owner> =
                #krate::private::dispatcher();
            const HANDLERS: &'static [#krate::private::Fold<#owner, #given>] = &[#(#stored),*];
            const EVENTS: &'static [#krate::EventSchema] = &[#(#events),*];
            #may_fail
            type Handlers = ();
            type Keys = #keys;
            #reads
        }
    }
}

/// Whether a handler may fail, as far as its words tell: whatever is neither nothing nor a `Row` may be a `Result`.
///
/// ```text
/// const MAY_FAIL: bool = true;
/// ```
fn may_fail(handlers: &[EventHandler<'_>]) -> Option<TokenStream> {
    let is_row = |output: &ReturnType| matches!(output, ReturnType::Type(_, ty) if spans::last_name_is(ty, "Row"));
    let may_fail = |output: &ReturnType| !rules::returns_nothing(output) && !is_row(output);
    let any = handlers.iter().any(|handler| may_fail(&handler.handler.signature.output));
    any.then(|| {
        quote!(
            const MAY_FAIL: ::core::primitive::bool = true;
        )
    })
}

/// Whether a handler asks for what is given; one that is compiled away does not. Where none does, replay need not decode
/// it, and a draft can begin without the command's context.
///
/// ```text
/// #[cfg(any(all(feature = "audit")))]
/// type Reads = ReadsSomething;
/// #[cfg(not(any(all(feature = "audit"))))]
/// type Reads = ReadsNothing;
/// ```
fn reads(block: &Block, handlers: &[EventHandler<'_>]) -> TokenStream {
    let krate = &block.krate;
    let readers = handlers.iter().filter(|handler| handler.handler.surroundings().is_some());
    let conditions: Vec<_> = readers.map(|reader| expand::conditions(&reader.handler.cfgs)).collect();
    let something = quote!(type Reads = #krate::private::ReadsSomething;);
    let nothing = quote!(type Reads = #krate::private::ReadsNothing;);
    if conditions.is_empty() {
        return nothing;
    }
    if conditions.iter().any(Vec::is_empty) {
        return something;
    }
    let any = quote!(any(#(all(#(#conditions),*)),*));
    quote! {
        #[cfg(#any)]
        #something
        #[cfg(not(#any))]
        #nothing
    }
}
