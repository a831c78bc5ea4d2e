//! What a copy promises, from one store in memory into another.

#[path = "../copying/mod.rs"]
mod copying;

use es_core::MemoryStore;

macro_rules! in_memory {
    ($($module:ident::$rule:ident,)+) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $rule() {
            copying::$module::$rule(&MemoryStore::new(), &MemoryStore::new()).await;
        })+
    };
}

copying::every_rule! { in_memory! {} }
