//! The messages about blocks of event handlers.

use syn::{Ident, Type};

use crate::source::source;

/// UI: `handler/async_and_not.rs`
pub(crate) fn async_and_not() -> String {
    "this handler is `async`, and others of the block are not\nremove `async`: the handlers of aggregates and read models run again in every replay; or write it everywhere, for a projection".to_owned()
}

/// UI: `projection/one_not_async.rs`
pub(crate) fn not_async(name: &Ident) -> String {
    format!(
        "the other handlers of this block are `async`, and `{name}` is not\nwrite `async fn {name}(&self, ..)`: the handlers of a projection are all `async`"
    )
}

/// UI: `projection/forgotten_async.rs`
pub(crate) fn forgotten_async(name: &Ident) -> String {
    format!(
        "this is a handler of a projection or a reactor, and not `async`\nwrite `async fn {name}(&self, ..)`: only they are given a context, `&mut`, or a delivery"
    )
}

/// UI: `projection/forgotten_async.rs`
pub(crate) fn forgotten_async_asked(name: &Ident) -> String {
    format!("the handlers of a projection or a reactor are `async`: write `async fn {name}(&self, ..)`")
}

/// UI: `handler/receiver_shared.rs`
pub(crate) fn receiver_asked(name: &Ident) -> String {
    format!(
        "an event handler takes the state as `&mut self`: write `fn {name}(&mut self, ..)`, because an event changes the state; or `async fn {name}(&self, ..)` with `#[derive(Projection)]` or `#[derive(Reactor)]` above the type"
    )
}

/// UI: `projection/two_contexts.rs`
pub(crate) fn another_context(context: &Type, first: &Ident, other: &Type) -> String {
    format!(
        "the context of this handler is `{}`, and that of `{first}` is `{}`\nwrite the same type in both, in the same words: a projection runs in one context",
        source(context),
        source(other)
    )
}

/// UI: `handler/references.rs`
pub(crate) fn given_not_shared() -> String {
    "the second argument of an event handler is what is known about the event, by reference\nwrite `&Metadata`, or `&Envelope` in a read model".to_owned()
}

/// UI: `handler/receiver.rs`
pub(crate) fn without_self(name: &Ident) -> String {
    format!("`{name}` takes no state\nwrite `fn {name}(&mut self, ..)`; an event changes the state")
}

/// UI: `handler/receiver.rs`
pub(crate) fn receiver() -> String {
    "an event handler takes the state as `&mut self`\nwrite `&mut self`; an event changes the state".to_owned()
}

/// UI: `projection/receiver.rs`
pub(crate) fn async_without_self(name: &Ident) -> String {
    format!("`{name}` takes neither a projection nor a reactor\nwrite `async fn {name}(&self, ..)`")
}

/// UI: `projection/receiver.rs`
pub(crate) fn async_receiver() -> String {
    "an `async` handler takes its projection or reactor as `&self`\nwrite `&self`, and change what is in the context, `context: &mut Context`; or remove `async`, for an aggregate or a read model".to_owned()
}

/// UI: `projection/shapes.rs`
pub(crate) fn async_shapes() -> String {
    "an `async` handler takes the event, then what is known about it, then, in a projection, the context\nwrite `async fn name(&self, event: &Event, envelope: &Envelope, context: &mut Context) -> Result<(), Error>`; the envelope and the context may be left out, and a reactor is given `delivery: &Delivery` and no context".to_owned()
}

/// UI: `duplicate/event_handler.rs`
pub(crate) fn handled_twice(event: &Type) -> String {
    format!("`{}` has a handler already\nput the two into one function; an event has one handler", source(event))
}

/// UI: `covers/ignored_and_handled.rs`
pub(crate) fn ignored_and_handled(event: &Type) -> String {
    format!("`{}` is ignored, and has a handler\nremove one of the two", source(event))
}

/// UI: `covers/repeated.rs`
pub(crate) fn named_twice(key: &str, ty: &Type) -> String {
    format!("`{}` is named twice in `{key}`\nremove one of the two", source(ty))
}

/// UI: `covers/ignore_without_covers.rs`
pub(crate) fn ignore_without_covers() -> String {
    "nothing is ignored here, because nothing is covered\nwrite `covers(Set), ignore(..)`, or remove `ignore(..)`: an event without a handler is passed over".to_owned()
}

/// UI: `covers/ignored_outside.rs`
pub(crate) fn ignored_outside(event: &Type, sets: &[Type]) -> String {
    let sets: Vec<_> = sets.iter().map(|set| format!("`{}`", source(set))).collect();
    format!(
        "`{}` is no event of {}: remove it from `ignore(..)`, or add its set to `covers(..)`",
        source(event),
        sets.join(" or ")
    )
}

/// UI: `projection/same_name.rs`
pub(crate) fn name_taken(event: &Type) -> String {
    format!(
        "an earlier handler's event has the same stored name as `{}`: write `#[event(name = \"..\")]` above one of the two, with a name that nothing else in the store has",
        source(event)
    )
}
