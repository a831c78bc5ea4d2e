//! Where generated code stands, as far as the compiler's messages are concerned.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote_spanned};
use syn::Type;

use crate::krate::Krate;

/// The name in a type, `Opened` in `events::Opened<'a>`: one token, because the spans of several cannot be joined.
pub(crate) fn name_of(ty: &Type) -> Span {
    match ty {
        Type::Path(path) => path.path.segments.last().map_or_else(|| first(ty), |segment| segment.ident.span()),
        Type::Group(group) => name_of(&group.elem),
        Type::Paren(paren) => name_of(&paren.elem),
        _ => first(ty),
    }
}

/// Whether that name in a type is this one.
pub(crate) fn last_name_is(ty: &Type, name: &str) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == name),
        Type::Group(group) => last_name_is(&group.elem, name),
        Type::Paren(paren) => last_name_is(&paren.elem, name),
        _ => false,
    }
}

/// The first token: `Result` in `Result<Opened, Error>`.
pub(crate) fn first(tokens: &impl ToTokens) -> Span {
    tokens.to_token_stream().into_iter().next().map_or_else(Span::call_site, |token| token.span())
}

/// The last token: `>` in `Result<Opened, Error>`.
pub(crate) fn last(tokens: &impl ToTokens) -> Span {
    tokens.to_token_stream().into_iter().last().map_or_else(Span::call_site, |token| token.span())
}

/// A part of a trait's implementation for a type that the user wrote, of which `alias` is an alias. It stands at all of
/// that type.
///
/// Where the type has no such implementation, the compiler says so wherever the part is used; but because each of those
/// messages stands at the same tokens and reads the same, it shows one. Were the type itself written in so many places,
/// a misspelt one would be reported in each of them.
///
/// ```text
/// <::es_core::private::Itself<__Outcome> as ::es_core::Decision>::Error
/// ```
///
/// `Itself<T>` is `T`. It is there because its tokens can stand at the first and at the last of the user's.
pub(crate) fn part_of(
    krate: &Krate,
    alias: &TokenStream,
    written: &Type,
    path: &TokenStream,
    part: &str,
) -> TokenStream {
    let (first, last) = (first(written), last(written));
    let (krate, alias, part) = (krate.at(first), at(alias.clone(), first), Ident::new(part, last));
    let open = quote_spanned!(first=> <#krate::private::Itself<#alias);
    let close = quote_spanned!(last=> > as #path>::#part);
    [open, close].into_iter().collect()
}

/// The tokens as if they stood at `span`; what they name stays the same.
pub(crate) fn at(tokens: TokenStream, span: Span) -> TokenStream {
    let at = |mut token: TokenTree| {
        token.set_span(span.resolved_at(token.span()));
        token
    };
    tokens.into_iter().map(at).collect()
}

/// A variable of generated code, or `self`. All its tokens must come from here where the code around them stands at
/// several places of the user's: a variable is only seen from tokens that come from the same macro.
pub(crate) fn variable(name: &str) -> Ident {
    Ident::new(name, Span::call_site())
}

/// Writes `replacement` for every `Self` in the tokens, so that they mean the same in another `impl`.
pub(crate) fn without_self(tokens: TokenStream, replacement: &TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(ident) if ident == "Self" => replacement.clone(),
            TokenTree::Group(group) => {
                let inner = without_self(group.stream(), replacement);
                let mut group_without = proc_macro2::Group::new(group.delimiter(), inner);
                group_without.set_span(group.span());
                TokenTree::Group(group_without).into_token_stream()
            }
            other => other.into_token_stream(),
        })
        .collect()
}

/// Whether a name is among the tokens.
pub(crate) fn mentions(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == *name,
        TokenTree::Group(group) => mentions(group.stream(), name),
        TokenTree::Punct(_) | TokenTree::Literal(_) => false,
    })
}
