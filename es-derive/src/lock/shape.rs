//! What of an event is stored: the names of its fields as serde writes them, their types, and the serde attributes that
//! change what is written or read.

use syn::{
    Attribute, Data, DeriveInput, Expr, ExprLit, Ident, Lit, Meta, Token, Type, ext::IdentExt as _,
    punctuated::Punctuated,
};

use super::case;
use crate::print::readable;

/// Attributes that only say how serde's code is written.
const WITHOUT_EFFECT: [&str; 5] = ["bound", "borrow", "crate", "expecting", "getter"];

/// The stored form of an event, with the fields that it comes from.
#[derive(Debug)]
pub(crate) struct Shape<'a> {
    /// The serde attributes of the struct, sorted.
    pub(super) attributes: Vec<String>,
    /// The fields in the order in which they are written.
    pub(super) fields: Vec<Field<'a>>,
}

/// One field.
#[derive(Debug)]
pub(super) struct Field<'a> {
    pub(super) ident: &'a Ident,
    pub(super) ty: &'a Type,
    /// What is recorded about it.
    pub(super) recorded: es_lock::Field,
    /// Whether serde neither writes nor reads it.
    pub(super) is_skipped: bool,
}

impl<'a> Shape<'a> {
    pub(crate) fn of(input: &'a DeriveInput) -> Self {
        let container = Attributes::of(&input.attrs);
        let rules = container.renaming("rename_all");
        let mut attributes = container.others();
        // The name of the struct is stored only where serde is told to write it.
        if container.find("tag").is_some() {
            let name = input.ident.unraw().to_string();
            let names = container.renaming("rename");
            attributes.push(format!("rename = {:?}", names.serialize.unwrap_or(name)));
        }
        attributes.sort();
        let fields = match &input.data {
            Data::Struct(data) => data.fields.iter().filter_map(|field| Field::of(field, &rules)).collect(),
            Data::Enum(_) | Data::Union(_) => Vec::new(),
        };
        Self { attributes, fields }
    }

    /// What is recorded about this version of an event.
    pub(crate) fn record(&self, name: &str, version: u32) -> es_lock::Event {
        let fields = self.fields.iter().filter(|field| !field.is_skipped).map(|field| field.recorded.clone()).collect();
        let mut form = es_lock::Form { attributes: self.attributes.clone(), fields };
        form.sort();
        es_lock::Event { name: name.to_owned(), version, reader: es_lock::Reader::Struct(form) }
    }
}

impl<'a> Field<'a> {
    /// A field with a name; an event has no others.
    fn of(written: &'a syn::Field, rules: &Renaming) -> Option<Self> {
        let ident = written.ident.as_ref()?;
        let in_rust = ident.unraw().to_string();
        let attributes = Attributes::of(&written.attrs);
        let given = attributes.renaming("rename");
        let named = |given: Option<String>, rule: Option<&String>| {
            given.or_else(|| case::apply(rule?, &in_rust)).unwrap_or_else(|| in_rust.clone())
        };
        let name = named(given.serialize, rules.serialize.as_ref());
        let read_as = named(given.deserialize, rules.deserialize.as_ref());
        let mut others = attributes.others();
        if read_as != name {
            others.push(format!("rename(deserialize = {read_as:?})"));
        }
        others.sort();
        let both = attributes.find("skip_serializing").is_some() && attributes.find("skip_deserializing").is_some();
        let is_skipped = both || attributes.find("skip").is_some();
        let recorded = es_lock::Field { name, ty: readable(&written.ty), attributes: others };
        Some(Self { ident, ty: &written.ty, recorded, is_skipped })
    }
}

/// The entries of all `#[serde(..)]`.
struct Attributes(Vec<Meta>);

/// A name, or a rule for names, for each direction.
#[derive(Default)]
struct Renaming {
    serialize: Option<String>,
    deserialize: Option<String>,
}

