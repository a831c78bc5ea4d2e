//! What tells one structure of a state from another: a stable hash of its fields.

use syn::{Attribute, Data, DeriveInput, Fields};

use crate::print;

/// The hash of the fields' names, types and serde attributes, and of the version that the user gave; 16 hex digits.
///
/// The name of the type is not in it: renaming the type changes nothing about the stored state.
pub(crate) fn of(input: &DeriveInput, version: u64) -> String {
    let mut text = format!("version {version};");
    serde_attributes(&input.attrs, &mut text);
    match &input.data {
        Data::Struct(data) => fields(&data.fields, &mut text),
        Data::Enum(data) => {
            for variant in &data.variants {
                serde_attributes(&variant.attrs, &mut text);
                text.push_str(&variant.ident.to_string());
                fields(&variant.fields, &mut text);
            }
        }
        Data::Union(data) => fields(&Fields::Named(data.fields.clone()), &mut text),
    }
    format!("{:016x}", fnv1a(text.as_bytes()))
}

fn fields(fields: &Fields, text: &mut String) {
    let (open, close) = match fields {
        Fields::Named(_) => ("{", "}"),
        Fields::Unnamed(_) => ("(", ")"),
        Fields::Unit => ("", ";"),
    };
    text.push_str(open);
    for field in fields {
        serde_attributes(&field.attrs, text);
        if let Some(name) = &field.ident {
            text.push_str(&name.to_string());
            text.push(':');
        }
        print::spaced(&field.ty, text);
        text.push(',');
    }
    text.push_str(close);
}

fn serde_attributes(attributes: &[Attribute], text: &mut String) {
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        print::spaced(&attribute.meta, text);
        text.push(';');
    }
}

/// The 64-bit FNV-1a hash, which is the same on every machine and in every release.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(item: &str, version: u64) -> String {
        of(&syn::parse_str(item).expect("an item"), version)
    }

    #[test]
    fn the_hash_is_fnv1a() {
        for (text, hash) in
            [("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
        {
            assert_eq!(fnv1a(text.as_bytes()), hash, "{text}");
        }
    }

    #[test]
    fn what_changes_the_stored_state_changes_it() {
        let first = fingerprint("struct A { balance: i64, owner: Option<String> }", 1);
        for same in [
            "struct B { balance: i64, owner: Option<String> }",
            "pub struct A { /** Documented. */ pub balance: i64, pub(crate) owner: Option < String >, }",
        ] {
            assert_eq!(fingerprint(same, 1), first, "{same}");
        }
        for other in [
            "struct A { balance: u64, owner: Option<String> }",
            "struct A { amount: i64, owner: Option<String> }",
            "struct A { balance: i64, owner: Option<Name> }",
            "struct A { balance: i64 }",
            "struct A { #[serde(default)] balance: i64, owner: Option<String> }",
            r#"#[serde(rename_all = "camelCase")] struct A { balance: i64, owner: Option<String> }"#,
            "struct A(i64, Option<String>);",
            "enum A { B { balance: i64, owner: Option<String> } }",
        ] {
            assert_ne!(fingerprint(other, 1), first, "{other}");
        }
    }

    #[test]
    fn a_version_changes_it() {
        assert_ne!(fingerprint("struct A;", 1), fingerprint("struct A;", 2));
    }

    #[test]
    fn it_is_stable() {
        // The snapshots that are in stores carry this very value.
        assert_eq!(fingerprint("struct A { balance: i64 }", 1), "5ab01a8a2ded4b94");
    }
}
