//! The lifetimes of a command that borrows: `Deposit<'_>`, or `Deposit<'a>` where the handler declares `'a`.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens as _;
use syn::{Lifetime, Type};

use crate::{handlers::Handler, spans};

/// A type with a name for each of its lifetimes, for use outside of the handler's signature.
#[derive(Debug)]
pub(super) struct Named {
    /// `Deposit<'__0>`
    pub(super) ty: TokenStream,
    /// `'__0`
    pub(super) lifetimes: Vec<Lifetime>,
}

/// Names the lifetimes of a command.
pub(super) fn of_command(handler: &Handler, command: &Type) -> Named {
    let mut new = Vec::new();
    let ty = name_elided(command.to_token_stream(), &mut new);
    named(handler, ty, new)
}

/// The lifetimes of what is returned, which can only be those that the handler declares.
pub(super) fn of_output(handler: &Handler, output: &Type) -> Named {
    named(handler, output.to_token_stream(), Vec::new())
}

fn named(handler: &Handler, ty: TokenStream, new: Vec<Lifetime>) -> Named {
    let declared = handler.signature.generics.lifetimes().map(|parameter| parameter.lifetime.clone());
    let mentioned = declared.filter(|lifetime| spans::mentions(ty.clone(), &lifetime.ident));
    let lifetimes = mentioned.chain(new).collect();
    Named { ty, lifetimes }
}

/// Writes a new name for every `'_`, and behind every `&` without one.
fn name_elided(tokens: TokenStream, new: &mut Vec<Lifetime>) -> TokenStream {
    let mut named = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    let mut after_name = false;
    while let Some(token) = tokens.next() {
        // The arguments in `Fn(&str)` have lifetimes of their own.
        let is_called = std::mem::replace(&mut after_name, matches!(token, TokenTree::Ident(_)));
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '\'' => match tokens.next() {
                Some(TokenTree::Ident(name)) if name == "_" => new_lifetime(name.span(), new).to_tokens(&mut named),
                name => {
                    sign.to_tokens(&mut named);
                    name.to_tokens(&mut named);
                }
            },
            TokenTree::Punct(sign) if sign.as_char() == '&' => {
                sign.to_tokens(&mut named);
                if !matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == '\'') {
                    new_lifetime(sign.span(), new).to_tokens(&mut named);
                }
            }
            TokenTree::Group(group) if !(is_called && group.delimiter() == Delimiter::Parenthesis) => {
                let mut inner = Group::new(group.delimiter(), name_elided(group.stream(), new));
                inner.set_span(group.span());
                inner.to_tokens(&mut named);
            }
            other => other.to_tokens(&mut named),
        }
    }
    named
}

fn new_lifetime(span: proc_macro2::Span, new: &mut Vec<Lifetime>) -> Lifetime {
    let lifetime = Lifetime::new(&format!("'__{}", new.len()), span);
    new.push(lifetime.clone());
    lifetime
}
