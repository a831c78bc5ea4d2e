//! What `testing::project` finds out about a read model.

use std::panic::{AssertUnwindSafe, catch_unwind};

use es_core::{
    prelude::*,
    projection::{Column, ColumnType},
    testing::project,
};

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct LampId(String);

#[derive(Event, Serialize, Deserialize, Clone)]
struct LampLit {
    watts: f64,
}

#[derive(EventSet)]
enum LampEvent {
    Lit(LampLit),
}

/// A tenth is lost on the way to the store and back.
#[derive(Serialize, Deserialize, Clone, Default, Debug, PartialEq)]
struct Rounded(#[serde(with = "tenths")] f64);

impl Column for Rounded {
    const TYPE: ColumnType = ColumnType::BigInt;
}

mod tenths {
    use super::*;

    pub fn serialize<S: serde::Serializer>(watts: &f64, serializer: S) -> Result<S::Ok, S::Error> {
        #[expect(clippy::cast_possible_truncation, reason = "that is the mistake")]
        serializer.serialize_i64(*watts as i64)
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
        i32::deserialize(deserializer).map(f64::from)
    }
}

#[derive(ReadModel, Clone, Debug, PartialEq)]
#[read_model(table = "lamps")]
struct LampSummary {
    #[read_model(key)]
    id: LampId,
    watts: Rounded,
}

#[event_handler(covers(LampEvent))]
impl LampSummary {
    fn lit(&mut self, event: &LampLit) {
        self.watts.0 += event.watts;
    }
}

fn lit(watts: f64) -> LampLit {
    LampLit { watts }
}

#[test]
fn a_row_goes_through_its_columns_behind_each_event() {
    let id = LampId("hall".into());
    project::<LampSummary>()
        .stream(&id, (lit(1.6), lit(1.6)))
        .expect([LampSummary { id: id.clone(), watts: Rounded(2.0) }]);
}

#[test]
fn a_row_that_does_not_fit_its_columns_is_named() {
    let id = LampId("hall".into());
    let failed = catch_unwind(AssertUnwindSafe(|| drop(project::<LampSummary>().stream(&id, lit(1e12)))));
    let said = failed.expect_err("it does not fit");
    let said = said.downcast_ref::<String>().expect("a text");
    assert!(said.starts_with("the row `hall` of `lamps` does not fit its columns: the column `watts`"), "{said}");
}
