//! What can be wrong with a ledger, and where.

use std::{io, sync::Arc};

use crate::money::ParseMoneyError;

/// A fault in a ledger, with its place: `january.csv:3:25: ..`.
#[derive(Debug, thiserror::Error)]
#[error("{file}{}: {fault}", place(*.line, *.column))]
#[non_exhaustive]
pub struct LedgerError {
    /// The file, as it was named.
    pub file: Arc<str>,
    /// The line, from 1; 0 when the file as a whole cannot be read.
    pub line: u64,
    /// The column in characters, from 1: where the field at fault begins.
    pub column: usize,
    /// What is wrong.
    #[source]
    pub fault: LedgerFault,
}

fn place(line: u64, column: usize) -> String {
    if line == 0 { String::new() } else { format!(":{line}:{column}") }
}

impl LedgerError {
    pub(super) fn unreadable(file: Arc<str>, error: io::Error) -> Self {
        Self { file, line: 0, column: 0, fault: LedgerFault::Unreadable(error) }
    }

    /// Whether it concerns the whole ledger, and not one line that can be left out.
    pub fn is_fatal(&self) -> bool {
        let fault = &self.fault;
        matches!(fault, LedgerFault::Unreadable(_) | LedgerFault::Header { .. } | LedgerFault::HeaderCount { .. })
    }
}

/// What is wrong with a ledger or with one of its lines.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LedgerFault {
    /// The file cannot be read, or no further.
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    /// The first line does not name the columns of a ledger.
    #[error("this is not a ledger: its first line should name the column `{expected}` here")]
    Header {
        /// The name that is missing.
        expected: &'static str,
    },
    /// The first line names more columns than a ledger has.
    #[error("the first line names {found} columns instead of {}", super::COLUMNS.len())]
    HeaderCount {
        /// How many there are.
        found: usize,
    },
    /// The line is longer than any transaction.
    #[error("the line has more than {limit} bytes")]
    LineTooLong {
        /// The most allowed.
        limit: u64,
    },
    /// The line is not UTF-8.
    #[error("the text is not UTF-8 from here on")]
    NotUtf8,
    /// There are control characters in the line.
    #[error("there is a control character, U+{:04X}", u32::from(*.0))]
    Control(char),
    /// The line ends inside quotes.
    #[error("the quote that opens here is never closed")]
    UnclosedQuote,
    /// A quote stands where none can.
    #[error("a quote in the middle of a field: quote the whole field and double the quotes inside")]
    StrayQuote,
    /// There are too many fields or too few.
    #[error("{found} fields instead of {}", super::COLUMNS.len())]
    FieldCount {
        /// How many there are.
        found: usize,
    },
    /// A number that names something is not one.
    #[error("the {what} is {text:?}, but should be a number")]
    NotANumber {
        /// Which field.
        what: &'static str,
        /// What it holds.
        text: String,
    },
    /// The date is not one.
    #[error("the date is {0:?}, but should be a day of the calendar as YYMMDD")]
    Date(String),
    /// The type is none of the three.
    #[error("the type is {0:?}, but should be PRIJEM (credit), VYDAJ or VYBER (withdrawal)")]
    UnknownType(String),
    /// An amount is not one.
    #[error("the {what} is {text:?}, but {reason}")]
    Amount {
        /// Which field.
        what: &'static str,
        /// What it holds.
        text: String,
        /// Why that is not an amount.
        reason: ParseMoneyError,
    },
    /// An amount of nothing, or less.
    #[error("the amount is {0:?}, but should be more than nothing: the type says which way it goes")]
    NotPositive(String),
}
