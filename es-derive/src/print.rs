//! Printing tokens in a way of our own: the compiler's may change from release to release, and what is printed here is
//! kept, in fingerprints and in `events.lock`.

use proc_macro2::{Delimiter, Spacing, TokenStream, TokenTree};
use quote::ToTokens;

/// One token, or one half of what surrounds some.
struct Leaf {
    text: String,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Word,
    /// A sign, and whether the next one belongs to it.
    Sign(Spacing),
    Open,
    Close,
}

/// The tokens in a row. What surrounds a type that came through `macro_rules!` stands for nothing, and is left out.
fn leaves(tokens: TokenStream, found: &mut Vec<Leaf>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => {
                        leaves(group.stream(), found);
                        continue;
                    }
                };
                found.push(Leaf { text: open.to_owned(), kind: Kind::Open });
                leaves(group.stream(), found);
                found.push(Leaf { text: close.to_owned(), kind: Kind::Close });
            }
            TokenTree::Punct(sign) => {
                found.push(Leaf { text: sign.to_string(), kind: Kind::Sign(sign.spacing()) });
            }
            other => found.push(Leaf { text: other.to_string(), kind: Kind::Word }),
        }
    }
}

/// Every token followed by a space, but for what surrounds others.
pub(crate) fn spaced(tokens: impl ToTokens, text: &mut String) {
    let mut found = Vec::new();
    leaves(tokens.to_token_stream(), &mut found);
    for leaf in found {
        text.push_str(&leaf.text);
        if matches!(leaf.kind, Kind::Word | Kind::Sign(_)) {
            text.push(' ');
        }
    }
}

/// As a person would write it: `Vec<(u8, Option<String>)>`, `rename = "amount"`.
pub(crate) fn readable(tokens: impl ToTokens) -> String {
    let mut leaves_found = Vec::new();
    leaves(tokens.to_token_stream(), &mut leaves_found);
    let parts = joined(leaves_found);
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 && is_apart(&parts[index - 1], part) {
            text.push(' ');
        }
        text.push_str(&part.text);
    }
    text
}

/// Signs of two or three characters in one piece, and a lifetime's name with its tick.
fn joined(leaves: Vec<Leaf>) -> Vec<Leaf> {
    let mut parts: Vec<Leaf> = Vec::new();
    for leaf in leaves {
        match parts.last_mut() {
            Some(last) if last.text == "'" => {
                last.text.push_str(&leaf.text);
                last.kind = Kind::Word;
            }
            Some(last)
                if last.kind == Kind::Sign(Spacing::Joint)
                    && ["::", "->", "=>", "==", "..", "..="]
                        .contains(&format!("{}{}", last.text, leaf.text).as_str()) =>
            {
                last.text.push_str(&leaf.text);
                last.kind = leaf.kind;
            }
            _ => parts.push(leaf),
        }
    }
    parts
}

/// Whether a space belongs between two parts.
fn is_apart(left: &Leaf, right: &Leaf) -> bool {
    const AROUND: [&str; 5] = ["=", "+", "->", "=>", "=="];
    const BEHIND: [&str; 3] = [",", ";", ":"];
    const KEYWORDS: [&str; 9] = ["as", "const", "dyn", "extern", "for", "impl", "in", "mut", "unsafe"];
    let (before, after) = (left.text.as_str(), right.text.as_str());
    if AROUND.contains(&before) || AROUND.contains(&after) {
        return true;
    }
    if BEHIND.contains(&before) {
        return !matches!(right.kind, Kind::Close);
    }
    match (left.kind, right.kind) {
        (Kind::Word, Kind::Word) => true,
        (Kind::Word, Kind::Open) => KEYWORDS.contains(&before),
        (Kind::Word, Kind::Sign(_)) => KEYWORDS.contains(&before) && !matches!(after, "<" | ">" | "," | ";" | ":"),
        (Kind::Sign(_) | Kind::Close, Kind::Word) => matches!(before, ">" | ")" | "]" | "}"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_read_as_they_are_written() {
        for text in [
            "Option<String>",
            "Vec<(u8, String)>",
            "std::collections::BTreeMap<String, Vec<Option<u8>>>",
            "::std::string::String",
            "[u8; 32]",
            "[[i64; 2]; N]",
            "(u8,)",
            "()",
            "&'static str",
            "&'a mut [u8]",
            "Box<dyn Fn(u8, &str) -> Option<u8> + Send>",
            "Box<dyn for<'a> Fn(&'a u8)>",
            "impl Iterator<Item = u8>",
            "<Vec<u8> as IntoIterator>::Item",
            "Cow<'static, str>",
            "*const u8",
            "Wrapper<{ N + 1 }>",
            "fn(u8) -> u8",
            "!",
        ] {
            let ty: syn::Type = syn::parse_str(text).expect("a type");
            let expected = text.replace("{ ", "{").replace(" }", "}");
            assert_eq!(readable(&ty), expected);
            let tight: TokenStream = text.replace(", ", ",").parse().expect("tokens");
            assert_eq!(readable(tight), expected);
        }
    }

    #[test]
    fn attributes_read_as_they_are_written() {
        for text in [r#"with = "a::b""#, "default", r#"rename(serialize = "a", deserialize = "b")"#] {
            let meta: syn::Meta = syn::parse_str(text).expect("an attribute");
            assert_eq!(readable(meta), text);
        }
    }

    #[test]
    fn what_came_through_a_macro_reads_the_same() {
        let inner: TokenStream = "Vec<u8>".parse().expect("tokens");
        let group = TokenTree::Group(proc_macro2::Group::new(Delimiter::None, inner));
        assert_eq!(readable(quote::quote!(Option<#group>)), "Option<Vec<u8>>");
    }
}
