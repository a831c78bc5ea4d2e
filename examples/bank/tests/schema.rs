//! What is stored stays readable: every released event is in `events.lock`.

use bank::domain::AccountEvent;

es_core::testing::schema_lock!(AccountEvent);
