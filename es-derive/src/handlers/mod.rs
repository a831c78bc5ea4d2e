//! What the blocks of handlers have in common: an `impl` in which every function handles one thing.
//!
//! Arguments are told apart by their place and by how they are passed, never by their names.

mod key;
mod other_kind;
pub(crate) mod owner;
pub(crate) mod rules;
mod unfinished;

use std::collections::HashSet;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Attribute, Expr, FnArg, Ident, ImplItem, ImplItemFn, Item, ItemImpl, Receiver, Signature, Type};

use crate::{
    attributes::{Entries, Grammar},
    errors::Errors,
    krate::{self, Krate},
    messages, spans,
};

/// Which kind of handlers a block has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Event,
    Command,
}

impl Kind {
    /// The name of the attribute above the block.
    pub(crate) fn attribute(self) -> &'static str {
        match self {
            Self::Event => "event_handler",
            Self::Command => "command_handler",
        }
    }

    /// "event handler"
    pub(crate) fn noun(self) -> &'static str {
        match self {
            Self::Event => "event handler",
            Self::Command => "command handler",
        }
    }

    /// "an event handler"
    pub(crate) fn a_handler(self) -> &'static str {
        match self {
            Self::Event => "an event handler",
            Self::Command => "a command handler",
        }
    }

    /// What it handles.
    pub(crate) fn subject(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::Command => "command",
        }
    }

    /// The grammar of that attribute.
    fn grammar(self) -> Grammar {
        match self {
            Self::Event => crate::event_handler::GRAMMAR,
            Self::Command => Grammar { attribute: self.attribute(), keys: &[krate::KEY] },
        }
    }

    /// The grammar of the attribute above a handler, where there is one.
    fn mark(self) -> Option<Grammar> {
        match self {
            Self::Event => None,
            Self::Command => Some(crate::command_handler::MARK),
        }
    }
}

/// An `impl` block of handlers.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) kind: Kind,
    pub(crate) krate: Krate,
    /// What the attribute above it says.
    pub(crate) entries: Entries,
    /// The block to hand back, without the attributes that were for us.
    pub(crate) item: ItemImpl,
    pub(crate) handlers: Vec<Handler>,
}

/// One function of the block.
#[derive(Debug)]
pub(crate) struct Handler {
    pub(crate) signature: Signature,
    /// The `#[cfg(..)]` above it, which everything generated for it gets too.
    pub(crate) cfgs: Vec<Attribute>,
    /// What the macro's own attribute above it says.
    pub(crate) mark: Entries,
    /// What `#[key(..)]` above an event handler says.
    pub(crate) keys: Vec<Expr>,
    /// Where that is `#[key(stream)]`, which says what goes without saying.
    pub(crate) keyed_by_stream: Option<Span>,
    pub(crate) receiver: Option<Receiver>,
    /// All arguments but `self`.
    pub(crate) arguments: Vec<Argument>,
}

/// An argument: `event: &AccountOpened`.
#[derive(Debug)]
pub(crate) struct Argument {
    pub(crate) passing: Passing,
    /// The type without the `&`.
    pub(crate) ty: Type,
    /// The type as it is written.
    pub(crate) written: Type,
}

/// How an argument is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Passing {
    /// `E`
    Value,
    /// `&E`
    Shared,
    /// `&mut E`
    Exclusive,
}

