//! What no store accepts, so that a domain that works on one works on all.
//!
//! The lengths of names and keys follow from PostgreSQL's B-tree: an index row holds at most 2,704 bytes, and the
//! longest of ours has a stream type, a stream id and an idempotency key. `MAX_DEPTH` is below the 128 levels at which
//! `serde_json` stops reading, so that whatever is stored can be read back.

/// The longest stream type (an aggregate's stored name), in bytes.
pub const MAX_STREAM_TYPE_BYTES: usize = 255;
/// The longest stream id, in bytes.
pub const MAX_STREAM_ID_BYTES: usize = 1_024;
/// The longest idempotency key, in bytes.
pub const MAX_KEY_BYTES: usize = 1_024;
/// The most events in one append.
pub const MAX_EVENTS: usize = 10_000;
/// The largest payload or metadata of one event, as JSON, in bytes.
pub const MAX_EVENT_BYTES: usize = 16 * 1_024 * 1_024;
/// The largest append, all payloads and metadata together, in bytes.
pub const MAX_APPEND_BYTES: usize = 64 * 1_024 * 1_024;
/// The deepest nesting of an event's payload.
pub const MAX_DEPTH: usize = 100;
