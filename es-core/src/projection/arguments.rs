//! Arguments of the conditions by which rows are found.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

/// A value that stands for `$1`, `$2` and so on in a condition.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Argument {
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    BigInt(i64),
    /// A floating-point number.
    Double(f64),
    /// Text.
    Text(String),
    /// A UUID.
    Uuid(Uuid),
    /// A moment.
    Timestamp(DateTime<Utc>),
    /// A date.
    Date(NaiveDate),
}

macro_rules! arguments {
    ($($ty:ty => $argument:ident),+ $(,)?) => {
        $(impl From<$ty> for Argument {
            fn from(value: $ty) -> Self {
                Self::$argument(value.into())
            }
        })+
    };
}

arguments! {
    bool => Bool,
    i8 => BigInt,
    i16 => BigInt,
    i32 => BigInt,
    i64 => BigInt,
    u8 => BigInt,
    u16 => BigInt,
    u32 => BigInt,
    f64 => Double,
    String => Text,
    &str => Text,
    Uuid => Uuid,
    DateTime<Utc> => Timestamp,
    NaiveDate => Date,
}

/// The arguments of a condition: `()`, a tuple of up to eight, or a `Vec` of [`Argument`]s.
pub trait IntoArguments {
    /// The arguments in their order.
    fn into_arguments(self) -> Vec<Argument>;
}

impl IntoArguments for Vec<Argument> {
    fn into_arguments(self) -> Vec<Argument> {
        self
    }
}

impl IntoArguments for () {
    fn into_arguments(self) -> Vec<Argument> {
        Vec::new()
    }
}

macro_rules! tuples {
    ($(($($ty:ident)+))+) => {
        $(impl<$($ty: Into<Argument>),+> IntoArguments for ($($ty,)+) {
            fn into_arguments(self) -> Vec<Argument> {
                #[expect(non_snake_case, reason = "a value is named like its type")]
                let ($($ty,)+) = self;
                vec![$($ty.into()),+]
            }
        })+
    };
}

tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
}
