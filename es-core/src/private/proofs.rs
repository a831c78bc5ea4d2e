//! What generated code proves of the user's types, each once and at the user's own token.
//!
//! A proof is a function that has what is to be proved as its bound, called in a constant that is the length of an array.
//! Where it fails, that is said once, at the call; the array is then a broken type, and so is everything that is made of
//! it: the compiler says nothing more. A bound on a trait is reported wherever the trait is used.

use super::block::MayFold;
use crate::{aggregate::Aggregate, event::EventSet, id::AggregateId};

/// A type of which something has been proved, in the length of the array.
pub trait Proved<T> {
    /// The type.
    type Type;
}

// Of any length, so that a tool which does not compute it knows the type nevertheless.
impl<T, const N: usize> Proved<T> for [(); N] {
    type Type = T;
}

/// Proves that the type is an aggregate. What its state lacks for being one has been said at that.
pub const fn aggregate<A: Aggregate>() -> usize {
    A::PROVED
}

/// Proves that the type is an aggregate or a read model.
pub const fn folds<F: MayFold>() -> usize {
    0
}

/// Proves that the type is a set of events.
pub const fn event_set<S: EventSet>() -> usize {
    0
}

/// Proves that the type is an id. What a newtype lacks for being one has been said at that.
pub const fn aggregate_id<I: AggregateId>() -> usize {
    I::PROVED
}

/// Something in which `A` can be the state of an aggregate.
///
/// `A` is no `Self`, so that the compiler does not advise to borrow it.
#[diagnostic::on_unimplemented(
    message = "`{A}` cannot be shared between threads",
    label = "needs `Send` and `Sync`",
    note = "write `Arc` for an `Rc` in it, `Mutex` for a `RefCell`, and an atomic type for a `Cell`: an aggregate is decided upon on whatever thread has time"
)]
pub trait Shares<A> {}

#[diagnostic::do_not_recommend]
impl<A: Send + Sync> Shares<A> for () {}

/// Proves that the state can go from thread to thread.
pub const fn shared_state<A>() -> usize
where
    (): Shares<A>,
{
    0
}
