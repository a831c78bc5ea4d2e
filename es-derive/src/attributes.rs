//! Reading `#[name(key, key = value, key(..))]` into values that remember where they stand.
//!
//! Each macro describes its attribute as a [`Grammar`]. Everything that does not fit it is reported, all of it in one
//! go, and nothing unknown is passed over in silence.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{
    Attribute, Ident, LitInt, LitStr, Meta, Path, Token, Type,
    ext::IdentExt as _,
    parse::{Parse, ParseStream, Parser as _},
    punctuated::Punctuated,
    token::Paren,
};

use crate::{errors::Errors, messages, suggest};

/// What an attribute may say.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grammar {
    /// Its name, as in `#[name(..)]`.
    pub(crate) attribute: &'static str,
    /// Its keys, in the order in which messages list them.
    pub(crate) keys: &'static [Key],
}

/// One key of an attribute.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    /// The key as it is written.
    pub(crate) name: &'static str,
    /// What follows it.
    pub(crate) kind: Kind,
    /// The key with its value, for messages.
    pub(crate) example: &'static str,
}

/// What follows a key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Nothing: `key`.
    Flag,
    /// `key = "text"`
    Text,
    /// `key = 1`
    Integer,
    /// `key = Type`
    Type,
    /// `key = path::to::it`
    Path,
    /// `key(..)` with keys of its own.
    Nested(&'static [Key]),
    /// `key(1 = path, 2 = path)`
    Steps,
    /// `key(Type, Type)`
    Types,
    /// `key("text", "text")`
    Texts,
    /// `key = word`, one of these.
    Word(&'static [&'static str]),
    /// A key that others have and this one has not, with the reason.
    Refused(fn() -> String),
}

/// One `1 = path` within a key.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The number before the sign.
    pub(crate) number: u64,
    /// Where that number stands.
    pub(crate) span: Span,
    /// What it leads to.
    pub(crate) path: Path,
}

/// What an attribute says, as far as it could be read.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    found: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    /// The key that is meant; a misspelt one is reported, and counts as the one that it is taken for.
    name: &'static str,
    key: Ident,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Flag,
    Text(LitStr),
    Integer(u64, Span),
    Type(Box<Type>),
    Path(Path),
    Nested(Entries),
    Steps(Vec<Step>),
    Types(Vec<Type>),
    Texts(Vec<LitStr>),
    Word(&'static str),
    /// What is there could not be read; that is reported already.
    Malformed,
}

