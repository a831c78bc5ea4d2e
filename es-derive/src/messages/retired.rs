//! The messages about events that are stored and have no struct any more.

use syn::Ident;

/// UI: `retired/twice.rs`
pub(crate) fn twice(name: &str) -> String {
    format!("`{name}` is retired twice\nremove one of the two")
}

/// UI: `retired/still_there.rs`
pub(crate) fn still_there(name: &str, set: &Ident) -> String {
    format!(
        "`{name}` is retired, and it is the stored name of an event of `{set}`: remove it here, or remove that event's variant; what is retired is skipped, and what has a variant is read"
    )
}
