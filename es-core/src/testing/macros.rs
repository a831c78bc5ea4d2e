//! Tests in one line.

/// Writes the test `schema_lock`, which proves that `events.lock` in the crate's root says what the code says of these
/// sets: each event, each version, each field with its stored name and type, and the names of the aggregates.
///
/// ```
/// # use es_core::prelude::*;
/// # #[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
/// # struct AccountId(String);
/// # #[derive(Event, Serialize, Deserialize)]
/// # struct MoneyDeposited { amount: i64 }
/// # #[derive(EventSet)]
/// # enum AccountEvent { Deposited(MoneyDeposited) }
/// # #[derive(Aggregate, Default)]
/// # #[aggregate(name = "account", id = AccountId, event = AccountEvent)]
/// # struct Account {}
/// # #[event_handler]
/// # impl Account { fn deposited(&mut self, _: &MoneyDeposited) {} }
/// # #[derive(EventSet)]
/// # enum ImportEvent { Deposited(MoneyDeposited) }
/// // tests/schema.rs
/// es_core::testing::schema_lock!(AccountEvent, ImportEvent => []);
/// ```
///
/// It stands once in a crate, with all its sets. `ES_LOCK=accept cargo test` writes the file; it is committed, and a
/// difference in it is looked at as code is. From then on the macros compare: a released version that has changed does
/// not compile, and the message stands at the field.
///
/// The aggregate of a set is found by its derive. Where a set has several aggregates, or none, they are named:
/// `AccountEvent => [Account, Shadow]`, `ImportEvent => []`.
#[doc(hidden)]
#[macro_export]
macro_rules! __es_schema_lock {
    (@set $set:ty) => {
        $crate::testing::lock::LockedSet::of::<$set>(&[<$set as $crate::private::lock::NamedBy<_>>::NAME])
    };
    (@set $set:ty => [$($aggregate:ty),*]) => {
        $crate::testing::lock::LockedSet::of::<$set>(&[
            $(<$set as $crate::private::lock::NamedBy<$aggregate>>::NAME),*
        ])
    };
    ($($set:ty $(=> [$($aggregate:ty),* $(,)?])?),+ $(,)?) => {
        #[::core::prelude::v1::test]
        fn schema_lock() {
            $crate::testing::lock::assert(
                ::core::env!("CARGO_MANIFEST_DIR"),
                &[$($crate::__es_schema_lock!(@set $set $(=> [$($aggregate),*])?)),+],
            );
        }
    };
}

/// Writes the test `golden_payloads`, which proves that these values are stored as they were when they were filed in
/// `events.golden`, and that every earlier version that is filed there is read as it was.
///
/// ```
/// # use es_core::prelude::*;
/// # #[derive(Event, Serialize, Deserialize)]
/// # struct AccountOpened { overdraft: i64 }
/// # #[derive(Event, Serialize, Deserialize)]
/// # struct MoneyDeposited { amount: i64 }
/// # #[derive(EventSet)]
/// # enum AccountEvent { Opened(AccountOpened), Deposited(MoneyDeposited) }
/// // tests/schema.rs
/// es_core::testing::golden!(AccountEvent: [
///     AccountOpened { overdraft: 500 },
///     MoneyDeposited { amount: 100 },
///     MoneyDeposited { amount: -1 },
/// ]);
/// ```
///
/// There is at least one value of each event; several sets are separated by commas. `ES_LOCK=accept cargo test` writes
/// the files, one for each version: they are committed, and stay when the version is no longer the present one. The
/// test stands once in a crate, with all its sets.
#[doc(hidden)]
#[macro_export]
macro_rules! __es_golden {
    ($($set:ty: [$($value:expr),* $(,)?]),+ $(,)?) => {
        #[::core::prelude::v1::test]
        fn golden_payloads() {
            $crate::testing::golden::assert(
                ::core::env!("CARGO_MANIFEST_DIR"),
                &[$($crate::testing::golden::GoldenSet::of::<$set>(&[$(::core::convert::Into::into($value)),*])),+],
            );
        }
    };
}
