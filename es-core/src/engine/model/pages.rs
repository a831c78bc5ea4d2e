//! What the feed reads from the store of a runner.

use futures_core::Stream;
use futures_util::stream;

use super::script::{Answer, Call, Script, history_id, lost, small};
use crate::{
    recorded::{Position, StreamId},
    store::{
        Append, Appended, EventStore, HistoryId, KeptSnapshot, ListStreams, Load, LoadedStream, NewSnapshot, Page,
        ReadAll, ReadStream, StoreError, StoredEvent, StreamInfo,
    },
};

impl EventStore for Script {
    async fn read_page(&self, read: &ReadAll) -> Result<Page, StoreError> {
        let asks = self.state().asks_for_pages;
        if asks {
            self.ask(Call::Read).await;
        }
        let mut state = self.state();
        let (history, after) = (state.history, small(read.after.get()));
        let page = self.logs.page(history, after);
        // The shelf has room for three; what leads nowhere, or is of another history, is taken from it at once.
        state.shelf.retain(|(_, of)| *of == history);
        state.shelf.push((after, history));
        if state.shelf.len() > 3 {
            state.shelf.remove(0);
        }
        if page.upto <= read.after {
            state.shelf.pop();
        }
        Ok(page)
    }

    async fn history(&self) -> Result<HistoryId, StoreError> {
        if !self.logs.are_several() {
            return Ok(history_id(0));
        }
        match self.ask(Call::History).await {
            Answer::History(history) => Ok(history_id(history)),
            _ => Err(lost()),
        }
    }

    // ── What no runner asks for ─────────────────────────────────────────────

    async fn append(&self, _: Append) -> Result<Appended, StoreError> {
        unreachable!("writers ask")
    }

    async fn append_all(&self, _: Vec<Append>) -> Result<Vec<Appended>, StoreError> {
        unreachable!("writers ask")
    }

    async fn load(&self, _: Load) -> Result<LoadedStream, StoreError> {
        unreachable!("writers ask")
    }

    fn read_stream(&self, _: ReadStream) -> impl Stream<Item = Result<StoredEvent, StoreError>> + Send + use<> {
        stream::empty()
    }

    async fn wait_beyond(&self, _: Position, _: HistoryId) {
        unreachable!("runners of the model go up to the frontier")
    }

    async fn settled(&self) -> Result<Position, StoreError> {
        unreachable!("the supervisor asks")
    }

    async fn save_snapshot(&self, _: NewSnapshot) -> Result<(), StoreError> {
        unreachable!("writers ask")
    }

    async fn kept_snapshot(&self, _: StreamId) -> Result<Option<KeptSnapshot>, StoreError> {
        unreachable!("people ask")
    }

    fn streams(&self, _: ListStreams) -> impl Stream<Item = Result<StreamInfo, StoreError>> + Send + use<> {
        stream::empty()
    }

    async fn archive(&self, _: StreamId) -> Result<(), StoreError> {
        unreachable!("people ask")
    }

    async fn restore(&self, _: StreamId) -> Result<(), StoreError> {
        unreachable!("people ask")
    }
}
