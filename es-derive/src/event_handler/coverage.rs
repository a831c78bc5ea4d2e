//! `covers(..)` and `ignore(..)`: each event of a set is handled or ignored.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;

use super::{
    COVERS, IGNORE,
    expand::{self, EventHandler},
    fold,
};
use crate::{
    handlers::{Block, owner},
    messages::event_handler,
    spans,
};

/// What a block promises, and the places where the compiler says what it forgot: at the sets.
///
/// ```text
/// impl ::es_core::private::Covers<__Event0> for __Owner {}
/// const _: () = {
///     fn __proof() { ::es_core::private::covered::<AccountEvent, __Owner>(); }
/// };
/// ```
pub(super) fn coverage(block: &Block, handlers: &[EventHandler<'_>]) -> Option<TokenStream> {
    let key = block.entries.span(COVERS.name)?;
    let handled = handlers.iter().map(|EventHandler { alias, handler, .. }| covers(block, alias, &handler.cfgs));
    let ignored = ignored(block);
    let owner = owner::owner(block);
    let sets = block.entries.types(COVERS.name).iter().enumerate().map(|(index, set)| {
        let name = Ident::new(&format!("__Set{index}"), spans::name_of(set));
        let krate = block.krate.at(name.span());
        let set = owner::outside(block, set);
        let demand = quote_spanned!(name.span()=> #krate::private::covered::<#name, #owner>());
        let proof = owner::proof(block, &demand);
        quote!(type #name = #set; #proof)
    });
    let may_cover = (!block.is_async()).then(|| {
        let (krate, scope) = (block.krate.at(key), owner::named(block, "__Scope"));
        owner::proof(block, &quote_spanned!(key=> #krate::private::may_cover::<#scope>()))
    });
    Some(quote! {
        #(#handled)*
        #ignored
        #(#sets)*
        #may_cover
    })
}

/// An event that is handled or ignored.
///
/// ```text
/// impl ::es_core::private::Covers<__Event0> for __Owner {}
/// ```
fn covers(block: &Block, event: &Ident, cfgs: &[syn::Attribute]) -> TokenStream {
    let (krate, owner) = (block.krate.at(event.span()), owner::owner(block));
    let (parameters, _, clauses) = block.item.generics.split_for_impl();
    quote_spanned! {event.span()=>
        #(#cfgs)*
        #[automatically_derived]
        impl #parameters #krate::private::Covers<#event> for #owner #clauses {}
    }
}

/// The ignored events of covered sets. One that is in none of the sets is refused at its name.
///
/// ```text
/// type __Ignored0 = AccountClosed;
/// impl ::es_core::private::Covers<__Ignored0> for __Owner {}
/// const _: () = if ::es_core::private::is_in_none::<__Ignored0>(&[<__Set0 as EventSet>::SCHEMAS]) { .. };
/// ```
fn ignored(block: &Block) -> TokenStream {
    let krate = &block.krate;
    let sets = block.entries.types(COVERS.name);
    let all = (0..sets.len()).map(|index| {
        let name = Ident::new(&format!("__Set{index}"), Span::call_site());
        quote!(<#name as #krate::EventSet>::SCHEMAS)
    });
    let all = quote!(&[#(#all),*]);
    each_ignored(block)
        .map(|(alias, ty)| {
            let covers = covers(block, &alias, &[]);
            let (krate, message) = (block.krate.at(alias.span()), event_handler::ignored_outside(ty, sets));
            let (newest, ty) = (expand::newest(ty, &alias), owner::outside(block, ty));
            let outside = quote_spanned! {alias.span()=>
                const _: () = {
                    #newest
                    if #krate::private::is_in_none::<#alias>(#all) { ::core::panic!(#message) }
                };
            };
            quote!(type #alias = #ty; #covers #outside)
        })
        .collect()
}

/// The events that an aggregate ignores: they change nothing.
///
/// ```text
/// type __Ignored0 = AccountRenamed;
/// impl ::es_core::private::HandledBy<__Owner, __Scope, 3> for __Ignored0 {}
/// impl ::es_core::Apply<__Ignored0> for __Owner { .. }
/// const _: () = {
///     fn __proof() { ::es_core::private::may_ignore::<__Scope>(); }
/// };
/// ```
pub(super) fn ignored_by_a_fold(block: &Block) -> Option<TokenStream> {
    if block.entries.span(COVERS.name).is_some() {
        return None;
    }
    let key = block.entries.span(IGNORE.name)?;
    let (krate, scope) = (block.krate.at(key), owner::named(block, "__Scope"));
    let may_ignore = owner::proof(block, &quote_spanned!(key=> #krate::private::may_ignore::<#scope>()));
    let ignored = each_ignored(block).enumerate().map(|(index, (alias, ty))| {
        let index = block.handlers.len() + index;
        let (name, handled_by) = expand::subject(block, ty, &alias, index, &scope);
        let (newest, apply) = (expand::newest(ty, &alias), apply_nothing(block, &alias));
        quote!(#name #handled_by const _: () = { #newest }; #apply)
    });
    Some(quote!(#may_ignore #(#ignored)*))
}

fn apply_nothing(block: &Block, event: &Ident) -> TokenStream {
    let (krate, owner) = (block.krate.at(event.span()), owner::owner(block));
    let given_type = fold::given_type(block);
    let nothing = fold::nothing(block);
    let (parameters, _, clauses) = block.item.generics.split_for_impl();
    quote_spanned! {event.span()=>
        #[automatically_derived]
        impl #parameters #krate::Apply<#event> for #owner #clauses {
            #given_type
            fn apply(&mut self, _: #event, _: &Self::Given) -> <Self::Given as #krate::Given>::Outcome { #nothing }
            fn apply_ref(&mut self, _: &#event, _: &Self::Given) -> <Self::Given as #krate::Given>::Outcome { #nothing }
        }
    }
}

/// The ignored events, each with the name that stands for it, at the event.
fn each_ignored(block: &Block) -> impl Iterator<Item = (Ident, &Type)> {
    let events = block.entries.types(IGNORE.name).iter().enumerate();
    events.map(|(index, ty)| (Ident::new(&format!("__Ignored{index}"), spans::name_of(ty)), ty))
}
