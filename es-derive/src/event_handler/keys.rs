//! The keys of events: what `#[key(..)]` says above the handlers.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::Expr;

use super::expand::EventHandler;
use crate::{
    handlers::{Block, owner},
    proofs, spans,
};

/// What an expression may name: the event, and where it stands.
const EVENT: &str = "event";
const ENVELOPE: &str = "envelope";

/// The type that says the keys: `()` where there is no `#[key(..)]`.
pub(super) fn keys(block: &Block) -> TokenStream {
    if has_keys(block) { quote!(__Keys) } else { quote!(()) }
}

fn has_keys(block: &Block) -> bool {
    block.handlers.iter().any(|handler| !handler.keys.is_empty())
}

/// ```text
/// type __Row = <[(); ::es_core::private::has_keys::<__Folds>()] as ::es_core::private::Proved<__Folds>>::Type;
/// type __Key = <__Row as ::es_core::private::HasKeys>::Key;
/// struct __Keys;
/// impl ::es_core::private::KeysIn<__Key> for __Keys {
///     const KEYS: &'static [Option<KeysOf<__Key>>] = &[None, Some(__keys1), ..];
/// }
/// fn __keys1(..) { .. }                                   // one for each `#[key(..)]`
/// ```
///
/// In an `async` block `__Key` is `String`. Nothing that has keys has parameters.
pub(super) fn expand(block: &Block, handlers: &[EventHandler<'_>]) -> Option<TokenStream> {
    let Some(first) = block.handlers.iter().find_map(|handler| handler.keys.first()).map(spans::first) else {
        return streams_are_keys(block);
    };
    let krate = &block.krate;
    let key = if block.is_async() {
        quote!(type __Key = #krate::private::String;)
    } else {
        let proved = proofs::proved(krate, "has_keys", &owner::with_arguments(block, "__Folds", first), first);
        quote!(type __Row = #proved; type __Key = <__Row as #krate::private::HasKeys>::Key;)
    };
    let all = handlers.iter().map(|EventHandler { handler, index, .. }| {
        let (cfgs, function) = (&handler.cfgs, function(*index));
        if handler.keys.is_empty() {
            quote!(#(#cfgs)* ::core::option::Option::None)
        } else {
            quote!(#(#cfgs)* ::core::option::Option::Some(#function))
        }
    });
    let each = handlers.iter().filter(|handler| !handler.handler.keys.is_empty());
    let each = each.map(|handler| keys_of(block, handler));
    Some(quote! {
        #key

        #[allow(
            missing_debug_implementations,
            unnameable_types,
            unreachable_pub,
            dead_code,
            reason = "it is named, and never made"
        )]
        pub struct __Keys;

        #[automatically_derived]
        impl #krate::private::KeysIn<__Key> for __Keys {
            const KEYS: &'static [::core::option::Option<#krate::private::KeysOf<__Key>>] = &[#(#all),*];
        }

        #(#each)*
    })
}

/// Where all that is said is `#[key(stream)]`: the place at which an aggregate is told that its handlers have no keys.
///
/// ```text
/// const _: usize = ::es_core::private::has_keys::<__Folds>();
/// ```
fn streams_are_keys(block: &Block) -> Option<TokenStream> {
    let place = block.handlers.iter().find_map(|handler| handler.keyed_by_stream)?;
    let (krate, folds) = (block.krate.at(place), owner::with_arguments(block, "__Folds", place));
    (!block.is_async() && block.item.generics.params.is_empty())
        .then(|| quote_spanned!(place=> const _: ::core::primitive::usize = #krate::private::has_keys::<#folds>();))
}

fn function(index: usize) -> Ident {
    Ident::new(&format!("__keys{index}"), Span::call_site())
}

/// The keys of one handler's event. It is decoded only where it is asked for, and so is its envelope.
///
/// ```text
/// fn __keys1(__stored: &StoredEvent, __keys: &mut Vec<__Key>) -> Result<(), NotRead> {
///     let Some(__event) = &::es_core::private::event_of_key::<__Owner, __Scope, __Event1, 1>(__stored)? else {
///         return Ok(());
///     };
///     let __envelope = &__stored.envelope()?;
///     ..                                                  // each expression
///     Ok(())
/// }
/// ```
fn keys_of(block: &Block, EventHandler { handler, index, alias, .. }: &EventHandler<'_>) -> TokenStream {
    let (krate, owner, cfgs, function) = (&block.krate, owner::owner(block), &handler.cfgs, function(*index));
    let scope = if block.is_async() { quote!(#krate::AnyAggregate) } else { owner::named(block, "__Scope") };
    let asks_for = |name: &str| handler.keys.iter().any(|key| name_in(key.to_token_stream(), name).is_some());
    let event = asks_for(EVENT).then(|| {
        quote! {
            let ::core::option::Option::Some(__event) =
                &#krate::private::event_of_key::<#owner, #scope, #alias, #index>(__stored)?
            else {
                return ::core::result::Result::Ok(());
            };
        }
    });
    let envelope = asks_for(ENVELOPE).then(|| quote!(let __envelope = &__stored.envelope()?;));
    let each = handler.keys.iter().map(|key| add(block, key));
    quote! {
        #(#cfgs)*
        #[allow(clippy::unnecessary_wraps, reason = "an event that is not asked for is not decoded")]
        fn #function(
            __stored: &#krate::store::StoredEvent,
            __keys: &mut #krate::private::Vec<__Key>,
        ) -> ::core::result::Result<(), #krate::private::NotRead> {
            #event
            #envelope
            #(#each)*
            ::core::result::Result::Ok(())
        }
    }
}

/// One expression. It stands at the user's, so the compiler says there what it should be.
///
/// ```text
/// {
///     let event = __event;
///     ::es_core::private::add_keys::<__Key, _>(&(event.customer_id), __keys);
/// }
/// ```
fn add(block: &Block, key: &Expr) -> TokenStream {
    let span = spans::first(key);
    let (krate, keys) = (block.krate.at(span), spans::variable("__keys"));
    let event = name_in(key.to_token_stream(), EVENT).map(|event| quote!(let #event = __event;));
    let envelope = name_in(key.to_token_stream(), ENVELOPE).map(|envelope| quote!(let #envelope = __envelope;));
    let key = owner::outside(block, key);
    let add = if block.is_async() {
        quote_spanned!(span=> #krate::private::add_text(&(#key), #keys);)
    } else {
        quote_spanned!(span=> #krate::private::add_keys::<__Key, _>(&(#key), #keys);)
    };
    quote!({ #event #envelope #add })
}

/// A name that a key cannot know: that of an argument of the handler, or another variable that the key begins with.
pub(super) fn unknown_name(key: &Expr, arguments: &[&Ident]) -> Option<Ident> {
    let is_known = |name: &Ident| name == EVENT || name == ENVELOPE;
    // A closure has arguments of its own, which may be named likewise.
    let has_closure = contains(key.to_token_stream(), '|');
    let mut unknown = arguments.iter().filter(|name| !has_closure && !is_known(name));
    let argument = unknown.find_map(|name| variable_in(key.to_token_stream(), name));
    argument.or_else(|| first_variable(key).filter(|name| !is_known(name)).cloned())
}

/// What `a.b.c()` begins with, where that is a name as variables have it.
fn first_variable(expression: &Expr) -> Option<&Ident> {
    match expression {
        Expr::Field(field) => first_variable(&field.base),
        Expr::MethodCall(call) => first_variable(&call.receiver),
        Expr::Reference(reference) => first_variable(&reference.expr),
        Expr::Paren(paren) => first_variable(&paren.expr),
        Expr::Group(group) => first_variable(&group.expr),
        Expr::Path(path) => path.path.get_ident().filter(|name| name.to_string().starts_with(char::is_lowercase)),
        _ => None,
    }
}

fn contains(tokens: TokenStream, sign: char) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Punct(punct) => punct.as_char() == sign,
        TokenTree::Group(group) => contains(group.stream(), sign),
        TokenTree::Ident(_) | TokenTree::Literal(_) => false,
    })
}

/// A variable of that name among the tokens: no field, no method, and no part of a path.
fn variable_in(tokens: TokenStream, name: &Ident) -> Option<Ident> {
    let mut before = None;
    for token in tokens {
        match &token {
            TokenTree::Ident(ident) if ident == name && !matches!(before, Some('.' | ':')) => {
                return Some(ident.clone());
            }
            TokenTree::Group(group) => {
                if let Some(found) = variable_in(group.stream(), name) {
                    return Some(found);
                }
            }
            _ => {}
        }
        before = match &token {
            TokenTree::Punct(sign) => Some(sign.as_char()),
            _ => None,
        };
    }
    None
}

/// A name as it is written among the tokens: a variable is only seen by tokens that come from the same place.
fn name_in(tokens: TokenStream, name: &str) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) => (ident == name).then_some(ident),
        TokenTree::Group(group) => name_in(group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => None,
    })
}