impl Block {
    /// Reads a block. On what is no `impl` at all, or has the other kind of handlers, the answer is what to hand back
    /// to the compiler.
    pub(crate) fn parse(
        kind: Kind,
        arguments: TokenStream,
        item: &TokenStream,
        errors: &mut Errors,
    ) -> Result<Self, TokenStream> {
        let entries = Entries::of_tokens(arguments.clone(), kind.grammar(), errors);
        let refused = |error: syn::Error| {
            let error = error.to_compile_error();
            quote::quote!(#error #item)
        };
        let is_whole = |item: &ImplItem| !matches!(item, ImplItem::Verbatim(_));
        let (mut block, mut bodiless) = match syn::parse2::<Item>(item.clone()) {
            Ok(Item::Impl(block)) if block.items.iter().all(is_whole) => (block, Vec::new()),
            Ok(other) if !matches!(other, Item::Impl(_)) => {
                return Err(refused(syn::Error::new_spanned(name_of(&other), messages::block_not_an_impl(kind))));
            }
            read => match (unfinished::read(item, errors), read) {
                (Some(read), _) => (read.block, read.bodiless),
                (None, Ok(_)) => return Err(item.clone()),
                (None, Err(error)) => return Err(refused(error)),
            },
        };
        let mut handlers = Vec::new();
        let functions = block.items.iter_mut().filter_map(|item| match item {
            ImplItem::Fn(function) => Some(function),
            _ => None,
        });
        for function in functions.chain(&mut bodiless) {
            handlers.push(Handler::parse(kind, function, errors));
        }
        block.attrs.push(syn::parse_quote! {
            #[allow(
                clippy::missing_const_for_fn,
                clippy::needless_pass_by_value,
                clippy::trivially_copy_pass_by_ref,
                clippy::unnecessary_wraps,
                clippy::unused_async,
                clippy::unused_self,
                reason = "what a handler takes and returns is part of the model"
            )]
        });
        let block = Self { kind, krate: Krate::of(&entries), entries, item: block, handlers };
        if let Some(instead) = other_kind::instead(&block, arguments, item) {
            return Err(instead);
        }
        Ok(block)
    }

    /// The type whose handlers they are.
    pub(crate) fn owner(&self) -> &Type {
        &self.item.self_ty
    }

    /// The handlers whose name an earlier one has. With `#[cfg(..)]` above them only one may be left.
    pub(crate) fn namesakes(&self) -> impl Iterator<Item = &Handler> {
        let mut names = HashSet::new();
        self.handlers.iter().filter(move |handler| handler.cfgs.is_empty() && !names.insert(handler.name()))
    }

    /// The block to hand back after an error: without the handlers that the compiler would report again.
    pub(crate) fn item_after_error(&self) -> ItemImpl {
        let namesakes: Vec<_> = self.namesakes().map(|handler| &handler.signature).collect();
        let mut item = self.item.clone();
        item.items.retain(|item| !matches!(item, ImplItem::Fn(function) if namesakes.contains(&&function.sig)));
        item
    }

    /// Whether a handler is `async`: then the block is that of a projection.
    pub(crate) fn is_async(&self) -> bool {
        self.handlers.iter().any(Handler::is_async)
    }

    /// The `#[cfg(..)]` above the block, which everything generated gets too.
    pub(crate) fn cfgs(&self) -> impl Iterator<Item = &Attribute> {
        self.item.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"))
    }
}

impl Handler {
    fn parse(kind: Kind, function: &mut ImplItemFn, errors: &mut Errors) -> Self {
        let mark = kind.mark().map(|grammar| {
            let entries = Entries::of_attributes(&function.attrs, grammar, errors);
            function.attrs.retain(|attribute| !attribute.path().is_ident(grammar.attribute));
            entries
        });
        let mut keys = if kind == Kind::Event { key::take(&mut function.attrs, errors) } else { Vec::new() };
        let keyed_by_stream = key::stream(&keys);
        if keyed_by_stream.is_some() {
            keys.clear();
        }
        let arguments = function.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Receiver(_) => None,
            FnArg::Typed(argument) => Some(Argument::parse(&argument.ty)),
        });
        Self {
            cfgs: function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect(),
            mark: mark.unwrap_or_default(),
            keys,
            keyed_by_stream,
            receiver: function.sig.receiver().cloned(),
            arguments: arguments.collect(),
            signature: function.sig.clone(),
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &Ident {
        &self.signature.ident
    }

    /// The event or command that it handles.
    pub(crate) fn subject(&self) -> Option<&Argument> {
        self.arguments.first()
    }

    /// What it asks for beside the subject: metadata, an envelope, or the context of a command.
    pub(crate) fn surroundings(&self) -> Option<&Argument> {
        self.arguments.get(1).filter(|argument| !self.is_async() || argument.passing == Passing::Shared)
    }

    /// The context that an `async` handler changes: the last argument, `&mut Context`.
    pub(crate) fn context(&self) -> Option<&Argument> {
        self.arguments.iter().skip(1).find(|argument| self.is_async() && argument.passing == Passing::Exclusive)
    }

    /// Whether it is an `async fn`, as the handlers of projections are.
    pub(crate) fn is_async(&self) -> bool {
        self.signature.asyncness.is_some()
    }
}

impl Argument {
    fn parse(written: &Type) -> Self {
        let mut ty = written;
        // What came through `macro_rules!` is wrapped.
        while let Type::Group(group) = ty {
            ty = &group.elem;
        }
        let (passing, ty) = match ty {
            Type::Reference(reference) if reference.mutability.is_some() => (Passing::Exclusive, &*reference.elem),
            Type::Reference(reference) => (Passing::Shared, &*reference.elem),
            _ => (Passing::Value, ty),
        };
        Self { passing, ty: ty.clone(), written: written.clone() }
    }

    /// Where the compiler's messages about it are to stand.
    pub(crate) fn span(&self) -> Span {
        spans::name_of(&self.ty)
    }
}

/// The keyword or name that tells what an item is.
fn name_of(item: &Item) -> TokenStream {
    match item {
        Item::Fn(item) => item.sig.ident.to_token_stream(),
        Item::Struct(item) => item.ident.to_token_stream(),
        Item::Enum(item) => item.ident.to_token_stream(),
        Item::Trait(item) => item.ident.to_token_stream(),
        Item::Mod(item) => item.ident.to_token_stream(),
        other => other.to_token_stream().into_iter().take(1).collect(),
    }
}
