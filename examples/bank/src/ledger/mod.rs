//! Ledgers: transactions in a text file, read line by line.
//!
//! [`Ledger`] finds the lines, `fields` takes them apart, `transaction` gives them a meaning, [`error`] says at which
//! line and column that failed. A malformed line is an error of its own, and the lines behind it are still read.

pub mod error;
mod fields;
mod transaction;

use std::{
    fmt,
    fs::File,
    io::{self, BufRead, BufReader, Read as _},
    path::Path,
    sync::Arc,
};

pub use self::{
    error::{LedgerError, LedgerFault},
    transaction::{Direction, Transaction},
};

/// The columns of a ledger, as its first line names them.
pub const COLUMNS: [&str; 10] =
    ["trans_id", "account_id", "date", "type", "operation", "amount", "balance", "k_symbol", "bank", "account"];

/// The longest line that is read, in bytes. It bounds the memory that a file without line ends can take.
const MAX_LINE_BYTES: u64 = 64 * 1_024;

/// One line of a ledger that could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The number of the line, from 1, the header being the first.
    pub line: u64,
    /// The length of the line with its end, for showing progress.
    pub bytes: u64,
    /// What it says.
    pub transaction: Transaction,
}

/// The transactions of a ledger, an iterator in bounded memory.
///
/// Lines end with LF or CRLF, empty lines are passed over, and a byte order mark at the start is too.
///
/// ```
/// use bank::ledger::Ledger;
///
/// let text = "trans_id;account_id;date;type;operation;amount;balance;k_symbol;bank;account
/// 1;77;930105;PRIJEM;VKLAD;700.00;700.00;;;
/// 2;77;930131;VYDAJ;VYBER;9.999;690.00;;;
/// 3;77;930131;PRIJEM;;0.05;700.05;UROK;;
/// ";
/// let mut ledger = Ledger::new("january.csv", text.as_bytes()).unwrap();
/// assert_eq!(ledger.next().unwrap().unwrap().transaction.amount.to_string(), "700.00");
/// assert_eq!(
///     ledger.next().unwrap().unwrap_err().to_string(),
///     "january.csv:3:25: the amount is \"9.999\", but an amount has at most two decimals"
/// );
/// assert_eq!(ledger.next().unwrap().unwrap().line, 4);
/// assert!(ledger.next().is_none());
/// ```
pub struct Ledger<R> {
    file: Arc<str>,
    reader: R,
    /// The number of the line that was read last.
    line: u64,
    bytes: Vec<u8>,
    broken: bool,
}

impl Ledger<BufReader<File>> {
    /// Opens a file and checks its header.
    ///
    /// # Errors
    /// [`LedgerError`] when the file cannot be read, or is not a ledger.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let name = path.display().to_string();
        match File::open(path) {
            Ok(file) => Self::new(name, BufReader::new(file)),
            Err(error) => Err(LedgerError::unreadable(name.into(), error)),
        }
    }
}

impl<R: BufRead> Ledger<R> {
    /// A ledger from anything that can be read, after a check of its header. The name is for messages.
    ///
    /// # Errors
    /// [`LedgerError`] when it cannot be read, or is not a ledger.
    pub fn new(file: impl Into<Arc<str>>, reader: R) -> Result<Self, LedgerError> {
        let mut ledger = Self { file: file.into(), reader, line: 0, bytes: Vec::new(), broken: false };
        ledger.read_line()?;
        if ledger.bytes.starts_with("\u{feff}".as_bytes()) {
            ledger.bytes.drain(.."\u{feff}".len());
        }
        fields::text(&ledger.bytes).and_then(check_header).map_err(|fault| ledger.at(fault))?;
        Ok(ledger)
    }

    /// Reads the next line into `self.bytes` and answers its length with its end, which is 0 behind the last line.
    fn read_line(&mut self) -> Result<u64, LedgerError> {
        self.bytes.clear();
        self.line += 1;
        let read = self.fill_line();
        let length = read.map_err(|error| LedgerError::unreadable(Arc::clone(&self.file), error))?;
        if self.bytes.last() == Some(&b'\n') {
            self.bytes.pop();
            if self.bytes.last() == Some(&b'\r') {
                self.bytes.pop();
            }
        }
        Ok(length)
    }

    fn fill_line(&mut self) -> io::Result<u64> {
        // One byte more than allowed, so that `fields::text` sees that it was too long.
        let read = (&mut self.reader).take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut self.bytes)?;
        let is_whole = self.bytes.last() == Some(&b'\n') || read as u64 <= MAX_LINE_BYTES;
        let rest = if is_whole { 0 } else { self.reader.skip_until(b'\n')? };
        Ok((read + rest) as u64)
    }

    fn at(&self, fault: (usize, LedgerFault)) -> LedgerError {
        LedgerError { file: Arc::clone(&self.file), line: self.line, column: fault.0, fault: fault.1 }
    }
}

impl<R: BufRead> Iterator for Ledger<R> {
    type Item = Result<Entry, LedgerError>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.broken {
            match self.read_line() {
                Ok(0) => break,
                Ok(_) if self.bytes.is_empty() => {}
                Ok(bytes) => {
                    let transaction = fields::text(&self.bytes).and_then(transaction::parse);
                    let entry = transaction.map(|transaction| Entry { line: self.line, bytes, transaction });
                    return Some(entry.map_err(|fault| self.at(fault)));
                }
                Err(error) => {
                    self.broken = true;
                    return Some(Err(error));
                }
            }
        }
        None
    }
}

impl<R> fmt::Debug for Ledger<R> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Ledger").field("file", &self.file).field("line", &self.line).finish_non_exhaustive()
    }
}

/// Makes sure that the first line names the columns, all of them, and in their order.
fn check_header(line: &str) -> Result<(), (usize, LedgerFault)> {
    let fields = fields::split(line)?;
    for (index, &expected) in COLUMNS.iter().enumerate() {
        match fields.get(index) {
            Some(field) if field.text == expected => {}
            other => {
                let start = other.map_or(line.len(), |field| field.start);
                return Err((fields::column(line, start), LedgerFault::Header { expected }));
            }
        }
    }
    match fields.get(COLUMNS.len()) {
        Some(field) => Err((fields::column(line, field.start), LedgerFault::HeaderCount { found: fields.len() })),
        None => Ok(()),
    }
}
