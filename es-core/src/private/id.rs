//! What an id is made of; for the code that `#[derive(AggregateId)]` writes.

use std::{
    fmt::{self, Display},
    hash::Hash,
};

use serde::{Deserializer, Serialize, Serializer, de::DeserializeOwned};

use crate::projection::{
    arguments::Argument,
    column::{Column, ColumnType},
};

/// Something in which `T` can be an id: it has what `#[derive(AggregateId)]` does not write.
///
/// `T` is no `Self`, so that the compiler does not advise to borrow it.
#[diagnostic::on_unimplemented(
    message = "`{T}` cannot be an aggregate's id",
    label = "needs `Clone`, `Debug`, `PartialEq`, `Eq` and `Hash`",
    note = "write `#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]` above `{T}`"
)]
pub trait Identifies<T> {}

#[diagnostic::do_not_recommend]
impl<T: Clone + fmt::Debug + Eq + Hash + Send + Sync + 'static> Identifies<T> for () {}

/// Proves that the type has what `#[derive(AggregateId)]` does not write.
pub const fn identity<T>() -> usize
where
    (): Identifies<T>,
{
    0
}

/// An id and what is inside it.
pub trait Wraps: Serialize + DeserializeOwned {
    /// What is inside.
    type Inner;
}

/// An id, or a reference to one.
pub trait Shows {
    /// What is inside.
    type Inner;

    /// What is inside.
    fn inner(&self) -> &Self::Inner;
}

/// So an id is an argument where what is inside it is one.
impl<T: Shows<Inner: Clone + Into<Argument>>> From<T> for Argument {
    fn from(id: T) -> Self {
        id.inner().clone().into()
    }
}

#[diagnostic::do_not_recommend]
impl<T: Wraps<Inner: Column>> Column for T {
    const TYPE: ColumnType = <T::Inner as Column>::TYPE;
}

/// A type that can be inside an id.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be inside an aggregate's id",
    label = "needs `Display`, `FromStr`, `Serialize` and `Deserialize`",
    note = "take a `String`, a `Uuid` or a whole number: an id becomes text in the name of its stream, and is read back from it"
)]
pub trait IdValue: Sized {
    /// Displays it.
    ///
    /// # Errors
    /// Those of the formatter.
    fn display(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result;

    /// Serializes it.
    ///
    /// # Errors
    /// Those of the serializer.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Deserializes it.
    ///
    /// # Errors
    /// Those of the deserializer.
    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

#[diagnostic::do_not_recommend]
impl<T: Display + Serialize + DeserializeOwned> IdValue for T {
    fn display(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt(formatter)
    }

    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Serialize::serialize(self, serializer)
    }

    fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        serde::Deserialize::deserialize(deserializer)
    }
}
