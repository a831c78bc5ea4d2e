//! One version of an event against what it was when it was released. Each difference is said at the field.

use std::collections::HashSet;

use es_lock::{Form, Lock};
use syn::{Ident, Type};

use super::shape::{Field, Shape};
use crate::{
    errors::Errors,
    messages::lock::{self, Released},
};

/// Compares a version with all that the lock says about it, in whatever set.
pub(crate) fn compare(ident: &Ident, name: &str, version: u32, shape: &Shape<'_>, lock: &Lock, errors: &mut Errors) {
    let events = || lock.sets.iter().flat_map(|set| &set.events).filter(|event| event.name == name);
    let newest = events().map(|event| event.version).max().unwrap_or(version);
    let Some(form) = events().find(|event| event.version == version).and_then(es_lock::Event::form) else {
        return;
    };
    let event = Released { ident, name, version, is_newest: version >= newest };
    has_the_same_attributes(&event, shape, form, errors);
    let renamed = renamed_fields(shape, form);
    for (field, was) in &renamed {
        errors.at(field.ident.span(), lock::field_renamed(&event, was, &field.recorded.name));
    }
    let is_renamed = |name: &str| renamed.iter().any(|(field, was)| *was == name || field.recorded.name == name);
    for was in &form.fields {
        match shape.field(&was.name) {
            Some(field) if field.is_skipped => {
                errors.on(field.ident, lock::field_skipped(&event, &was.name));
            }
            Some(field) => {
                has_the_same_type(&event, field, was, errors);
                has_the_same_field_attributes(&event, field, was, form, errors);
            }
            None if is_renamed(&was.name) => {}
            None => errors.at(ident.span(), lock::field_gone(&event, &was.name)),
        }
    }
    for field in added_fields(shape, form).filter(|field| !is_renamed(&field.recorded.name)) {
        errors.on(field.ident, lock::field_added(&event, &field.recorded.name));
    }
}

/// What serde was told above the struct is what it is told now. A default for fields only helps old events.
fn has_the_same_attributes(event: &Released<'_>, shape: &Shape<'_>, form: &Form, errors: &mut Errors) {
    if !is_compatible(&form.attributes, &shape.attributes, |_| true) {
        let message = lock::container_attributes_changed(event, &form.attributes, &shape.attributes);
        errors.at(event.ident.span(), message);
    }
}

/// A field has the type that it had.
fn has_the_same_type(event: &Released<'_>, field: &Field<'_>, was: &es_lock::Field, errors: &mut Errors) {
    if field.recorded.ty != was.ty {
        errors.on(field.ty, lock::type_changed(event, &was.name, &was.ty, &field.recorded.ty));
    }
}

/// What serde was told about a field is what it is told now. A further name only helps old events, and so does a default
/// where the field had to be there; where it could be missing, a default changes what is read.
fn has_the_same_field_attributes(
    event: &Released<'_>,
    field: &Field<'_>,
    was: &es_lock::Field,
    form: &Form,
    errors: &mut Errors,
) {
    let had_a_default = form.attributes.iter().any(|attribute| key(attribute) == "default");
    // The default of an `Option` is what a missing one is read as.
    let is_same = |attribute: &str| !had_a_default && (attribute == "default" || !is_option(field.ty));
    if !is_compatible(&was.attributes, &field.recorded.attributes, is_same) {
        let message = lock::attributes_changed(event, &was.name, &was.attributes, &field.recorded.attributes);
        errors.on(field.ident, message);
    }
}

/// Whether only attributes were added, and only such as let more be read than before; `is_same` tells it of a default.
fn is_compatible(was: &[String], now: &[String], is_same: impl Fn(&str) -> bool) -> bool {
    let was_before = |attribute: &&String| was.contains(attribute);
    let lets_more_be_read = |attribute: &&String| match key(attribute) {
        "alias" => true,
        "default" => is_same(attribute),
        _ => false,
    };
    was.iter().all(|attribute| now.contains(attribute))
        && now.iter().filter(|attribute| !was_before(attribute)).all(|attribute| lets_more_be_read(&attribute))
}

/// `default` of `default = "none"`.
fn key(attribute: &str) -> &str {
    attribute.split([' ', '=', '(']).next().unwrap_or_default()
}

/// The fields that were not there and that old events cannot do without.
fn added_fields<'a>(shape: &'a Shape<'_>, form: &'a Form) -> impl Iterator<Item = &'a Field<'a>> {
    let known: HashSet<_> = form.fields.iter().map(|field| &field.name).collect();
    let all_have_defaults = shape.attributes.iter().any(|attribute| key(attribute) == "default");
    shape
        .fields
        .iter()
        .filter(move |field| !known.contains(&field.recorded.name))
        .filter(move |field| !field.is_skipped && !all_have_defaults && !field.may_be_missing())
}

/// Fields that have another name and are the same otherwise, with the name that they had: one mistake, and not that a
/// field is gone and another one new. Where several could be meant, none is.
fn renamed_fields<'a>(shape: &'a Shape<'_>, form: &'a Form) -> Vec<(&'a Field<'a>, &'a str)> {
    let gone: Vec<_> = form.fields.iter().filter(|was| shape.field(&was.name).is_none()).collect();
    let added: Vec<_> = added_fields(shape, form).collect();
    let alike = |field: &Field<'_>, was: &es_lock::Field| {
        field.recorded.ty == was.ty && field.recorded.attributes == was.attributes
    };
    let pairs = added.iter().filter_map(|field| {
        let mut candidates = gone.iter().filter(|was| alike(field, was));
        let (was, others) = (candidates.next()?, candidates.next());
        let is_only = others.is_none() && added.iter().filter(|other| alike(other, was)).count() == 1;
        is_only.then_some((*field, was.name.as_str()))
    });
    pairs.collect()
}

