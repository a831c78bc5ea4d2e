//! The keys of events: the stream, or what `#[key(..)]` says above the handler.

use std::{
    collections::{BTreeSet, HashSet},
    fmt::Display,
};

use super::block::{HandledBy, OneEventHandlerBlock};
use crate::{
    event::AnyAggregate,
    private::{NotRead, RowKey},
    projection::{ProjectionError, ReadModel},
    recorded::Envelope,
    store::StoredEvent,
};

/// What `#[key(..)]` says of one event.
pub type KeysOf<K> = fn(&StoredEvent, &mut Vec<K>) -> Result<(), NotRead>;

/// What `#[key(..)]` says in a block of handlers; written by `#[event_handler]`.
pub trait KeysIn<K: 'static> {
    /// For each handler, in their order; `None` where it has no `#[key(..)]`.
    const KEYS: &'static [Option<KeysOf<K>>];
}

/// A block without `#[key(..)]`.
impl<K: 'static> KeysIn<K> for () {
    const KEYS: &'static [Option<KeysOf<K>>] = &[];
}

/// The place of an event's handler in the block.
fn handler_of<B: OneEventHandlerBlock<AnyAggregate, Envelope>>(stored: &StoredEvent) -> Option<usize> {
    B::EVENTS.iter().position(|event| event.name == stored.event_type)
}

/// What `#[key(..)]` says above that handler, if it is there.
fn keys_above<B, K: 'static>(handler: usize) -> Option<KeysOf<K>>
where
    B: OneEventHandlerBlock<AnyAggregate, Envelope, Keys: KeysIn<K>>,
{
    <B::Keys as KeysIn<K>>::KEYS.get(handler).copied().flatten()
}

/// The keys of the rows that an event concerns, none of them twice.
///
/// # Errors
/// [`ProjectionError`] where the event cannot be read, or the id of its stream is no key.
pub fn keys_of_rows<R>(stored: &StoredEvent) -> Result<Vec<R::Key>, ProjectionError>
where
    R: ReadModel + OneEventHandlerBlock<AnyAggregate, Envelope, Keys: KeysIn<R::Key>>,
{
    let Some(handler) = handler_of::<R>(stored) else { return Ok(Vec::new()) };
    let Some(keys_of) = keys_above::<R, R::Key>(handler) else { return Ok(vec![key_of_stream::<R>(stored)?]) };
    let mut keys = Vec::new();
    keys_of(stored, &mut keys)?;
    if keys.len() > 1 {
        let mut seen = HashSet::with_capacity(keys.len());
        keys.retain(|key| seen.insert(key.clone()));
    }
    Ok(keys)
}

fn key_of_stream<R: ReadModel>(stored: &StoredEvent) -> Result<R::Key, ProjectionError> {
    R::Key::from_stream_id(stored.stream.id()).map_err(|message| ProjectionError::Key {
        table: R::TABLE,
        event_type: stored.event_type.clone(),
        stream: stored.stream.clone(),
        position: stored.position,
        message,
    })
}

/// The key of an event of a projection or a reactor.
///
/// # Errors
/// [`ProjectionError`] where the event cannot be read.
pub fn key_of_event<P>(stored: &StoredEvent) -> Result<String, ProjectionError>
where
    P: OneEventHandlerBlock<AnyAggregate, Envelope, Keys: KeysIn<String>>,
{
    let mut keys = Vec::new();
    if let Some(key_of) = handler_of::<P>(stored).and_then(keys_above::<P, String>) {
        key_of(stored, &mut keys)?;
    }
    Ok(keys.pop().unwrap_or_else(|| stored.stream.to_string()))
}

/// The event of which `#[key(..)]` speaks.
///
/// # Errors
/// Where it cannot be read.
pub fn event_of_key<H, Scope, E: HandledBy<H, Scope, HANDLER>, const HANDLER: usize>(
    stored: &StoredEvent,
) -> Result<Option<E>, NotRead> {
    E::decode_alone(stored).transpose()
}

/// A type whose events have keys of their own.
#[diagnostic::on_unimplemented(
    message = "the handlers of `{Self}` have no keys",
    label = "`#[key(..)]` in the block of an aggregate",
    note = "remove `#[key(..)]`: the events of an aggregate are those of its stream; in a read model it says to which rows an event belongs"
)]
pub trait HasKeys {
    /// The key of a row.
    type Key;
}

#[diagnostic::do_not_recommend]
impl<R: ReadModel> HasKeys for R {
    type Key = R::Key;
}

/// Proves that a block that is not `async` may have `#[key(..)]`.
pub const fn has_keys<R: HasKeys>() -> usize {
    0
}

/// What an expression in `#[key(..)]` may be, above a handler of a read model with the key `K`.
#[diagnostic::on_unimplemented(
    message = "the key of this read model is `{K}`, and `#[key(..)]` says `{Self}`",
    label = "not `{K}`",
    note = "write an expression of the type `{K}`, or an `Option`, a `Vec`, an array or a set of it, such as `event.customer_id`; what has another type can be converted, as in `{K}::from(event.customer.clone())`"
)]
pub trait KeySource<K> {
    /// Adds the keys that it stands for.
    fn add_to(&self, keys: &mut Vec<K>);
}

#[diagnostic::do_not_recommend]
impl<K: Clone> KeySource<K> for K {
    fn add_to(&self, keys: &mut Vec<K>) {
        keys.push(self.clone());
    }
}

#[diagnostic::do_not_recommend]
impl<K: Clone> KeySource<K> for &K {
    fn add_to(&self, keys: &mut Vec<K>) {
        keys.push((*self).clone());
    }
}

/// What has several keys, or none: whatever it is, by itself and by reference.
macro_rules! several {
    ($([$($parameters:tt)*] $ty:ty),+ $(,)?) => {
        $(
            #[diagnostic::do_not_recommend]
            impl<K: Clone, $($parameters)*> KeySource<K> for $ty {
                fn add_to(&self, keys: &mut Vec<K>) {
                    keys.extend(self.iter().cloned());
                }
            }

            #[diagnostic::do_not_recommend]
            impl<K: Clone, $($parameters)*> KeySource<K> for &$ty {
                fn add_to(&self, keys: &mut Vec<K>) {
                    keys.extend(self.iter().cloned());
                }
            }
        )+
    };
}

several! {
    [] Option<K>,
    [] Vec<K>,
    [] [K],
    [const N: usize] [K; N],
    [] BTreeSet<K>,
    [S] HashSet<K, S>,
}

#[diagnostic::do_not_recommend]
impl<K: Clone> KeySource<K> for Option<&K> {
    fn add_to(&self, keys: &mut Vec<K>) {
        keys.extend(self.cloned());
    }
}

/// Adds the keys of one expression.
pub fn add_keys<K, S: KeySource<K> + ?Sized>(source: &S, keys: &mut Vec<K>) {
    source.add_to(keys);
}

/// What the expression in `#[key(..)]` may be, above an `async` handler.
#[diagnostic::on_unimplemented(
    message = "`#[key(..)]` says `{Self}`, which is no text",
    label = "needs `Display`",
    note = "write an expression that can be displayed, such as an id or a number: events of which it is the same are handled in their order"
)]
pub trait KeyText {
    /// The text.
    fn text(&self) -> String;
}

#[diagnostic::do_not_recommend]
impl<T: Display + ?Sized> KeyText for T {
    fn text(&self) -> String {
        self.to_string()
    }
}

/// Adds the key of an `async` handler's event.
pub fn add_text<S: KeyText + ?Sized>(source: &S, keys: &mut Vec<String>) {
    keys.push(source.text());
}