impl Entries {
    /// Reads all attributes of the grammar's name.
    pub(crate) fn of_attributes(attributes: &[Attribute], grammar: Grammar, errors: &mut Errors) -> Self {
        let mut entries = Self::default();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(grammar.attribute)) {
            match &attribute.meta {
                Meta::List(list) if !list.tokens.is_empty() => {
                    entries.read(list.tokens.clone(), grammar.attribute, grammar.keys, errors);
                }
                meta => errors.on(meta, messages::attribute_without_keys(grammar.attribute, grammar.keys)),
            }
        }
        entries
    }

    /// Reads what stands in the parentheses of an attribute.
    pub(crate) fn of_tokens(tokens: TokenStream, grammar: Grammar, errors: &mut Errors) -> Self {
        let mut entries = Self::default();
        entries.read(tokens, grammar.attribute, grammar.keys, errors);
        entries
    }

    /// Where the key is written, if it is.
    pub(crate) fn span(&self, key: &str) -> Option<Span> {
        self.entry(key).map(|entry| entry.key.span())
    }

    /// Whether a key is given that stands alone.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// The text of a key.
    pub(crate) fn text(&self, key: &str) -> Option<&LitStr> {
        self.entry(key).and_then(|entry| if let Value::Text(text) = &entry.value { Some(text) } else { None })
    }

    /// The number of a key, and where it stands.
    pub(crate) fn integer(&self, key: &str) -> Option<(u64, Span)> {
        self.entry(key)
            .and_then(|entry| if let Value::Integer(number, span) = entry.value { Some((number, span)) } else { None })
    }

    /// The word of a key.
    pub(crate) fn word(&self, key: &str) -> Option<&'static str> {
        self.entry(key).and_then(|entry| if let Value::Word(word) = entry.value { Some(word) } else { None })
    }

    /// The type of a key.
    pub(crate) fn ty(&self, key: &str) -> Option<&Type> {
        self.entry(key).and_then(|entry| if let Value::Type(ty) = &entry.value { Some(&**ty) } else { None })
    }

    /// The path of a key.
    pub(crate) fn path(&self, key: &str) -> Option<&Path> {
        self.entry(key).and_then(|entry| if let Value::Path(path) = &entry.value { Some(path) } else { None })
    }

    /// The keys inside a key.
    pub(crate) fn nested(&self, key: &str) -> Option<&Entries> {
        self.entry(key).and_then(|entry| if let Value::Nested(inner) = &entry.value { Some(inner) } else { None })
    }

    /// The steps inside a key; none where it is not given.
    pub(crate) fn steps(&self, key: &str) -> &[Step] {
        match self.entry(key).map(|entry| &entry.value) {
            Some(Value::Steps(steps)) => steps,
            _ => &[],
        }
    }

    /// The types inside a key; none where it is not given.
    pub(crate) fn types(&self, key: &str) -> &[Type] {
        match self.entry(key).map(|entry| &entry.value) {
            Some(Value::Types(types)) => types,
            _ => &[],
        }
    }

    /// The texts inside a key; none where it is not given.
    pub(crate) fn texts(&self, key: &str) -> &[LitStr] {
        match self.entry(key).map(|entry| &entry.value) {
            Some(Value::Texts(texts)) => texts,
            _ => &[],
        }
    }

    fn entry(&self, key: &str) -> Option<&Entry> {
        self.found.iter().find(|entry| entry.name == key)
    }

    fn read(&mut self, tokens: TokenStream, within: &str, keys: &'static [Key], errors: &mut Errors) {
        let parser = |input: ParseStream<'_>| {
            while !input.is_empty() {
                self.read_entry(input, within, keys, errors);
                if !input.is_empty() && input.parse::<Token![,]>().is_err() {
                    errors.at(input.span(), messages::comma_expected(within));
                    skip(input);
                    let _ = input.parse::<Token![,]>();
                }
            }
            Ok(())
        };
        if let Err(error) = parser.parse2(tokens) {
            errors.at(error.span(), error);
        }
    }

    fn read_entry(&mut self, input: ParseStream<'_>, within: &str, keys: &'static [Key], errors: &mut Errors) {
        let Ok(ident) = input.call(Ident::parse_any) else {
            errors.at(input.span(), messages::key_expected(within, keys));
            skip(input);
            return;
        };
        let Some(key) = key_of(&ident, within, keys, errors) else {
            skip(input);
            return;
        };
        let value = match key.kind {
            Kind::Refused(message) => {
                errors.at(ident.span(), message());
                skip(input);
                Value::Malformed
            }
            Kind::Word(words) => read_word(input, &ident, key, words, errors),
            Kind::Nested(inner) if input.peek(Paren) => {
                let mut entries = Self::default();
                match input.parse::<proc_macro2::Group>() {
                    Ok(group) => entries.read(group.stream(), key.name, inner, errors),
                    Err(error) => errors.at(error.span(), error),
                }
                Value::Nested(entries)
            }
            kind => read_value(input, kind).unwrap_or_else(|| {
                errors.at(ident.span(), messages::wrong_value(key));
                skip(input);
                Value::Malformed
            }),
        };
        let is_misspelt = |written: &Ident| written != key.name;
        match self.found.iter_mut().find(|entry| entry.name == key.name) {
            None => self.found.push(Entry { name: key.name, key: ident, value }),
            // A misspelt key makes way for the one that is meant.
            Some(earlier) if is_misspelt(&earlier.key) => *earlier = Entry { name: key.name, key: ident, value },
            Some(_) if is_misspelt(&ident) => {}
            Some(_) => errors.at(ident.span(), messages::repeated_key(key.name)),
        }
    }
}

