//! The messages about versions of an event.

use syn::{Ident, Type};

use crate::source::source;

/// UI: `version/out_of_range.rs`, `malformed/projection_version.rs`
pub(crate) fn out_of_range(number: u64) -> String {
    format!("versions count from 1 to 4294967295, and this is {number}\nwrite `version = 1` for the first")
}

/// UI: `version/without_previous.rs`
pub(crate) fn without_previous(version: u64, ident: &Ident) -> String {
    let before = version - 1;
    format!(
        "nothing says how version {before} of `{ident}` is read\nwrite `previous = {ident}V{before}` with the struct of version {before}, or `upcast({before} = function)` over JSON, or `oldest = {version}` if none was ever stored"
    )
}

/// UI: `version/first_with_previous.rs`, `version/first_with_upcast.rs`
pub(crate) fn first_with(key: &str) -> String {
    format!("there is nothing before version 1\nwrite `version = 2` or higher, or remove `{key}`")
}

/// UI: `version/oldest_with_previous.rs`
pub(crate) fn oldest_with_previous() -> String {
    "`oldest` ends the chain of versions, and `previous` goes on with it\nremove one of the two".to_owned()
}

/// UI: `version/oldest.rs`
pub(crate) fn oldest_out_of_range(oldest: u64, version: u64) -> String {
    format!("the oldest version that is read is one from 1 to {version}, and this is {oldest}\nwrite one of those")
}

/// UI: `version/oldest.rs`
pub(crate) fn oldest_without_steps(oldest: u64, version: u64) -> String {
    format!(
        "nothing says how version {oldest} is read\nwrite `upcast({oldest} = function, ..)` up to version {version}, or `oldest = {version}`"
    )
}

/// UI: `version/steps.rs`
pub(crate) fn step_expected(expected: u64, found: u64) -> String {
    format!(
        "the step from version {expected} is expected here, and this is the one from version {found}\nwrite each version once, in order, up to the one before the present"
    )
}

/// UI: `version/steps.rs`
pub(crate) fn step_from_the_present(found: u64, version: u64) -> String {
    format!(
        "this step leads on from version {found}, and the present version is {version}\nremove it, or raise `version`"
    )
}

/// UI: `version/steps.rs`
pub(crate) fn steps_end_early(next: u64, version: u64) -> String {
    format!(
        "the steps end at version {next}, and the present version is {version}\nadd `{next} = function`, or lower `version`"
    )
}

/// UI: `version/other_event.rs`
pub(crate) fn previous_of_another_event(previous: &Type, name: &str) -> String {
    let previous = source(previous);
    format!(
        "`{previous}` has another stored name than `{name}`; write `#[event(name = \"{name}\", ..)]` above it: versions of one event have one name"
    )
}

/// UI: `version/gap.rs`, `version/steps_behind_previous.rs`
pub(crate) fn gap_after_previous(previous: &Type, first: u64, has_steps: bool) -> String {
    let previous = source(previous);
    if has_steps {
        return format!(
            "`{previous}` is not version {before}, and the steps begin with version {first}: `upcast(..)` has the steps of the versions behind that of `previous` and before this one; write those, or another `previous`",
            before = first - 1
        );
    }
    format!(
        "`{previous}` is not version {before}; the chain has a gap or a repeat: write `version` one higher than that of `previous`, or fill the gap with `upcast(..)`",
        before = first - 1
    )
}

/// UI: `version/superseded.rs`
pub(crate) fn superseded(event: &Type) -> String {
    let event = source(event);
    format!(
        "`{event}` is an earlier version of an event; write the newest one here: earlier ones become it when they are read"
    )
}
