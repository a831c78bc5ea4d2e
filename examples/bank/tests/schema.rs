//! What is stored stays readable: every released event is in `events.lock`, and values of each in `events.golden`.

use bank::{
    domain::{AccountClosed, AccountEvent, AccountOpened, MoneyDeposited, MoneyWithdrawn},
    money::Money,
};
use chrono::NaiveDate;

es_core::testing::schema_lock!(AccountEvent);

es_core::testing::golden!(AccountEvent: [
    AccountOpened { owner: "Ada".to_owned(), overdraft: Money::from_minor(50_000), booked_on: day(1) },
    MoneyDeposited { amount: Money::from_minor(123_450), description: "salary".to_owned(), booked_on: day(2) },
    MoneyWithdrawn { amount: Money::from_minor(1), description: String::new(), booked_on: day(3) },
    AccountClosed { booked_on: day(4) },
]);

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(1993, 1, day).expect("a day of January")
}