/// The key that is written, or that a misspelt one is taken for.
fn key_of(ident: &Ident, within: &str, keys: &'static [Key], errors: &mut Errors) -> Option<&'static Key> {
    let found = ident.to_string();
    let known = |name: &str| keys.iter().find(|key| key.name == name);
    if let Some(key) = known(&found) {
        return Some(key);
    }
    let meant = suggest::nearest(&found, keys.iter().map(|key| key.name));
    let message = match meant {
        Some(meant) => messages::misspelt_key(&found, within, meant),
        None => messages::unknown_key(&found, within, keys),
    };
    errors.at(ident.span(), message);
    meant.and_then(known)
}

/// The value behind a key; `None` where it is of another kind.
fn read_value(input: ParseStream<'_>, kind: Kind) -> Option<Value> {
    match kind {
        Kind::Flag => return (input.is_empty() || input.peek(Token![,])).then_some(Value::Flag),
        Kind::Steps => return read_list(input, read_step).map(Value::Steps),
        Kind::Texts => return read_list(input, <LitStr as Parse>::parse).map(Value::Texts),
        Kind::Types => return read_list(input, Type::parse).map(Value::Types),
        _ => {}
    }
    input.parse::<Token![=]>().ok()?;
    let value = match kind {
        Kind::Text => Value::Text(input.parse().ok()?),
        Kind::Integer => {
            let literal: LitInt = input.parse().ok()?;
            let number = literal.base10_parse().ok().filter(|_| literal.suffix().is_empty())?;
            Value::Integer(number, literal.span())
        }
        Kind::Type => Value::Type(Box::new(input.parse().ok()?)),
        Kind::Path => Value::Path(input.call(Path::parse_mod_style).ok()?),
        Kind::Flag | Kind::Nested(_) | Kind::Steps | Kind::Types | Kind::Texts | Kind::Word(_) | Kind::Refused(_) => {
            return None;
        }
    };
    // Two keys without a comma between them are another mistake.
    (input.is_empty() || input.peek(Token![,]) || input.peek(Ident::peek_any)).then_some(value)
}

/// The word behind a key; what is there instead is reported.
fn read_word(
    input: ParseStream<'_>,
    ident: &Ident,
    key: &Key,
    words: &'static [&'static str],
    errors: &mut Errors,
) -> Value {
    let word = input.parse::<Token![=]>().and_then(|_| input.call(Ident::parse_any));
    let Ok(word) = word else {
        errors.at(ident.span(), messages::wrong_value(key));
        skip(input);
        return Value::Malformed;
    };
    let known = words.iter().find(|known| word == **known);
    if known.is_none() {
        errors.at(word.span(), messages::unknown_word(&word.to_string(), key.name, words));
    }
    known.map_or(Value::Malformed, |known| Value::Word(known))
}

/// What stands in the parentheses behind a key; `None` where there is nothing, or something else.
fn read_list<T>(input: ParseStream<'_>, read: fn(ParseStream<'_>) -> syn::Result<T>) -> Option<Vec<T>> {
    let group: proc_macro2::Group = input.parse().ok()?;
    let parser = |input: ParseStream<'_>| Punctuated::<T, Token![,]>::parse_terminated_with(input, read);
    let found = parser.parse2(group.stream()).ok()?;
    (!found.is_empty()).then(|| found.into_iter().collect())
}

fn read_step(input: ParseStream<'_>) -> syn::Result<Step> {
    let literal: LitInt = input.parse()?;
    input.parse::<Token![=]>()?;
    let path = input.call(Path::parse_mod_style)?;
    Ok(Step { number: literal.base10_parse()?, span: literal.span(), path })
}

/// Passes over everything up to the next comma.
fn skip(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        let _ = input.parse::<proc_macro2::TokenTree>();
    }
}

/// Reports attributes of a macro in places where it reads none: on fields and variants.
pub(crate) fn refuse_inside(grammar: Grammar, data: &syn::Data, errors: &mut Errors) {
    let mut refuse = |attributes: &[Attribute]| {
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(grammar.attribute)) {
            errors.on(attribute.to_token_stream(), messages::misplaced_attribute(grammar.attribute));
        }
    };
    match data {
        syn::Data::Struct(data) => data.fields.iter().for_each(|field| refuse(&field.attrs)),
        syn::Data::Union(data) => data.fields.named.iter().for_each(|field| refuse(&field.attrs)),
        syn::Data::Enum(data) => {
            for variant in &data.variants {
                refuse(&variant.attrs);
                variant.fields.iter().for_each(|field| refuse(&field.attrs));
            }
        }
    }
}
