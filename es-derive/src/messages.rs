//! Every message of the macros, in one form: what is wrong; what to write; why, where that is not obvious.
//!
//! Each names the UI case that shows it, a file below `tests/ui`; `tests/tests/tidy.rs` holds the two against one
//! another.

pub(crate) mod command;
pub(crate) mod event_handler;
pub(crate) mod lock;
pub(crate) mod projection;
pub(crate) mod retired;
pub(crate) mod version;

use syn::{Fields, Ident, Type};

use crate::{
    attributes::{Key, Kind},
    handlers::Kind as Handlers,
    names,
    source::source,
    suggest,
};

// ── Attributes ──────────────────────────────────────────────────────────────

/// UI: `malformed/attribute_without_keys.rs`
pub(crate) fn attribute_without_keys(attribute: &str, keys: &[Key]) -> String {
    let example = keys.first().map_or("..", |key| key.example);
    format!("`#[{attribute}]` takes its keys in parentheses\nwrite `#[{attribute}({example})]`, or remove it")
}

/// UI: `malformed/comma.rs`
pub(crate) fn comma_expected(within: &str) -> String {
    format!("the keys of `{within}` are separated by commas\nwrite a comma before this")
}

/// UI: `malformed/key.rs`
pub(crate) fn key_expected(within: &str, keys: &[Key]) -> String {
    format!("a key of `{within}` is expected here\n{}", known(keys))
}

/// UI: `unknown-attribute/keys.rs`
pub(crate) fn unknown_key(found: &str, within: &str, keys: &[Key]) -> String {
    format!("`{within}` has no key `{found}`\n{}", known(keys))
}

/// UI: `unknown-attribute/keys.rs`
pub(crate) fn misspelt_key(found: &str, within: &str, meant: &str) -> String {
    format!("`{within}` has no key `{found}`\ndid you mean `{meant}`?")
}

/// UI: `duplicate/key.rs`
pub(crate) fn repeated_key(key: &str) -> String {
    format!("`{key}` is given twice\nremove one of the two")
}

/// UI: `malformed/value.rs`, `version/not_steps.rs`, `covers/malformed.rs`, `retired/not_texts.rs`, `malformed/policy.rs`
pub(crate) fn wrong_value(key: &Key) -> String {
    let takes = match key.kind {
        // Of a refused key nobody asks.
        Kind::Flag | Kind::Refused(_) => "stands alone",
        Kind::Text => "takes a text in quotes",
        Kind::Integer => "takes a whole number without a suffix",
        Kind::Type => "takes a type",
        Kind::Path => "takes a path without quotes",
        Kind::Nested(_) => "takes its settings in parentheses",
        Kind::Types => "takes types in parentheses",
        Kind::Steps => "takes versions with a function for each, in parentheses",
        Kind::Texts => "takes texts in quotes, in parentheses",
        Kind::Word(_) => "takes a word without quotes",
    };
    format!("`{}` {takes}\nwrite `{}`", key.name, key.example)
}

/// UI: `malformed/policy.rs`
pub(crate) fn unknown_word(found: &str, key: &str, known: &[&str]) -> String {
    if let Some(meant) = suggest::nearest(found, known.iter().copied()) {
        return format!("`{key}` cannot be `{found}`\ndid you mean `{meant}`?");
    }
    let known: Vec<_> = known.iter().map(|word| format!("`{word}`")).collect();
    format!("`{key}` cannot be `{found}`\nit is one of {}", known.join(", "))
}

/// UI: `malformed/misplaced.rs`
pub(crate) fn misplaced_attribute(attribute: &str) -> String {
    format!("`#[{attribute}(..)]` belongs above the type\nmove it there; here nothing reads it")
}

/// UI: `malformed/key.rs`, `unknown-attribute/keys.rs`, `unknown-attribute/only_key.rs`
fn known(keys: &[Key]) -> String {
    let keys: Vec<_> = keys.iter().filter(|key| !matches!(key.kind, Kind::Refused(_))).collect();
    match *keys {
        [only] => format!("its only key is `{}`", only.name),
        _ => format!("its keys are {}", list(keys)),
    }
}

