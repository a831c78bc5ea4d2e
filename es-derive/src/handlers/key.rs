//! `#[key(..)]` above an event handler: to which rows, or to which line of events, an event belongs.

use proc_macro2::Span;
use syn::{Attribute, Expr, Ident, Token, punctuated::Punctuated};

use crate::{errors::Errors, messages::projection as messages};

const KEY: &str = "key";

/// The expressions in `#[key(..)]`, which is taken away: the compiler does not know it.
pub(super) fn take(attributes: &mut Vec<Attribute>, errors: &mut Errors) -> Vec<Expr> {
    let mut keys = Vec::new();
    let mut marks = attributes.extract_if(.., |attribute| attribute.path().is_ident(KEY));
    if let Some(mark) = marks.next() {
        keys = read(&mark, errors);
    }
    for second in marks {
        errors.on(&second.meta, messages::key_repeated());
    }
    keys
}

/// The place of `stream` in `#[key(stream)]`.
pub(super) fn stream(keys: &[Expr]) -> Option<Span> {
    match keys {
        [Expr::Path(key)] => key.path.get_ident().filter(|name| *name == "stream").map(Ident::span),
        _ => None,
    }
}

fn read(mark: &Attribute, errors: &mut Errors) -> Vec<Expr> {
    let parsed = match &mark.meta {
        syn::Meta::List(_) => mark.parse_args_with(Punctuated::<Expr, Token![,]>::parse_terminated),
        _ => Ok(Punctuated::new()),
    };
    match parsed {
        Ok(keys) if keys.is_empty() => errors.on(&mark.meta, messages::key_of_nothing()),
        Ok(keys) => return keys.into_iter().collect(),
        Err(error) => errors.at(error.span(), error),
    }
    Vec::new()
}
