//! What the blocks of handlers have in common: an `impl` in which every function handles one thing.
//!
//! Arguments are told apart by their place and by how they are passed, never by their names.

mod other_kind;
pub(crate) mod rules;
mod unfinished;

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote_spanned};
use syn::{Attribute, FnArg, Ident, ImplItem, ImplItemFn, Item, ItemImpl, Receiver, Signature, Type};

use crate::{
    attributes::{Entries, Grammar},
    errors::Errors,
    krate::{self, Krate},
    messages, proofs, spans,
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
        Grammar { attribute: self.attribute(), keys: &[krate::KEY] }
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
    /// Reads a block. On what is no `impl` at all, or has the other kind of handlers, the answer is what to hand back to the
    /// compiler.
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
                clippy::needless_pass_by_value,
                clippy::trivially_copy_pass_by_ref,
                clippy::unnecessary_wraps,
                clippy::unused_self,
                reason = "what a handler takes and returns is part of the model"
            )]
        });
        let block = Self { kind, krate: Krate::of(&entries), item: block, handlers };
        if let Some(instead) = other_kind::instead(&block, arguments, item) {
            return Err(instead);
        }
        Ok(block)
    }

    /// The aggregate.
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
        let arguments = function.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Receiver(_) => None,
            FnArg::Typed(argument) => Some(Argument::parse(&argument.ty)),
        });
        Self {
            cfgs: function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect(),
            mark: mark.unwrap_or_default(),
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

    /// The metadata or context that it asks for.
    pub(crate) fn surroundings(&self) -> Option<&Argument> {
        self.arguments.get(1)
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
    pub(crate) fn span(&self) -> proc_macro2::Span {
        spans::name_of(&self.ty)
    }
}

/// The set of the aggregate's events, at the aggregate's name.
///
/// ```text
/// type __Owner = Account;
/// type __Set = <<[(); ::es_core::private::aggregate::<__Owner>()] as Proved<__Owner>>::Type as Aggregate>::Event;
/// ```
pub(crate) fn set(block: &Block) -> TokenStream {
    let (owner, place) = (block.owner(), spans::name_of(block.owner()));
    let (krate, aggregate) = (block.krate.at(place), aggregate(block));
    let set = quote_spanned!(place=> type __Set = <#aggregate as #krate::Aggregate>::Event;);
    quote::quote!(type __Owner = #owner; #set)
}

/// The aggregate, once it is proved to be one: what is made of another type is a broken type, so that the compiler says
/// only once what is wrong.
///
/// ```text
/// <[(); ::es_core::private::aggregate::<__Owner>()] as ::es_core::private::Proved<__Owner>>::Type
/// ```
pub(crate) fn aggregate(block: &Block) -> TokenStream {
    let place = spans::name_of(block.owner());
    proofs::proved(&block.krate, "aggregate", &quote_spanned!(place=> __Owner), place)
}

/// One of the names that stand for the aggregate and its set, at the aggregate's name.
pub(crate) fn at_owner(block: &Block, name: &str) -> Ident {
    Ident::new(name, spans::name_of(block.owner()))
}

/// The tokens of a type in the block for use outside of it, with the aggregate's alias for `Self`.
pub(crate) fn outside(ty: impl ToTokens) -> TokenStream {
    spans::without_self(ty.to_token_stream(), &quote::quote!(__Aggregate))
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