impl Shape<'_> {
    fn field(&self, name: &str) -> Option<&Field<'_>> {
        self.fields.iter().find(|field| field.recorded.name == name)
    }
}

impl Field<'_> {
    /// Whether an event without this field can be read.
    fn may_be_missing(&self) -> bool {
        let has = |keys: &[&str]| self.recorded.attributes.iter().any(|attribute| keys.contains(&key(attribute)));
        // Serde takes a missing `Option` for `None`, unless it is told to read it in another way.
        has(&["default", "skip_deserializing"]) || is_option(self.ty) && !has(&["with", "deserialize_with"])
    }
}

fn is_option(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == "Option"),
        Type::Group(group) => is_option(&group.elem),
        Type::Paren(paren) => is_option(&paren.elem),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many differences there are between a released form and a struct.
    fn differences(released: &str, item: &str) -> usize {
        let text = format!("# es events.lock, format 1\nset S\n  event A v1{released}\n");
        let lock = Lock::parse(&text).expect("a lock");
        let input: syn::DeriveInput = syn::parse_str(item).expect("an item");
        let mut errors = Errors::default();
        compare(&input.ident, "A", 1, &Shape::of(&input), &lock, &mut errors);
        errors.to_items().into_iter().filter(|token| token.to_string() == "compile_error").count()
    }

    #[test]
    fn what_stored_events_can_be_read_with_is_no_difference() {
        let released = "\n    a: i64\n    b: Option<String>  #[serde(skip_serializing_if = \"f\")]";
        let b = "#[serde(skip_serializing_if = \"f\")] b: Option<String>";
        for item in [
            "struct A { a: i64, @ }",
            "struct Renamed { @, a: i64 }",
            "struct A { #[serde(default)] a: i64, @ }",
            "struct A { #[serde(default = \"one\")] a: i64, @ }",
            "struct A { #[serde(alias = \"c\")] a: i64, @ }",
            "#[serde(default)] struct A { a: i64, @, c: u8 }",
            "struct A { a: i64, @, #[serde(default)] c: u8 }",
            "struct A { a: i64, @, c: std::option::Option<u8> }",
            "struct A { a: i64, @, #[serde(skip)] c: u8 }",
        ] {
            assert_eq!(differences(released, &item.replace('@', b)), 0, "{item}");
        }
        assert_eq!(differences(" read by a step over JSON", "struct A { a: i64 }"), 0);
        assert_eq!(differences("\n  event B v1\n    a: i64", "struct A {}"), 0);
    }

    #[test]
    fn what_they_cannot_be_read_with_is() {
        let released = "  #[serde(default)]\n    a: i64  #[serde(alias = \"x\")]\n    b: u8";
        for (item, expected) in [
            ("#[serde(default)] struct A { #[serde(alias = \"x\")] a: u64, b: u8 }", 1),
            ("#[serde(default)] struct A { a: i64, b: u8 }", 1),
            ("#[serde(default)] struct A { #[serde(alias = \"y\")] a: i64, b: u8 }", 1),
            ("struct A { #[serde(alias = \"x\")] a: i64, b: u8 }", 1),
            ("#[serde(default, deny_unknown_fields)] struct A { #[serde(alias = \"x\")] a: i64, b: u8 }", 1),
            ("#[serde(default)] struct A { #[serde(alias = \"x\")] a: i64 }", 1),
            ("#[serde(default)] struct A { #[serde(alias = \"x\")] a: i64, #[serde(skip)] b: u8 }", 1),
            ("#[serde(default)] struct A { #[serde(alias = \"x\")] a: u64, b: u16 }", 2),
            ("#[serde(default)] struct A { #[serde(alias = \"x\")] a: u64, c: u8 }", 2),
        ] {
            assert_eq!(differences(released, item), expected, "{item}");
        }
        for (item, expected) in [
            ("struct A { #[serde(default = \"one\")] a: i64 }", 0),
            ("struct A { a: i64, c: u8 }", 1),
            ("struct A { c: i64 }", 1),
            ("struct A { c: u8 }", 2),
            ("struct A { c: i64, d: i64 }", 3),
            ("struct A { a: i64, #[serde(with = \"m\")] c: Option<u8> }", 1),
        ] {
            assert_eq!(differences("\n    a: i64", item), expected, "{item}");
        }
    }

    #[test]
    fn a_default_changes_what_is_read_where_a_field_could_be_missing() {
        let option = "\n    a: Option<u8>  #[serde(skip_serializing_if = \"f\")]";
        let with =
            |default: &str| format!("struct A {{ #[serde(skip_serializing_if = \"f\", {default})] a: Option<u8> }}");
        assert_eq!(differences(option, &with("default")), 0);
        assert_eq!(differences(option, &with("default = \"seven\"")), 1);
        let container = "  #[serde(default)]\n    a: u8";
        assert_eq!(differences(container, "#[serde(default)] struct A { #[serde(default = \"one\")] a: u8 }"), 1);
    }
}