fn list<'a>(keys: impl IntoIterator<Item = &'a Key>) -> String {
    let mut names: Vec<_> = keys.into_iter().map(|key| format!("`{}`", key.name)).collect();
    match (names.pop(), names.is_empty()) {
        (Some(last), false) => format!("{} and {last}", names.join(", ")),
        (last, _) => last.unwrap_or_default(),
    }
}

// ── Stored names ────────────────────────────────────────────────────────────

/// UI: `name/empty.rs`
pub(crate) fn name_empty() -> String {
    "a stored name cannot be empty\nwrite a name that nothing else in the store has, and that never changes".to_owned()
}

/// UI: `name/too_long.rs`
pub(crate) fn name_too_long(bytes: usize) -> String {
    format!("a stored name has at most 255 bytes, and this one has {bytes}\nwrite a shorter one; no store accepts more")
}

/// UI: `name/control_character.rs`
pub(crate) fn name_with_control_character() -> String {
    "a stored name has no control characters\nwrite letters, digits and signs; stores refuse NUL, and nobody sees the rest"
        .to_owned()
}

/// UI: `name/white_space.rs`
pub(crate) fn name_with_space_at_an_end(trimmed: &str) -> String {
    format!(
        "a stored name has no white space at its ends\nwrite \"{trimmed}\"; to a store the two are different, and nobody sees why"
    )
}

// ── Ids ─────────────────────────────────────────────────────────────────────

/// UI: `shape/id.rs`
pub(crate) fn id_not_a_newtype(ident: &Ident) -> String {
    format!(
        "an aggregate's id is a struct with one unnamed field\nwrite `struct {ident}(String);`, or with a `Uuid` or a whole number inside"
    )
}

/// UI: `shape/id_generic.rs`
pub(crate) fn id_generic(ident: &Ident) -> String {
    format!(
        "an aggregate's id is not generic\nwrite `struct {ident}(String);`, or with a `Uuid` or a whole number inside"
    )
}

// ── Events ──────────────────────────────────────────────────────────────────

/// UI: `shape/event_tuple.rs`
pub(crate) fn event_tuple_struct(ident: &Ident) -> String {
    format!(
        "an event has named fields\nwrite `struct {ident} {{ .. }}` with a name for each; the names are stored, and further fields can be added later"
    )
}

/// UI: `shape/event_unit.rs`
pub(crate) fn event_unit_struct(ident: &Ident) -> String {
    format!(
        "an event has named fields, or none in braces\nwrite `struct {ident} {{}}`; fields can be added to it later, and to what is stored for `struct {ident};` they cannot"
    )
}

/// UI: `shape/event_enum.rs`
pub(crate) fn event_enum(ident: &Ident) -> String {
    format!(
        "an event is a struct, and an enum is a set of them\nwrite `#[derive(EventSet)]` above `enum {ident}`, and `#[derive(Event, Serialize, Deserialize)]` above a struct for each variant"
    )
}

/// UI: `shape/event_union.rs`
pub(crate) fn event_union(ident: &Ident) -> String {
    format!("an event is a struct, and this is a union\nwrite `struct {ident} {{ .. }}`")
}

/// UI: `shape/event_generic.rs`
pub(crate) fn event_generic(ident: &Ident) -> String {
    format!(
        "an event is not generic\nwrite `struct {ident} {{ .. }}`, or one struct for each type; an event is stored under one name, in one form"
    )
}

// ── Sets of events ──────────────────────────────────────────────────────────

/// UI: `shape/event_set.rs`
pub(crate) fn set_not_an_enum(ident: &Ident) -> String {
    format!(
        "a set of events is an enum\nwrite `enum {ident} {{ .. }}` with one variant per event, such as `Opened(AccountOpened)`"
    )
}

/// UI: `shape/event_set_generic.rs`
pub(crate) fn set_generic(ident: &Ident) -> String {
    format!(
        "a set of events is not generic\nwrite `enum {ident} {{ .. }}`; each event is stored under one name, in one form"
    )
}

