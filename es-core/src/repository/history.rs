//! All that happened to one aggregate, as a stream in bounded memory.

use futures_core::Stream;
use futures_util::StreamExt as _;

use crate::{
    aggregate::Aggregate,
    recorded::{Recorded, StreamId},
    store::{EventStore, ReadStream, StoreError},
};

pub(super) fn history<A: Aggregate, S: EventStore>(
    store: &S,
    stream: StreamId,
) -> impl Stream<Item = Result<Recorded<A::Event>, StoreError>> + Send + use<A, S> {
    store.read_stream(ReadStream::new(stream)).map(|stored| Ok(stored?.decode::<A::Event>()?))
}
