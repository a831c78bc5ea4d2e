//! Blocks that are being typed: what can be read of them is read, and the rest is handed back as it is.
//!
//! An editor expands the macro at every keystroke, and knows the handlers only by what the macro writes for them. Were
//! one unfinished handler enough for the macro to give up, all the others would be unknown for as long.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::{TokenStreamExt as _, quote};
use syn::{Expr, ImplItem, ImplItemFn, Item, ItemImpl, Stmt};

use crate::errors::Errors;

/// A block, and the handlers in it that are handed back as they are.
pub(super) struct Read {
    pub(super) block: ItemImpl,
    pub(super) bodiless: Vec<ImplItemFn>,
}

/// Reads an `impl` block function by function; `None` where it is no such block.
pub(super) fn read(item: &TokenStream, errors: &mut Errors) -> Option<Read> {
    let mut tokens: Vec<_> = item.clone().into_iter().collect();
    let Some(TokenTree::Group(content)) = tokens.pop() else { return None };
    let head: TokenStream = tokens.into_iter().collect();
    if content.delimiter() != Delimiter::Brace {
        return None;
    }
    let Ok(Item::Impl(mut block)) = syn::parse2(quote!(#head {})) else { return None };
    block.brace_token = syn::token::Brace { span: content.delim_span() };
    let mut read = Read { block, bodiless: Vec::new() };
    for piece in pieces(content.stream()) {
        read.piece(piece, errors);
    }
    Some(read)
}

impl Read {
    fn piece(&mut self, piece: TokenStream, errors: &mut Errors) {
        if let Ok(item) = syn::parse2::<ImplItem>(piece.clone())
            && !matches!(item, ImplItem::Verbatim(_))
        {
            return self.block.items.push(item);
        }
        let (signature, body) = split(&piece);
        match (syn::parse2::<ImplItemFn>(quote!(#signature {})), body) {
            // What is wrong in a body, or that there is none, the compiler says when it reads what is handed back.
            (Ok(mut function), Some(body)) => {
                function.block.brace_token = syn::token::Brace { span: body.delim_span() };
                function.block.stmts.push(Stmt::Expr(Expr::Verbatim(body.stream()), None));
                self.block.items.push(ImplItem::Fn(function));
            }
            (Ok(function), None) => {
                self.bodiless.push(function);
                self.block.items.push(ImplItem::Verbatim(piece));
            }
            (Err(error), _) => {
                errors.at(error.span(), &error);
                self.block.items.push(ImplItem::Verbatim(piece));
            }
        }
    }
}

/// A function's tokens up to its body or semicolon, and the body.
fn split(piece: &TokenStream) -> (TokenStream, Option<Group>) {
    let mut tokens: Vec<_> = piece.clone().into_iter().collect();
    match tokens.pop() {
        Some(TokenTree::Group(body)) if body.delimiter() == Delimiter::Brace => {
            (tokens.into_iter().collect(), Some(body))
        }
        Some(token) if is_sign(&token, ';') => (tokens.into_iter().collect(), None),
        _ => (piece.clone(), None),
    }
}

/// The tokens of each item: up to its body or semicolon, or to where the next one begins.
fn pieces(content: TokenStream) -> Vec<TokenStream> {
    let mut pieces = Vec::new();
    let mut piece = TokenStream::new();
    let mut has_fn = false;
    let mut tokens = content.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let next = tokens.peek();
        let is_fn = is_word(&token, "fn") && matches!(next, Some(TokenTree::Ident(_)));
        let is_attribute = is_sign(&token, '#') && matches!(next, Some(TokenTree::Group(_)));
        if has_fn && (is_fn || is_attribute || is_word(&token, "pub")) {
            pieces.push(std::mem::take(&mut piece));
            has_fn = false;
        }
        has_fn |= is_fn;
        let is_body = matches!(&token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
        let is_end = is_sign(&token, ';') || is_body;
        piece.append(token);
        if is_end {
            pieces.push(std::mem::take(&mut piece));
            has_fn = false;
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

fn is_sign(token: &TokenTree, sign: char) -> bool {
    matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign)
}

fn is_word(token: &TokenTree, word: &str) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{command_handler, event_handler};

    /// What a macro writes for a block, without white space.
    fn written(attribute: fn(TokenStream, &TokenStream) -> TokenStream, block: &str) -> String {
        let tokens: TokenStream = block.parse().expect("tokens");
        attribute(TokenStream::new(), &tokens).to_string().replace(char::is_whitespace, "")
    }

    fn commands(handlers: &str) -> String {
        written(command_handler::attribute, &format!("impl Account {{ {handlers} }}"))
    }

    #[track_caller]
    fn has(written: &str, part: &str, times: usize) {
        let part = part.replace(char::is_whitespace, "");
        assert_eq!(written.matches(&part).count(), times, "{part} in {written}");
    }

    const COMMAND: &str = "::es_core::Command<__Owner>for";
    const DEPOSIT: &str = "fn deposit(&self, _: &Deposit) -> Result<Deposited, E> { Ok(Deposited {}) }";

    #[test]
    fn an_unfinished_handler_leaves_the_others_alone() {
        for unfinished in [
            "fn withdraw(&self, command: &) { }",
            "fn withdraw(&self, command: &)",
            "fn withdraw(&self, command: Withdraw) -> Result<",
            "fn withdraw(&self, command: Withdraw) -> ",
            "fn withdraw",
            "pub fn withdraw(&self, command: )",
            "#[command(or_default)] fn",
        ] {
            for block in [format!("{unfinished} {DEPOSIT}"), format!("{DEPOSIT} {unfinished}")] {
                let written = commands(&block);
                has(&written, COMMAND, 1);
                has(&written, "compile_error!", 1);
                has(&written, DEPOSIT, 1);
                has(&written, unfinished, 1);
            }
        }
    }

    #[test]
    fn a_handler_with_an_unfinished_body_is_a_handler() {
        for body in ["{ self. }", "{ let x = ; }", "{ Withdrawn { amount: , } }", "{ match }"] {
            let unfinished = format!("#[command(or_default)] fn withdraw(&self, _: &Withdraw) -> Result<W, E> {body}");
            let written = commands(&format!("{unfinished} {DEPOSIT}"));
            has(&written, COMMAND, 2);
            has(&written, "CommandTarget::Either", 1);
            has(&written, "#[command", 0);
            has(&written, "compile_error", 0);
            has(&written, body, 1);
        }
    }

    #[test]
    fn a_handler_without_a_body_is_a_handler() {
        for unfinished in
            ["fn withdraw(&self, _: &Withdraw) -> Result<W, E>", "fn withdraw(&self, _: &Withdraw) -> Result<W, E>;"]
        {
            let written = commands(&format!("{unfinished} {DEPOSIT}"));
            has(&written, COMMAND, 2);
            has(&written, "compile_error", 0);
            has(&written, unfinished, 1);
        }
    }

    #[test]
    fn an_empty_block_is_a_block() {
        has(&commands(""), "impl Account {}", 1);
        let written = written(event_handler::attribute, "impl Account {}");
        has(&written, "OneEventHandlerBlock", 1);
    }

    #[test]
    fn an_unfinished_event_handler_leaves_the_block_alone() {
        let block = "impl Account { fn opened(&mut self, _: &Opened) {} fn deposited(&mut self, event: &) }";
        let written = written(event_handler::attribute, block);
        has(&written, "OneEventHandlerBlock", 1);
        has(&written, "compile_error!", 1);
        has(&written, "fn opened(&mut self, _: &Opened) {}", 1);
        has(&written, "fn deposited(&mut self, event: &)", 1);
    }

    #[test]
    fn what_is_no_block_is_handed_back_with_one_error() {
        for item in ["impl Account", "impl", "impl Account { fn x() {} } fn", "struct Account {}", "fn x(&self) {}"] {
            let written = written(command_handler::attribute, item);
            has(&written, "compile_error!", 1);
            assert!(written.ends_with(&item.replace(char::is_whitespace, "")), "{written}");
        }
    }
}