/// UI: `shape/event_set_empty.rs`
pub(crate) fn set_empty(ident: &Ident) -> String {
    format!("`{ident}` has no events\nwrite a variant for each, such as `Opened(AccountOpened)`")
}

/// UI: `shape/variant.rs`
pub(crate) fn variant_without_event(variant: &Ident, event: &str, fields: &Fields) -> String {
    let fields = match fields {
        Fields::Named(fields) => source(fields),
        Fields::Unnamed(_) => "{ .. }".to_owned(),
        Fields::Unit => "{}".to_owned(),
    };
    format!(
        "a variant of a set of events holds one event, which is a struct of its own\nwrite `{variant}({event})`, with `#[derive(Event, Serialize, Deserialize)] struct {event} {fields}`"
    )
}

/// UI: `duplicate/variant.rs`
pub(crate) fn variant_repeated(event: &Type) -> String {
    let event = source(event);
    format!("`{event}` is in two variants\nremove one of the two; what is stored as `{event}` must lead to one variant")
}

/// UI: `duplicate/event_name.rs`
pub(crate) fn set_name_taken(set: &Ident, event: &Type) -> String {
    let event = source(event);
    format!(
        "an earlier event of `{set}` has the same stored name as `{event}`: write `#[event(name = \"..\")]` above one of the two, with a name that nothing else in the store has"
    )
}

// ── Aggregates ──────────────────────────────────────────────────────────────

/// UI: `shape/aggregate_union.rs`
pub(crate) fn aggregate_union(ident: &Ident) -> String {
    format!("an aggregate is a struct or an enum, and this is a union\nwrite `struct {ident} {{ .. }}`")
}

/// UI: `shape/aggregate_lifetime.rs`
pub(crate) fn aggregate_lifetime() -> String {
    "an aggregate has no lifetimes\nremove it, and let the aggregate own what it remembers: `String` instead of `&'a str`".to_owned()
}

/// UI: `malformed/aggregate_without_attribute.rs`
pub(crate) fn aggregate_without_attribute(ident: &Ident) -> String {
    format!(
        "`{ident}` says neither its stored name, nor its id, nor its events\nwrite `#[aggregate(name = \"..\", id = {ident}Id, event = {ident}Event)]` above it"
    )
}

/// UI: `malformed/aggregate_keys_missing.rs`, `malformed/aggregate_key_missing.rs`
pub(crate) fn aggregate_keys_missing(ident: &Ident, missing: &[Key]) -> String {
    let are = if missing.len() == 1 { "is" } else { "are" };
    let examples: Vec<_> = missing.iter().map(|key| names::in_example(key.example, ident)).collect();
    format!("{} {are} missing\nadd `{}`", list(missing), examples.join(", "))
}

/// UI: `malformed/snapshot.rs`
pub(crate) fn snapshot_every_zero() -> String {
    "a snapshot cannot be kept every 0 events\nwrite 1 or more; 100 is a good start".to_owned()
}

/// UI: `malformed/snapshot.rs`
pub(crate) fn snapshot_without_every(every: &Key) -> String {
    format!("`snapshot` does not say how often\nadd `{}`", every.example)
}

/// UI: `conflict/snapshot_of_a_generic.rs`
pub(crate) fn snapshot_of_a_generic(ident: &Ident) -> String {
    format!(
        "snapshots of `{ident}`, which has parameters, cannot be kept\nremove `snapshot(..)`, or the parameters; a snapshot does not say of which instance it is, and another would take it for its own"
    )
}

// ── Blocks of handlers ──────────────────────────────────────────────────────

/// UI: `shape/block_not_an_impl.rs`
pub(crate) fn block_not_an_impl(handlers: Handlers) -> String {
    let attribute = handlers.attribute();
    format!(
        "`#[{attribute}]` belongs above an `impl` block\nwrite `#[{attribute}] impl Account {{ .. }}`, with the handlers inside"
    )
}

/// UI: `shape/block_of_a_trait.rs`
pub(crate) fn block_of_a_trait(handlers: Handlers, owner: &Type) -> String {
    format!(
        "`#[{}]` belongs above the aggregate's own `impl` block, and this is that of a trait\nwrite `impl {} {{ .. }}`; the macro writes the traits",
        handlers.attribute(),
        source(owner)
    )
}

