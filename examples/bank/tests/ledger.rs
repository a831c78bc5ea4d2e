//! Ledgers as files: what is read, and where what is malformed is found.

use std::path::Path;

use bank::{
    ledger::{Direction, Ledger, LedgerFault},
    money::Money,
};
use chrono::NaiveDate;

const HEADER: &str = "trans_id;account_id;date;type;operation;amount;balance;k_symbol;bank;account";

fn path(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ledgers").join(name)
}

/// A ledger from what stands below its header, as one text per line: an amount, or what is wrong.
fn read(below: impl AsRef<[u8]>) -> Vec<String> {
    let bytes = [HEADER.as_bytes(), b"\n", below.as_ref()].concat();
    let ledger = Ledger::new("test.csv", &*bytes).expect("the header is right");
    ledger
        .map(|line| line.map_or_else(|error| error.to_string(), |entry| entry.transaction.amount.to_string()))
        .collect()
}

#[track_caller]
fn check(below: impl AsRef<[u8]>, expected: &[&str]) {
    assert_eq!(read(below), expected);
}

#[test]
fn the_small_ledger_is_read_whole() {
    let entries: Vec<_> = Ledger::open(&path("small.csv")).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(entries.len(), 60);
    assert_eq!(entries.first().map(|entry| entry.line), Some(2));
    assert_eq!(entries.last().map(|entry| entry.line), Some(61));
    let length = std::fs::metadata(path("small.csv")).unwrap().len();
    let header = std::fs::read_to_string(path("small.csv")).unwrap().find('\n').unwrap() as u64 + 1;
    assert_eq!(entries.iter().map(|entry| entry.bytes).sum::<u64>() + header, length);

    let last = &entries[59].transaction;
    assert_eq!(last.account.0, "106");
    assert_eq!(last.booked_on, NaiveDate::from_ymd_opt(1995, 5, 31).unwrap());
    assert_eq!(last.direction, Direction::Credit);
    assert_eq!(last.amount, Money::from_minor(123_456_789));
    assert_eq!(last.description, "cash in");
    assert!(entries.iter().any(|entry| entry.transaction.description == "transfer to another bank, loan, AB 14009911"));
}

#[test]
fn every_fault_of_the_faulty_ledger_is_named_with_its_place() {
    let name = path("faulty.csv").display().to_string();
    let lines: Vec<_> = Ledger::open(&path("faulty.csv")).unwrap().collect();
    let faults: Vec<_> = lines.iter().filter_map(|line| line.as_ref().err()).map(ToString::to_string).collect();
    let expected = [
        ":3:31: the amount is \"1O0.00\", but an amount is digits, then perhaps a point and one or two more, such as 1234.50",
        ":4:31: the amount is \"10.001\", but an amount has at most two decimals",
        ":6:30: the amount is \"-10.00\", but should be more than nothing: the type says which way it goes",
        ":7:30: the amount is \"0.00\", but should be more than nothing: the type says which way it goes",
        ":8:7: the date is \"950230\", but should be a day of the calendar as YYMMDD",
        ":9:7: the date is \"19950107\", but should be a day of the calendar as YYMMDD",
        ":10:15: the type is \"PŘÍJEM\", but should be PRIJEM (credit), VYDAJ or VYBER (withdrawal)",
        ":11:45: 8 fields instead of 10",
        ":12:49: 11 fields instead of 10",
        ":13:23: the quote that opens here is never closed",
        ":14:29: a quote in the middle of a field: quote the whole field and double the quotes inside",
        ":15:1: the transaction is \"thirteen\", but should be a number",
        ":16:4: the account is \"2O1\", but should be a number",
        ":17:37: the balance is \"lots\", but an amount is digits, then perhaps a point and one or two more, such as 1234.50",
        ":18:31: the amount is \"99999999999999999999.00\", but the amount is too large: the limit is 92233720368547758.07",
    ];
    let expected: Vec<_> = expected.iter().map(|fault| format!("{name}{fault}")).collect();
    assert_eq!(faults, expected);
    let read: Vec<_> = lines.into_iter().filter_map(Result::ok).map(|entry| entry.line).collect();
    assert_eq!(read, [2, 19, 20, 21, 22], "the lines between are read");
}

#[test]
fn line_ends_may_be_those_of_any_system() {
    check("1;7;950101;PRIJEM;;1.00;0;;;\r\n\r\n2;7;950101;PRIJEM;;2.00;0;;;", &["1.00", "2.00"]);
    check("", &[]);
    check("\n\n", &[]);
    let crlf = format!("\u{feff}{HEADER}\r\n1;7;950101;PRIJEM;;1.00;0;;;\r\n");
    assert_eq!(Ledger::new("test.csv", crlf.as_bytes()).unwrap().count(), 1);
}

#[test]
fn bytes_that_are_no_text_concern_their_line_alone() {
    let lines = [&b"1;7;950101;PRIJEM;\xc5\xbe\xe9;1.00;0;;;\n"[..], b"2;7;950101;PRIJEM;;2.00;0;;;\n"].concat();
    check(lines, &["test.csv:2:20: the text is not UTF-8 from here on", "2.00"]);
    let lines = "1;7;950101;PRIJEM;\0;1.00;0;;;\n2;7;950101;PRIJEM;\u{1b}[2J;2.00;0;;;\n3;7;950101;PRIJEM;;3.00;0;;;";
    check(
        lines,
        &[
            "test.csv:2:19: there is a control character, U+0000",
            "test.csv:3:19: there is a control character, U+001B",
            "3.00",
        ],
    );
}

#[test]
fn a_line_without_an_end_takes_no_memory() {
    let mut lines = vec![b'x'; 3_000_000];
    lines.extend_from_slice(b"\n2;7;950101;PRIJEM;;2.00;0;;;\n");
    check(lines, &["test.csv:2:1: the line has more than 65536 bytes", "2.00"]);
}

#[test]
fn what_is_no_ledger_is_refused_as_a_whole() {
    let refused = |text: &str| {
        let error = Ledger::new("test.csv", text.as_bytes()).expect_err("it is no ledger");
        assert!(error.is_fatal());
        error.to_string()
    };
    let missing = "this is not a ledger: its first line should name the column";
    assert_eq!(refused(""), format!("test.csv:1:1: {missing} `trans_id` here"));
    assert_eq!(refused("trans_id;account_id;datum"), format!("test.csv:1:21: {missing} `date` here"));
    assert_eq!(refused("trans_id;account_id"), format!("test.csv:1:20: {missing} `date` here"));
    assert_eq!(refused(&format!("{HEADER};more")), "test.csv:1:78: the first line names 11 columns instead of 10");
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = Ledger::open(Path::new("no/such/ledger.csv")).unwrap_err();
    assert!(error.is_fatal() && matches!(error.fault, LedgerFault::Unreadable(_)));
    assert!(error.to_string().starts_with("no/such/ledger.csv: it cannot be read: "), "{error}");
}
