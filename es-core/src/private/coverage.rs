//! Coverage: each event of a set is handled or ignored.

use super::block::OneEventHandlerBlock;
use crate::{
    event::{AnyAggregate, Event, EventSchema, EventSet},
    handler::{Folds, Given},
    recorded::Envelope,
};

/// All events of a set are handled or ignored by `H`; written by `#[derive(EventSet)]`.
#[diagnostic::on_unimplemented(
    message = "`{H}` cannot cover `{Self}`",
    label = "not a set of events",
    note = "`covers(..)` takes enums with `#[derive(EventSet)]`"
)]
pub trait Coverage<H> {}

/// An event is handled or ignored; written by `#[event_handler(covers(..))]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` neither handles nor ignores `{E}`",
    label = "`{E}` of this set is neither handled nor ignored",
    note = "write a handler for `&{E}`, or add it to `ignore(..)` in `#[event_handler(covers(..), ignore({E}))]`"
)]
pub trait Covers<E> {}

/// The set is covered by the handlers of `H`.
pub const fn covered<Set: Coverage<H>, H>() {}

/// A scope in which sets can be covered.
#[diagnostic::on_unimplemented(
    message = "an aggregate covers its own set, `{Self}`, and no other",
    label = "`covers` is for read models and projections",
    note = "remove `covers(..)`: that each event of an aggregate's set is handled is checked without it"
)]
pub trait CoveringScope {}

impl CoveringScope for AnyAggregate {}

/// The scope is one in which sets can be covered.
pub const fn may_cover<Scope: CoveringScope>() {}

/// A scope in which events can be ignored without a covered set.
#[diagnostic::on_unimplemented(
    message = "nothing is ignored here, because nothing is covered",
    label = "`ignore` without `covers`",
    note = "write `covers(Set), ignore(..)`, or remove `ignore(..)`: an event without a handler is passed over"
)]
pub trait IgnoringScope {}

#[diagnostic::do_not_recommend]
impl<Set: EventSet> IgnoringScope for Set {}

/// The scope is one in which events can be ignored without a covered set.
pub const fn may_ignore<Scope: IgnoringScope>() {}

/// Whether an event is in none of the sets, for a constant assertion.
pub const fn is_in_none<E: Event>(sets: &[&[EventSchema]]) -> bool {
    let mut set = 0;
    while set < sets.len() {
        // A set without events has mistakes, of which the compiler speaks elsewhere.
        if sets[set].is_empty() {
            return false;
        }
        let mut event = 0;
        while event < sets[set].len() {
            if sets[set][event].has_name(E::NAME) {
                return false;
            }
            event += 1;
        }
        set += 1;
    }
    true
}

/// The index of the first event that has the stored name of an earlier one, for a constant assertion; `MOST` is as many
/// as there can be. Of an aggregate it is not asked: its set has seen to that.
pub const fn first_namesake_of_rows<R: Folds + OneEventHandlerBlock<R::Scope, R::Given>, const MOST: usize>() -> usize {
    // The events are named in a function of its own: what a constant function names is worked out whenever it is called.
    if R::OPEN { first_namesake::<R, R::Scope, R::Given, MOST>() } else { usize::MAX }
}

/// The same for a projection.
pub const fn first_namesake_of_projection<P: OneEventHandlerBlock<AnyAggregate, Envelope>, const MOST: usize>() -> usize
{
    first_namesake::<P, AnyAggregate, Envelope, MOST>()
}

const fn first_namesake<B: OneEventHandlerBlock<Set, G>, Set, G: Given, const MOST: usize>() -> usize {
    let events = B::EVENTS;
    let mut hashes = [0; MOST];
    let mut index = 0;
    while index < events.len() {
        hashes[index] = super::lock::hash(events[index].name);
        let mut earlier = 0;
        while earlier < index {
            if hashes[earlier] == hashes[index] && events[earlier].has_name(events[index].name) {
                return index;
            }
            earlier += 1;
        }
        index += 1;
    }
    usize::MAX
}
