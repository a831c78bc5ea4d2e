//! How large the pages are in which all streams are read.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How many bytes of payload and metadata a page should hold, so that memory stays flat.
const PAGE_BYTES: usize = 4 * 1_024 * 1_024;
/// How many events the first page holds, and how many any holds at the least and at the most: at the most so many that its
/// trip and its start cost nothing beside it.
const FIRST: usize = 1_000;
const LEAST: usize = 16;
const MOST: usize = 4_096;

/// How many events make a page: as many as hold 4 MB, if they are like those that were read last.
#[derive(Debug)]
pub(crate) struct PageSize(AtomicUsize);

impl PageSize {
    /// The size of a first page.
    pub(crate) const fn new() -> Self {
        Self(AtomicUsize::new(FIRST))
    }

    /// How many events the next page is to hold.
    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    /// A page was read, of so many events and so many bytes.
    pub(crate) fn learn(&self, events: usize, bytes: usize) {
        let Some(each) = bytes.checked_div(events) else { return };
        let fit = PAGE_BYTES / each.max(1);
        self.0.store(fit.clamp(LEAST, MOST), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::PageSize;

    #[test]
    fn large_events_make_small_pages_and_none_change_nothing() {
        let size = PageSize::new();
        assert_eq!(size.get(), 1_000);
        size.learn(0, 0);
        assert_eq!(size.get(), 1_000);
        size.learn(10, 10 * 8 * 1_024);
        assert_eq!(size.get(), 512);
        size.learn(1, 64 * 1_024 * 1_024);
        assert_eq!(size.get(), 16);
        size.learn(1, 1);
        assert_eq!(size.get(), 4_096);
    }
}
