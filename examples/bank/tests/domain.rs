//! The rules of an account, as sentences.

use bank::{
    domain::{
        Account, AccountClosed, AccountError, AccountOpened, CloseAccount, Deposit, MoneyDeposited, MoneyWithdrawn,
        OpenAccount, Status, Withdraw,
    },
    money::Money,
};
use chrono::NaiveDate;
use es_core::testing::given;

const fn money(units: i64) -> Money {
    Money::from_minor(units)
}

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(1993, 1, day).unwrap()
}

fn opened(overdraft: i64) -> AccountOpened {
    AccountOpened { owner: "Ada".to_owned(), overdraft: money(overdraft), booked_on: day(1) }
}

fn deposited(amount: i64) -> MoneyDeposited {
    MoneyDeposited { amount: money(amount), description: "salary".to_owned(), booked_on: day(2) }
}

fn withdrawn(amount: i64) -> MoneyWithdrawn {
    MoneyWithdrawn { amount: money(amount), description: "rent".to_owned(), booked_on: day(3) }
}

fn closed() -> AccountClosed {
    AccountClosed { booked_on: day(4) }
}

fn open(owner: &str, overdraft: i64) -> OpenAccount {
    OpenAccount { owner: owner.to_owned(), overdraft: money(overdraft), booked_on: day(1) }
}

fn deposit(amount: i64) -> Deposit {
    Deposit { amount: money(amount), description: "salary".to_owned(), booked_on: day(2) }
}

fn withdraw(amount: i64) -> Withdraw {
    Withdraw { amount: money(amount), description: "rent".to_owned(), booked_on: day(3) }
}

fn close() -> CloseAccount {
    CloseAccount { booked_on: day(4) }
}

#[test]
fn an_account_is_opened_once_for_somebody() {
    given::<Account>(()).when(open("Ada", 500)).then(opened(500)).then_state(|account| {
        assert_eq!((account.owner.as_str(), account.overdraft, account.status), ("Ada", money(500), Status::Open));
    });
    given::<Account>(opened(0)).when(open("Ada", 500)).then_already_exists();
    given::<Account>(()).when(open(" ", 0)).then_error(AccountError::NoOwner);
    given::<Account>(()).when(open("Ada", -1)).then_error(AccountError::NegativeOverdraft(money(-1)));
}

#[test]
fn without_an_account_nothing_can_be_asked() {
    given::<Account>(()).when(deposit(1)).then_not_found();
    given::<Account>(()).when(withdraw(1)).then_not_found();
    given::<Account>(()).when(close()).then_not_found();
}

#[test]
fn money_comes_in() {
    given::<Account>(opened(0)).when(deposit(123_450)).then(deposited(123_450)).then_state(|account| {
        assert_eq!((account.balance, account.transactions), (money(123_450), 1));
        assert_eq!(account.last_transaction_on, Some(day(2)));
    });
}

#[test]
fn amounts_are_above_zero() {
    for amount in [0, -1, i64::MIN] {
        given::<Account>(opened(0)).when(deposit(amount)).then_error(AccountError::NotPositive(money(amount)));
        given::<Account>(opened(0)).when(withdraw(amount)).then_error(AccountError::NotPositive(money(amount)));
    }
}

#[test]
fn money_goes_out_down_to_the_overdraft_and_no_further() {
    given::<Account>((opened(0), deposited(100))).when(withdraw(100)).then(withdrawn(100));
    given::<Account>((opened(50), deposited(100)))
        .when(withdraw(150))
        .then(withdrawn(150))
        .then_state(|account| assert_eq!(account.balance, money(-50)));
    given::<Account>((opened(50), deposited(100))).when(withdraw(151)).then_error(AccountError::InsufficientFunds {
        balance: money(100),
        overdraft: money(50),
        requested: money(151),
    });
}

#[test]
fn no_balance_is_ever_too_large_to_be_kept() {
    let (most, amount) = (i64::MAX, money(1));
    given::<Account>((opened(0), deposited(most))).when(deposit(1)).then_error(AccountError::Overflow { amount });
    given::<Account>((opened(most), withdrawn(most))).when(withdraw(2)).then_rejected(|error| {
        *error == AccountError::InsufficientFunds { balance: money(-most), overdraft: money(most), requested: money(2) }
    });
}

#[test]
fn the_latest_booking_day_counts_not_the_last_entry() {
    given::<Account>((opened(0), deposited(100), withdrawn(10))).when(deposit(1)).then_state(|account| {
        assert_eq!((account.last_transaction_on, account.transactions), (Some(day(3)), 3));
    });
}

#[test]
fn an_account_is_closed_when_it_is_even() {
    given::<Account>((opened(0), deposited(5), withdrawn(5)))
        .when(close())
        .then(closed())
        .then_state(|account| assert_eq!(account.status, Status::Closed));
    given::<Account>((opened(0), deposited(5))).when(close()).then_error(AccountError::BalanceNotZero(money(5)));
    given::<Account>((opened(9), withdrawn(5))).when(close()).then_error(AccountError::BalanceNotZero(money(-5)));
}

#[test]
fn a_closed_account_refuses_everything() {
    given::<Account>((opened(0), closed())).when(deposit(1)).then_error(AccountError::Closed);
    given::<Account>((opened(0), closed())).when(withdraw(1)).then_error(AccountError::Closed);
    given::<Account>((opened(0), closed())).when(close()).then_error(AccountError::Closed);
    given::<Account>((opened(0), closed())).when(open("Ada", 0)).then_already_exists();
}

#[test]
fn refusals_say_what_is_the_matter() {
    let error = AccountError::InsufficientFunds {
        balance: money(-5),
        overdraft: money(2_000_000),
        requested: money(2_000_000),
    };
    assert_eq!(
        error.to_string(),
        "20000.00 cannot be withdrawn: the balance is -0.05, and it may go down to -20000.00"
    );
}
