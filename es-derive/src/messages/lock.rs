//! The messages about what is released and has changed.

use es_lock::{Fault, ParseError};
use syn::Ident;

use crate::names::StoredName;

/// A released version of an event, as it is in the code now.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Released<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) name: &'a str,
    pub(crate) version: u32,
    /// Whether no newer one is released.
    pub(crate) is_newest: bool,
}

/// The two ways out: the change in a new version, or no event of this one.
///
/// UI: `lock/type_changed.rs`, `lock/earlier_version.rs`
fn ways_out(event: &Released<'_>) -> String {
    let Released { ident, version, .. } = event;
    let accept = format!("if v{version} was never stored, accept the change with `ES_LOCK=accept cargo test`");
    if event.is_newest {
        format!("add version {} with `previous = {ident}V{version}`, or, {accept}", version.saturating_add(1))
    } else {
        format!("put it back as it was, because newer versions are released and lead on from it, or, {accept}")
    }
}

/// UI: `lock/type_changed.rs`
pub(crate) fn type_changed(event: &Released<'_>, field: &str, was: &str, now: &str) -> String {
    let Released { name, version, .. } = event;
    format!(
        "`{field}` of `{name}` v{version} was `{was}` when v{version} was released and is `{now}` now; stored events may no longer decode\n{}",
        ways_out(event)
    )
}

/// UI: `lock/field_gone.rs`
pub(crate) fn field_gone(event: &Released<'_>, field: &str) -> String {
    let Released { name, version, .. } = event;
    format!(
        "`{name}` v{version} had a field `{field}` when v{version} was released and has none now; what stored events say there would be lost\n{}",
        ways_out(event)
    )
}

/// UI: `lock/field_skipped.rs`
pub(crate) fn field_skipped(event: &Released<'_>, field: &str) -> String {
    let Released { name, version, .. } = event;
    format!(
        "`{field}` of `{name}` v{version} was stored when v{version} was released and serde skips it now; what stored events say there would be lost\n{}",
        ways_out(event)
    )
}

/// UI: `lock/field_renamed.rs`
pub(crate) fn field_renamed(event: &Released<'_>, was: &str, now: &str) -> String {
    let Released { name, version, .. } = event;
    format!(
        "a field of `{name}` v{version} was stored as `{was}` when v{version} was released and is stored as `{now}` now; stored events do not have it\nwrite `#[serde(rename = \"{was}\")]` above it to keep the stored name; else {}",
        ways_out(event)
    )
}

/// UI: `lock/field_added.rs`
pub(crate) fn field_added(event: &Released<'_>, field: &str) -> String {
    let Released { name, version, .. } = event;
    format!(
        "`{field}` was not in `{name}` v{version} when v{version} was released; stored events do not have it\nwrite `#[serde(default)]` above it if a default will do for them; else {}",
        ways_out(event)
    )
}

/// UI: `lock/attribute_changed.rs`
pub(crate) fn attributes_changed(event: &Released<'_>, field: &str, was: &[String], now: &[String]) -> String {
    let Released { name, version, .. } = event;
    format!(
        "`{field}` of `{name}` v{version} had {} when v{version} was released and has {} now; stored events may no longer decode\n{}",
        serde(was),
        serde(now),
        ways_out(event)
    )
}

/// UI: `lock/container_changed.rs`
pub(crate) fn container_attributes_changed(event: &Released<'_>, was: &[String], now: &[String]) -> String {
    let Released { name, version, .. } = event;
    format!(
        "`{name}` v{version} as a whole had {} when v{version} was released and has {} now; stored events may no longer decode\n{}",
        serde(was),
        serde(now),
        ways_out(event)
    )
}

/// UI: `lock/attribute_changed.rs`, `lock/container_changed.rs`
fn serde(attributes: &[String]) -> String {
    if attributes.is_empty() {
        return "no such attribute".to_owned();
    }
    format!("`#[serde({})]`", attributes.join(", "))
}

/// UI: `lock/event_gone.rs`
pub(crate) fn event_gone(set: &str, name: &str) -> String {
    format!(
        "`{name}` is a released event of `{set}`, and no event here has that stored name: write `#[event(name = \"{name}\")]` above its struct if that was renamed, or `#[event_set(retired(\"{name}\"))]` if it was removed on purpose, or, if it was never stored, accept the change with `ES_LOCK=accept cargo test`"
    )
}

/// UI: `lock/version_gone.rs`
pub(crate) fn version_gone(set: &str, name: &str, version: u32) -> String {
    format!(
        "v{version} of `{name}` is a released version of an event of `{set}`, and nothing here reads it: put its struct back and lead on from it with `previous = ..` or `upcast({version} = function)`, or, if it was never stored, accept the change with `ES_LOCK=accept cargo test`"
    )
}

/// UI: `lock/retired_again.rs`
pub(crate) fn retired_again(set: &str, name: &str) -> String {
    format!(
        "`{name}` was retired from `{set}`, and an event here has that stored name again: write another name, because what is stored under this one has another form, or, if nothing is, accept the change with `ES_LOCK=accept cargo test`"
    )
}

/// UI: `lock/aggregate_renamed.rs`
pub(crate) fn aggregate_renamed(set: &str, name: &StoredName, released: &[String]) -> String {
    let released: Vec<_> = released.iter().map(|name| format!("\"{name}\"")).collect();
    format!(
        "the events of `{set}` are stored in streams of {}, and this is \"{}\"; stored streams would not be found\nwrite the released name, or, if this is a further aggregate or nothing was ever stored, accept the change with `ES_LOCK=accept cargo test`",
        released.join(" and "),
        name.text
    )
}

/// UI: `lock-unreadable/line.rs`, `lock-foreign/first_line.rs`, `lock-newer/format.rs`
pub(crate) fn not_understood(error: &ParseError, line: &str) -> String {
    match &error.fault {
        Fault::NotALock => format!(
            "`events.lock` beside `Cargo.toml` does not begin as a lock of events does, but with `{line}`\nrestore it from version control, or remove it and write it anew with `ES_LOCK=accept cargo test`"
        ),
        Fault::Newer { format } => format!(
            "`events.lock` was written by a newer `es-core`: its format is {format}, and the newest that is known here is {}\nraise the version of `es-core` in `Cargo.toml`; nothing can be compared with it",
            es_lock::FORMAT
        ),
        fault => format!(
            "line {} of `events.lock` cannot be read: {fault}, and this is `{line}`\nrestore the line from version control; after a merge, write the file anew with `ES_LOCK=accept cargo test` and look at the difference",
            error.line
        ),
    }
}

/// UI: `lock-binary/not_text.rs`
pub(crate) fn not_read(error: &std::io::Error) -> String {
    format!(
        "`events.lock` beside `Cargo.toml` cannot be read: {error}\nmake it a file that can, or remove it; without it, nothing is compared"
    )
}