/// UI: `shape/block_with_lifetime.rs`
pub(crate) fn block_with_lifetime() -> String {
    "what has handlers has no lifetimes\nremove it; aggregates, read models, projections and reactors own what they remember"
        .to_owned()
}

/// UI: `shape/block_items.rs`
pub(crate) fn block_with_other_item(handlers: Handlers) -> String {
    format!("a block of {}s holds functions only\nmove this into a plain `impl` block", handlers.noun())
}

/// UI: `duplicate/event_handler_name.rs`, `duplicate/command_handler_name.rs`
pub(crate) fn handler_repeated(handlers: Handlers, name: &Ident) -> String {
    format!(
        "an earlier {} has the name `{name}`\nwrite another name; only the types of the arguments mean something",
        handlers.noun()
    )
}

/// UI: `handler/shapes.rs`, `command/shapes.rs`
fn shapes(handlers: Handlers) -> &'static str {
    match handlers {
        Handlers::Event => {
            "write `fn name(&mut self, event: &Event)` or `fn name(&mut self, event: Event)`, with a second argument `metadata: &Metadata` if it is needed"
        }
        Handlers::Command => {
            "write `fn name(&self, command: &Command) -> Result<Event, Error>`, with a second argument `context: &CommandContext<'_, Self>` if it is needed, and without `&self` if it begins a stream"
        }
    }
}

/// UI: `command/modifiers.rs`
pub(crate) fn command_handler_async() -> String {
    "a command handler is not `async`\nremove `async`; ask services first and put their answer into the command, because a decision may run again when another writer came first".to_owned()
}

/// UI: `handler/modifiers.rs`, `command/modifiers.rs`
pub(crate) fn handler_modifier(handlers: Handlers, modifier: &str) -> String {
    format!("{} is a plain `fn`\nremove `{modifier}`", handlers.a_handler())
}

/// UI: `handler/generic.rs`, `command/generic.rs`
pub(crate) fn handler_generic(handlers: Handlers) -> String {
    format!(
        "{} is not generic\nwrite one for each type; it is found by the type of its first argument",
        handlers.a_handler()
    )
}

/// UI: `handler/shapes.rs`, `command/shapes.rs`
pub(crate) fn handler_without_subject(handlers: Handlers, name: &Ident) -> String {
    format!(
        "`{name}` takes no {}, and every function in this block is {}\n{}, or move `{name}` into a plain `impl` block",
        handlers.subject(),
        handlers.a_handler(),
        shapes(handlers)
    )
}

/// UI: `handler/shapes.rs`, `command/shapes.rs`
pub(crate) fn too_many_arguments(handlers: Handlers) -> String {
    format!("{} has at most two arguments beside `self`\n{}", handlers.a_handler(), shapes(handlers))
}

/// UI: `handler/references.rs`, `command/references.rs`
pub(crate) fn subject_exclusive(handlers: Handlers, ty: &Type) -> String {
    let ty = source(ty);
    format!("{} cannot change the {} that it is given\nwrite `&{ty}`", handlers.a_handler(), handlers.subject())
}

/// UI: `command/references.rs`
pub(crate) fn context_not_shared() -> String {
    "the second argument of a command handler is the command's context, by reference\nwrite `&CommandContext<'_, Self>`"
        .to_owned()
}

/// UI: `command/receiver.rs`
pub(crate) fn command_handler_self() -> String {
    "a command handler takes the state as `&self`\nwrite `&self`, or no `self` if the command begins a stream; events change the state, and decisions do not"
        .to_owned()
}

/// UI: `conflict/or_default.rs`
pub(crate) fn or_default_without_self() -> String {
    "`or_default` is for a handler that looks at the state\nadd `&self`, or remove `or_default`; a handler without `self` is for an empty stream anyway".to_owned()
}

/// UI: `command/without_result.rs`
pub(crate) fn command_handler_without_result(name: &Ident) -> String {
    format!(
        "`{name}` returns nothing\nadd `-> Result<Event, Error>`: the event that follows, or why the command is refused"
    )
}
