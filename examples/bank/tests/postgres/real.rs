//! The real ledger, in a file, on a server, and in a file again.

use bank::databases::Postgres;
use es_tests::database::Database;

use crate::{
    scenarios::{copying::there_and_back, import::real_ledger},
    support::known_sums,
};

pub(crate) async fn the_real_ledger_goes_there_and_back(database: Database) {
    let Some((transactions, sums)) = real_ledger() else { return };
    there_and_back::<Postgres>(database.url(), &transactions, &known_sums(&sums)).await;
}