impl Attributes {
    /// What cannot be read is left to serde, which reports it.
    fn of(attributes: &[Attribute]) -> Self {
        let lists = attributes.iter().filter(|attribute| attribute.path().is_ident("serde"));
        let entries = lists
            .filter_map(|attribute| attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).ok());
        Self(entries.flatten().collect())
    }

    fn find(&self, key: &str) -> Option<&Meta> {
        self.0.iter().find(|entry| entry.path().is_ident(key))
    }

    /// `key = ".."`, or `key(serialize = "..", deserialize = "..")`.
    fn renaming(&self, key: &str) -> Renaming {
        match self.find(key) {
            Some(Meta::List(list)) => {
                let inner = list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated).unwrap_or_default();
                let inner = Self(inner.into_iter().collect());
                Renaming { serialize: inner.text("serialize"), deserialize: inner.text("deserialize") }
            }
            _ => Renaming { serialize: self.text(key), deserialize: self.text(key) },
        }
    }

    fn text(&self, key: &str) -> Option<String> {
        match self.find(key) {
            Some(Meta::NameValue(entry)) => literal(&entry.value),
            _ => None,
        }
    }

    /// What matters to what is stored and is not in the names already.
    fn others(&self) -> Vec<String> {
        let is_other = |entry: &&Meta| {
            let in_names = ["rename", "rename_all"].iter().any(|key| entry.path().is_ident(key));
            !in_names && !WITHOUT_EFFECT.iter().any(|key| entry.path().is_ident(key))
        };
        self.0.iter().filter(is_other).map(readable).collect()
    }
}

/// A text, also one that came through `macro_rules!`.
fn literal(value: &Expr) -> Option<String> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(item: &str) -> String {
        let input = syn::parse_str(item).expect("an item");
        Shape::of(&input).record("A", 1).to_string()
    }

    #[test]
    fn fields_are_recorded_as_they_are_stored() {
        let item = r#"
            #[serde(rename_all = "camelCase", deny_unknown_fields, crate = "serde")]
            struct A {
                #[serde(skip_serializing_if = "Option::is_none", default)] paid_by: Option < String >,
                #[serde(rename = "sum")] paid_sum: Vec<(u8,String)>,
                #[serde(rename(serialize = "a", deserialize = "b"))] r#type: i64,
                #[serde(rename(deserialize = "c"), alias = "d")] as_it_is: i64,
                #[serde(skip)] cached: u8,
                #[serde(bound = "")] /** Documented. */ pub plain: bool,
            }
        "#;
        assert_eq!(
            shape(item),
            "  event A v1  #[serde(deny_unknown_fields)]\n    \
             a: i64  #[serde(rename(deserialize = \"b\"))]\n    \
             asItIs: i64  #[serde(alias = \"d\", rename(deserialize = \"c\"))]\n    \
             paidBy: Option<String>  #[serde(default, skip_serializing_if = \"Option::is_none\")]\n    \
             plain: bool\n    \
             sum: Vec<(u8, String)>\n"
        );
    }

    #[test]
    fn what_is_stored_alike_is_recorded_alike() {
        let plain = "struct A { first_of_all: i64, b: u8 }";
        for same in [
            "pub struct B { pub b: u8, first_of_all: i64 }",
            r#"struct A { #[serde(rename = "first_of_all")] x: i64, b: u8 }"#,
            r#"#[serde(rename_all = "snake_case", rename = "C")] struct A { first_of_all: i64, b: u8 }"#,
            r#"#[serde(rename_all(serialize = "lowercase"))] struct A { first_of_all: i64, b: u8 }"#,
        ] {
            assert_eq!(shape(same), shape(plain), "{same}");
        }
        assert_ne!(
            shape(r#"#[serde(rename_all(deserialize = "UPPERCASE"))] struct A { b: u8 }"#),
            shape("struct A { b: u8 }")
        );
    }

    #[test]
    fn the_name_of_a_struct_matters_where_it_is_stored() {
        let tagged = |item: &str| shape(&format!("#[serde(tag = \"type\")] {item}"));
        assert_eq!(tagged("struct A {}"), "  event A v1  #[serde(rename = \"A\", tag = \"type\")]\n");
        assert_eq!(tagged("#[serde(rename = \"A\")] struct B {}"), tagged("struct A {}"));
    }
}
