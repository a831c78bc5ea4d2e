//! The messages about blocks of command handlers, beside those that both kinds of blocks have.

use syn::Type;

use crate::{handlers::Kind, source::source};

/// UI: `command/above_event_handlers.rs`, `handler/above_command_handlers.rs`
pub(crate) fn other_kind(above: Kind, is: Kind) -> String {
    let (above, attribute, nouns) = (above.attribute(), is.attribute(), is.noun());
    let why = match is {
        Kind::Event => "they take `&mut self` and return nothing",
        Kind::Command => "they do not change the state, and return something",
    };
    format!("`#[{above}]` is above a block of {nouns}s\nwrite `#[{attribute}]` above it; {why}")
}

/// UI: `command/context_without_aggregate.rs`
pub(crate) fn context_without_aggregate() -> String {
    "`CommandContext` does not say of which aggregate\nwrite `&CommandContext<'_, Self>`; the type of the id depends on it"
        .to_owned()
}

/// UI: `duplicate/command.rs`
pub(crate) fn command_repeated(command: &Type) -> String {
    let command = source(command);
    format!(
        "an earlier handler in this block is for `{command}` too\nremove one of the two, or give it a command of its own; it would be unclear which of them decides"
    )
}
