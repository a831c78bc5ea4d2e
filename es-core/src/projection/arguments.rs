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
    &String => Text,
    Uuid => Uuid,
    DateTime<Utc> => Timestamp,
    NaiveDate => Date,
}

/// What can be one of the arguments of a condition: whatever becomes an [`Argument`], such as a number, a text, or an id
/// over one, by value or by reference.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no argument of a condition",
    label = "does not become an `Argument`",
    note = "take a `bool`, a whole number that fits an `i64`, an `f64`, text, a `Uuid`, a time, a date, or an id over one of them; for what may be empty write `is null` into the condition"
)]
pub trait IntoArgument {
    /// The argument.
    fn into_argument(self) -> Argument;
}

#[diagnostic::do_not_recommend]
impl<T: Into<Argument>> IntoArgument for T {
    fn into_argument(self) -> Argument {
        self.into()
    }
}

/// The arguments of a condition: `()`, a tuple of up to eight, or a `Vec` of [`Argument`]s.
#[diagnostic::on_unimplemented(
    message = "the arguments of a condition are a tuple, and not `{Self}`",
    label = "not a tuple of arguments",
    note = "write `(argument,)` for one, with a comma, `(first, second)` for several, and `()` for none; for as many as there are, a `Vec<Argument>`"
)]
pub trait IntoArguments {
    /// The arguments in their order.
    fn into_arguments(self) -> Vec<Argument>;
}

#[diagnostic::do_not_recommend]
impl IntoArguments for Vec<Argument> {
    fn into_arguments(self) -> Vec<Argument> {
        self
    }
}

#[diagnostic::do_not_recommend]
impl IntoArguments for () {
    fn into_arguments(self) -> Vec<Argument> {
        Vec::new()
    }
}

macro_rules! tuples {
    ($(($($ty:ident)+))+) => {
        $(impl<$($ty: IntoArgument),+> IntoArguments for ($($ty,)+) {
            fn into_arguments(self) -> Vec<Argument> {
                #[expect(non_snake_case, reason = "a value is named like its type")]
                let ($($ty,)+) = self;
                vec![$($ty.into_argument()),+]
            }
        })+
    };
}

tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H)
}
