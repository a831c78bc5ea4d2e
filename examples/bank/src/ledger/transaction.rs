//! From fields to a transaction.

use chrono::NaiveDate;

use super::{
    COLUMNS, LedgerFault,
    fields::{self, Field},
};
use crate::{
    domain::AccountId,
    money::{Money, ParseMoneyError},
};

/// One transaction of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Transaction {
    /// Its number, unique in the ledger.
    pub id: u64,
    /// The account.
    pub account: AccountId,
    /// The day it was booked on.
    pub booked_on: NaiveDate,
    /// Which way the money went.
    pub direction: Direction,
    /// How much, more than nothing.
    pub amount: Money,
    /// What it was for, in words.
    pub description: String,
}

/// Which way money goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Into the account.
    Credit,
    /// Out of the account.
    Withdrawal,
}

/// Gives a line its meaning, or says at which column it has none.
pub(super) fn parse(line: &str) -> Result<Transaction, (usize, LedgerFault)> {
    let fields = fields::split(line)?;
    let fields: [Field<'_>; COLUMNS.len()] = fields.try_into().map_err(|fields: Vec<Field<'_>>| {
        // The first field too many, or the end of the line where there are too few.
        let at = fields.get(COLUMNS.len()).map_or(line.len(), |field| field.start);
        (fields::column(line, at), LedgerFault::FieldCount { found: fields.len() })
    })?;
    let [id, account, date, kind, operation, amount, balance, purpose, bank, counterpart] = fields;
    let at = |field: &Field<'_>| fields::column(line, field.start);
    let transaction = Transaction {
        id: number("transaction", &id).map_err(|fault| (at(&id), fault))?,
        account: self::account(&account).map_err(|fault| (at(&account), fault))?,
        booked_on: self::date(&date.text).ok_or_else(|| (at(&date), LedgerFault::Date(date.text.to_string())))?,
        direction: direction(&kind.text).ok_or_else(|| (at(&kind), LedgerFault::UnknownType(kind.text.to_string())))?,
        amount: money("amount", &amount).map_err(|fault| (at(&amount), fault))?,
        description: describe(&operation.text, &purpose.text, &bank.text, &counterpart.text),
    };
    if !transaction.amount.is_positive() {
        return Err((at(&amount), LedgerFault::NotPositive(amount.text.into_owned())));
    }
    // The balance follows the bank's own order within a day, so it is not kept; but it must be one, or the line is
    // damaged.
    money("balance", &balance).map_err(|fault| (at(&balance), fault))?;
    Ok(transaction)
}

fn number(what: &'static str, field: &Field<'_>) -> Result<u64, LedgerFault> {
    let refuse = || LedgerFault::NotANumber { what, text: field.text.to_string() };
    if field.text.bytes().all(|byte| byte.is_ascii_digit()) {
        field.text.parse().map_err(|_| refuse())
    } else {
        Err(refuse())
    }
}

fn account(field: &Field<'_>) -> Result<AccountId, LedgerFault> {
    // The number as it is written: 007 and 7 are two accounts.
    number("account", field).map(|_| AccountId(field.text.to_string()))
}

fn money(what: &'static str, field: &Field<'_>) -> Result<Money, LedgerFault> {
    field.text.parse().map_err(|reason: ParseMoneyError| LedgerFault::Amount {
        what,
        text: field.text.to_string(),
        reason,
    })
}

/// The day of `YYMMDD`, where years up to 68 are of this century, as POSIX has it.
fn date(text: &str) -> Option<NaiveDate> {
    if text.len() != 6 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize| text[from..from + 2].parse::<u32>().ok();
    let year = i32::try_from(part(0)?).ok()?;
    let century = if year < 69 { 2_000 } else { 1_900 };
    NaiveDate::from_ymd_opt(century + year, part(2)?, part(4)?)
}

fn direction(text: &str) -> Option<Direction> {
    match text {
        "PRIJEM" => Some(Direction::Credit),
        // The bank uses both for withdrawals.
        "VYDAJ" | "VYBER" => Some(Direction::Withdrawal),
        _ => None,
    }
}

/// Operation, purpose and counterpart in one phrase, such as `transfer to another bank, household, AB 41403269`.
fn describe(operation: &str, purpose: &str, bank: &str, counterpart: &str) -> String {
    let counterpart = [bank, counterpart].join(" ");
    let parts = [self::operation(operation), self::purpose(purpose), counterpart.trim()];
    let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

/// The operation in English; one that is not known stays as it is.
fn operation(text: &str) -> &str {
    match text.trim() {
        "VKLAD" => "cash in",
        "VYBER" => "cash out",
        "PREVOD Z UCTU" => "transfer from another bank",
        "PREVOD NA UCET" => "transfer to another bank",
        "VYBER KARTOU" => "card",
        other => other,
    }
}

/// The purpose in English; one that is not known stays as it is.
fn purpose(text: &str) -> &str {
    match text.trim() {
        "DUCHOD" => "pension",
        "POJISTNE" => "insurance",
        "SANKC. UROK" => "interest on an overdraft",
        "SIPO" => "household",
        "SLUZBY" => "statement",
        "UROK" => "interest",
        "UVER" => "loan",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use chrono::NaiveDate;

    use super::{date, describe};

    #[test]
    fn years_are_those_around_the_millennium() {
        assert_eq!(date("930101"), NaiveDate::from_ymd_opt(1993, 1, 1));
        assert_eq!(date("690101"), NaiveDate::from_ymd_opt(1969, 1, 1));
        assert_eq!(date("680229"), NaiveDate::from_ymd_opt(2068, 2, 29));
        for text in ["930229", "931301", "930100", "93011", "9301011", "+93010", "93-1-1", "９３０１"] {
            assert_eq!(date(text), None, "{text}");
        }
    }

    #[test]
    fn descriptions_leave_out_what_is_not_said() {
        assert_eq!(describe("VKLAD", "", "", ""), "cash in");
        assert_eq!(describe("", "UROK", "", ""), "interest");
        assert_eq!(describe("", " ", "", ""), "");
        assert_eq!(
            describe("PREVOD NA UCET", "SIPO", "AB", "41403269"),
            "transfer to another bank, household, AB 41403269"
        );
        assert_eq!(describe("SEK", "", "", ""), "SEK");
    }
}
