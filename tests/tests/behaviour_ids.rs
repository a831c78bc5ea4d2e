//! What `#[derive(AggregateId)]` writes: text, data, and back.

use std::{convert::Infallible, num::ParseIntError, str::FromStr};

use es_core::prelude::*;
use uuid::Uuid;

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct Text(String);

#[derive(AggregateId, Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Number(u64);

#[derive(AggregateId, Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Unique(Uuid);

#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]
struct Nested(Number);

#[test]
fn an_id_displays_and_reads_as_what_is_inside() {
    assert_eq!(Text("hall".to_owned()).to_string(), "hall");
    assert_eq!("hall".parse(), Ok::<_, Infallible>(Text("hall".to_owned())));
    assert_eq!(format!("{:>3}|{:03}", Number(7), Number(7)), "  7|007");
    assert_eq!("7".parse(), Ok::<_, ParseIntError>(Number(7)));
    assert!(Number::from_str("seven").is_err());
    assert_eq!("7".parse(), Ok(Nested(Number(7))));
    let unique = Unique(Uuid::from_u128(7));
    assert_eq!(unique.to_string().parse(), Ok(unique));
}

#[test]
fn an_id_is_stored_as_what_is_inside() {
    assert_eq!(serde_json::to_string(&Text("hall".to_owned())).unwrap(), r#""hall""#);
    assert_eq!(serde_json::to_string(&Nested(Number(7))).unwrap(), "7");
    assert_eq!(serde_json::from_str::<Number>("7").unwrap(), Number(7));
    assert!(serde_json::from_str::<Number>(r#""seven""#).is_err());
}

#[test]
fn an_id_is_made_from_what_is_inside() {
    assert_eq!(Text::from("hall".to_owned()), Text("hall".to_owned()));
    assert_eq!(Number::from(7), Number(7));
}

#[test]
fn an_id_may_be_a_key() {
    let map = std::collections::HashMap::from([(Number(7), "seven")]);
    assert_eq!(serde_json::to_string(&map).unwrap(), r#"{"7":"seven"}"#);
}
