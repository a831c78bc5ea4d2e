//! What the code of three times stored, read by the newest on every path, in memory.

#[path = "../versions/mod.rs"]
mod versions;

use std::future::ready;

use es_core::prelude::*;

#[tokio::test]
async fn every_path_reads_what_every_version_stored() {
    versions::every_path_reads_what_every_version_stored(&MemoryStore::new(), || ready(())).await;
}
