//! What the user wrote.

use proc_macro2::{Span, TokenStream};
use syn::{Data, DeriveInput, Field, Fields, Ident, LitStr, Type, ext::IdentExt as _};

use crate::{
    attributes::{Entries, Grammar, Key, Kind},
    errors::Errors,
    krate::{self, Krate},
    running::{POLICY, Running, SHARDS},
};

pub(super) const ATTRIBUTE: &str = "read_model";
pub(super) const TABLE: Key = Key { name: "table", kind: Kind::Text, example: "table = \"account_summaries\"" };
const VERSION: Key = Key { name: "version", kind: Kind::Integer, example: "version = 1" };
const GRAMMAR: Grammar = Grammar { attribute: ATTRIBUTE, keys: &[TABLE, VERSION, SHARDS, POLICY, krate::KEY] };

const KEY: Key = Key { name: "key", kind: Kind::Flag, example: "key" };
pub(super) const INDEX: Key = Key { name: "index", kind: Kind::Flag, example: "index" };
const TEXT: Key = Key { name: "text", kind: Kind::Flag, example: "text" };
const JSON: Key = Key { name: "json", kind: Kind::Flag, example: "json" };
pub(super) const SQL: Key = Key { name: "sql", kind: Kind::Text, example: "sql = \"inet\"" };
/// Those that say what a column holds; a field has one of them at most.
pub(super) const HOLDS: [Key; 3] = [TEXT, JSON, SQL];
/// What stands above a field.
const FIELD: Grammar = Grammar { attribute: ATTRIBUTE, keys: &[KEY, INDEX, TEXT, JSON, SQL] };

#[derive(Debug)]
pub(super) struct ReadModel {
    pub(super) krate: Krate,
    pub(super) table: Option<LitStr>,
    /// The version and where it is written, if it is.
    pub(super) version: Option<(u64, Span)>,
    pub(super) running: Running,
    /// The named fields; none where it is no struct with named fields.
    pub(super) columns: Vec<Column>,
    pub(super) entries: Entries,
    pub(super) input: DeriveInput,
}

/// A field, and the column that it is kept in.
#[derive(Debug)]
pub(super) struct Column {
    pub(super) field: Ident,
    pub(super) ty: Type,
    /// What stands above the field.
    pub(super) entries: Entries,
}

/// What a column holds.
pub(super) enum Holds<'a> {
    /// What the type says.
    Typed,
    Text,
    Json,
    Sql(&'a LitStr),
}

impl ReadModel {
    pub(super) fn parse(input: TokenStream, errors: &mut Errors) -> syn::Result<Self> {
        let input: DeriveInput = syn::parse2(input)?;
        let entries = Entries::of_attributes(&input.attrs, GRAMMAR, errors);
        let mut columns: Vec<Column> = Vec::new();
        for field in fields(&input) {
            let Some(name) = &field.ident else { continue };
            // Of two fields with one name the compiler speaks.
            if columns.iter().all(|earlier| earlier.field.unraw() != name.unraw()) {
                let entries = Entries::of_attributes(&field.attrs, FIELD, errors);
                columns.push(Column { field: name.clone(), ty: field.ty.clone(), entries });
            }
        }
        Ok(Self {
            krate: Krate::of(&entries),
            table: entries.text(TABLE.name).cloned(),
            version: entries.integer(VERSION.name),
            running: Running::of(&entries),
            columns,
            entries,
            input,
        })
    }

    /// The column that is the key.
    pub(super) fn key(&self) -> Option<&Column> {
        self.columns.iter().find(|column| column.key().is_some())
    }
}

impl Column {
    /// Its name: that of the field as it reads, without `r#`.
    pub(super) fn name(&self) -> String {
        self.field.unraw().to_string()
    }

    /// Where it says that it is the key, if it does.
    pub(super) fn key(&self) -> Option<Span> {
        self.entries.span(KEY.name)
    }

    pub(super) fn is_indexed(&self) -> bool {
        self.entries.flag(INDEX.name)
    }

    pub(super) fn holds(&self) -> Holds<'_> {
        if let Some(sql) = self.entries.text(SQL.name) {
            Holds::Sql(sql)
        } else if self.entries.flag(TEXT.name) {
            Holds::Text
        } else if self.entries.flag(JSON.name) {
            Holds::Json
        } else {
            Holds::Typed
        }
    }
}

fn fields(input: &DeriveInput) -> impl Iterator<Item = &Field> {
    let named = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Some(&fields.named),
            _ => None,
        },
        _ => None,
    };
    named.into_iter().flatten()
}
