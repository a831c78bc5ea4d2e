//! The columns of a read model, for the code that `#[derive(ReadModel)]` writes.

use std::{fmt::Display, hash::Hash, marker::PhantomData, str::FromStr};

use serde::{Serialize, de::DeserializeOwned};

use crate::projection::column::{Column, ColumnSchema};

/// Proves that a field has a column.
pub const fn column<T: Column>() -> usize {
    0
}

/// Proves that the key has a column.
pub const fn key_column<K: KeyColumn>() -> usize {
    0
}

/// A key that has a column.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no column type, and is the key of a read model",
    label = "not a `Column`",
    note = "write `#[derive(AggregateId, Clone, Debug, PartialEq, Eq, Hash)]` above `{Self}` if it is a newtype such as `struct {Self}(String);`; or say above the field how it is kept, `#[read_model(key, text)]`, where serde writes text for it"
)]
pub trait KeyColumn {}

#[diagnostic::do_not_recommend]
impl<K: Column> KeyColumn for K {}

/// Something in which a `T` can be kept as text, as JSON, or as a type of the database.
///
/// `T` is no `Self`, so that the compiler does not advise to borrow it.
#[diagnostic::on_unimplemented(
    message = "`{T}` cannot be kept in a column",
    label = "needs `Serialize` and `Deserialize`",
    note = "add `Serialize` and `Deserialize` to the derives of `{T}`: a value travels between program and store as serde writes it"
)]
pub trait Keeps<T> {}

#[diagnostic::do_not_recommend]
impl<T: Serialize + DeserializeOwned> Keeps<T> for () {}

/// Proves that a field whose column is said can be kept in one.
pub const fn kept<T>() -> usize
where
    (): Keeps<T>,
{
    0
}

/// Whether a field whose column is said may be empty: `Nullable::<Option<T>>::NULLABLE` is that of the type, and of
/// anything else the name leads to [`NotNullable`].
#[derive(Debug)]
pub struct Nullable<T>(PhantomData<T>);

impl<T> Nullable<Option<T>> {
    /// An `Option` is `null` where there is nothing.
    pub const NULLABLE: bool = true;
}

/// Everything that is no `Option`.
pub trait NotNullable {
    /// It always has a value.
    const NULLABLE: bool = false;
}

impl<T> NotNullable for Nullable<T> {}

/// A type that can be a read model's key.
pub trait RowKey: Clone + Eq + Hash + Display + Send + Sync + 'static {
    /// The key that the id of a stream stands for.
    ///
    /// # Errors
    /// Why it is none.
    fn from_stream_id(id: &str) -> Result<Self, String>;
}

impl<K> RowKey for K
where
    K: Clone + Eq + Hash + Display + Send + Sync + 'static + FromStr<Err: Display>,
{
    fn from_stream_id(id: &str) -> Result<Self, String> {
        id.parse().map_err(|error: K::Err| error.to_string())
    }
}

/// Something in which `K` can tell one row from another.
#[diagnostic::on_unimplemented(
    message = "`{K}` cannot be the key of a read model",
    label = "needs `Clone`, `Eq`, `Hash`, `Display` and `FromStr`",
    note = "take the id of an aggregate, a `String`, a `Uuid` or a whole number, and no `Option`: each row has a key, which is read from the id of the event's stream"
)]
pub trait TellsRows<K> {}

#[diagnostic::do_not_recommend]
impl<K: RowKey> TellsRows<K> for () {}

/// Proves that the type can be a key.
pub const fn row_key<K>() -> usize
where
    (): TellsRows<K>,
{
    0
}

/// Whether the column of a key may be empty. It is not asked of a type that can be no key.
pub const fn may_be_empty<K>(column: &ColumnSchema) -> bool {
    column.nullable
}

/// A field that a new row can begin with.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no value to begin a row with",
    label = "needs `Default`",
    note = "add `Default` to the derives of `{Self}`, or take an `Option`: a new row has its key, and the default of each other field"
)]
pub trait FieldOfRow: Sized {
    /// That value.
    fn initial() -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Default> FieldOfRow for T {
    fn initial() -> Self {
        Self::default()
    }
}
