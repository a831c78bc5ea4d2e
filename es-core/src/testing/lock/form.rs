//! How one version differs from what it was when it was released.

use es_lock::{Event, Field, Form, Reader};

use super::Difference;

/// What is to be said of a version; nothing where it is as it was released.
pub(super) fn between(set: &str, released: &Event, code: &Event) -> Vec<Difference> {
    let (set, event, version) = (set.to_owned(), code.name.clone(), code.version);
    match (&released.reader, &code.reader) {
        (was, now) if was == now => Vec::new(),
        (Reader::Struct(was), Reader::Struct(now)) => match fields_added(was, now) {
            Some(fields) => {
                let all_have_defaults = has_default(&now.attributes);
                let new_field = |field: &Field| Difference::NewField {
                    set: set.clone(),
                    event: event.clone(),
                    version,
                    field: field.name.clone(),
                    has_default: all_have_defaults || has_default(&field.attributes),
                };
                fields.into_iter().map(new_field).collect()
            }
            None => vec![Difference::FormChanged { set, event, version }],
        },
        (was, now) => {
            vec![Difference::ReaderChanged { set, event, version, was: was.clone(), now: now.clone() }]
        }
    }
}

/// The fields that are new, where that is all that differs and stored events can do without each; `None` where something
/// else differs too.
fn fields_added<'a>(was: &Form, now: &'a Form) -> Option<Vec<&'a Field>> {
    let (kept, added): (Vec<_>, Vec<_>) =
        now.fields.iter().partition(|field| was.fields.iter().any(|other| other.name == field.name));
    let attributes_are_kept = was.attributes.iter().all(|attribute| now.attributes.contains(attribute))
        && now.attributes.iter().all(|attribute| was.attributes.contains(attribute) || key(attribute) == "default");
    let is_all =
        attributes_are_kept && kept.into_iter().eq(&was.fields) && added.iter().all(|field| may_be_missing(field, now));
    (is_all && !added.is_empty()).then_some(added)
}

/// Whether an event without this field can be read.
fn may_be_missing(field: &Field, form: &Form) -> bool {
    let is_read_in_another_way =
        || field.attributes.iter().any(|attribute| matches!(key(attribute), "with" | "deserialize_with"));
    has_default(&form.attributes) || has_default(&field.attributes) || is_option(&field.ty) && !is_read_in_another_way()
}

/// Whether serde is told what a missing field is. One that it does not read has a default as well.
fn has_default(attributes: &[String]) -> bool {
    attributes.iter().any(|attribute| matches!(key(attribute), "default" | "skip_deserializing"))
}

/// `default` of `default = "none"`.
fn key(attribute: &str) -> &str {
    attribute.split([' ', '=', '(']).next().unwrap_or_default()
}

/// Whether a type is an `Option`, as it is written.
fn is_option(ty: &str) -> bool {
    ty.split_once('<').is_some_and(|(path, _)| path.rsplit("::").next().is_some_and(|name| name.trim() == "Option"))
}

#[cfg(test)]
mod tests {
    use es_lock::Lock;

    use super::*;

    /// What is said of a version that was this when it was released, and is that now.
    fn said(released: &str, code: &str) -> Vec<String> {
        let parse =
            |lines| Lock::parse(&format!("# es events.lock, format 1\nset S\n  event A v1{lines}\n")).expect("a lock");
        let (released, code) = (parse(released), parse(code));
        between("S", &released.sets[0].events[0], &code.sets[0].events[0]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_field_that_may_be_missing_is_named() {
        for (code, expected) in [
            ("\n    a: u8\n    note: String  #[serde(default)]", "`A` v1 has a new field `note` with a default"),
            (
                "\n    a: u8\n    note: String  #[serde(default = \"none\")]",
                "`A` v1 has a new field `note` with a default",
            ),
            ("  #[serde(default)]\n    a: u8\n    note: String", "`A` v1 has a new field `note` with a default"),
            ("\n    a: u8\n    note: std::option::Option<u8>", "`A` v1 has a new field `note` that may be missing"),
            (
                "\n    a: u8\n    note: Option<u8>  #[serde(with = \"m\")]",
                "`A` v1 has another form than when it was released",
            ),
            ("\n    a: u8\n    note: Vec<Option<u8>>", "`A` v1 has another form than when it was released"),
            ("\n    a: u16\n    note: u8  #[serde(default)]", "`A` v1 has another form than when it was released"),
            ("\n    note: u8  #[serde(default)]", "`A` v1 has another form than when it was released"),
            (
                "  #[serde(tag = \"t\")]\n    a: u8\n    b: Option<u8>",
                "`A` v1 has another form than when it was released",
            ),
            ("  #[serde(default)]\n    a: u8", "`A` v1 has another form than when it was released"),
        ] {
            assert_eq!(said("\n    a: u8", code), [expected], "{code}");
        }
        let two = said("", "\n    a: u8  #[serde(default)]\n    b: Option<u8>");
        let expected = ["`A` v1 has a new field `a` with a default", "`A` v1 has a new field `b` that may be missing"];
        assert_eq!(two, expected);
        assert_eq!(said("\n    a: u8", "\n    a: u8"), Vec::<String>::new());
    }

    #[test]
    fn another_reader_is_no_other_form() {
        let step = " read by a step over JSON";
        assert_eq!(
            said("\n    a: u8", step),
            ["`A` v1 was read by a struct when it was released, and is read by a step over JSON now"]
        );
        assert_eq!(
            said(step, "\n    a: u8"),
            ["`A` v1 was read by a step over JSON when it was released, and is read by a struct now"]
        );
        assert_eq!(said(step, step), Vec::<String>::new());
    }
}
