//! Rows of a read model on their way to and from a store, as JSON.

use std::{collections::HashMap, fmt, marker::PhantomData};

use serde::{
    Deserializer as _, Serialize,
    de::{DeserializeOwned, Error as _, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use super::ReadModel;

/// Writes a row as a JSON object, column by column; [`ReadModel::encode`] is given one.
#[derive(Debug)]
pub struct RowEncoder<'b> {
    buffer: &'b mut Vec<u8>,
    begun: bool,
}

impl RowEncoder<'_> {
    /// Writes the next column.
    ///
    /// # Errors
    /// What serde reports of the value.
    pub fn column<C: Serialize + ?Sized>(&mut self, name: &'static str, value: &C) -> Result<(), serde_json::Error> {
        self.begin(name)?;
        serde_json::to_writer(&mut *self.buffer, value)
    }

    /// Writes the next column, of a field that is kept as text.
    ///
    /// # Errors
    /// What serde reports of the value, or that it writes no text for it.
    pub fn text<C: Serialize + ?Sized>(&mut self, name: &'static str, value: &C) -> Result<(), serde_json::Error> {
        self.begin(name)?;
        let begin = self.buffer.len();
        serde_json::to_writer(&mut *self.buffer, value)?;
        match &self.buffer[begin..] {
            [b'"', ..] | b"null" => Ok(()),
            _ => Err(serde_json::Error::custom(format_args!(
                "the column `{name}` is kept as text, and serde writes no text for its value"
            ))),
        }
    }

    fn begin(&mut self, name: &'static str) -> Result<(), serde_json::Error> {
        self.buffer.push(if self.begun { b',' } else { b'{' });
        self.begun = true;
        serde_json::to_writer(&mut *self.buffer, name)?;
        self.buffer.push(b':');
        Ok(())
    }
}

/// Appends a row to a buffer, as a JSON object whose members are the columns.
///
/// # Errors
/// What serde reports of a value.
pub fn encode<R: ReadModel>(row: &R, buffer: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    row.encode(&mut RowEncoder { buffer, begun: false })?;
    buffer.push(b'}');
    Ok(())
}

/// Reads the columns of a row in their order; [`ReadModel::decode`] is given one.
#[derive(Debug)]
pub struct RowDecoder<A> {
    columns: A,
}

impl<'de, A: SeqAccess<'de>> RowDecoder<A> {
    /// Reads the next column.
    ///
    /// # Errors
    /// When there is none, or its value does not fit the field.
    pub fn column<C: DeserializeOwned>(&mut self, name: &'static str) -> Result<C, A::Error> {
        match self.columns.next_element() {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(A::Error::custom(format_args!("there is no column `{name}`"))),
            Err(error) => Err(A::Error::custom(format_args!("the column `{name}` does not fit its field: {error}"))),
        }
    }
}

/// A row as a store would give it back: through its columns.
///
/// # Errors
/// What serde reports of a value, or that one does not fit its field.
pub(crate) fn through_columns<R: ReadModel>(row: &R) -> Result<R, serde_json::Error> {
    let mut object = Vec::new();
    encode(row, &mut object)?;
    let columns: HashMap<String, &RawValue> = serde_json::from_slice(&object)?;
    let columns: Vec<_> = R::COLUMNS.iter().map(|column| columns.get(column.name)).collect();
    decode(&serde_json::to_vec(&columns)?)
}

/// Reads a row from a JSON array whose elements are the columns, in the order of [`ReadModel::COLUMNS`].
///
/// # Errors
/// When a column is missing, or does not fit its field; the message names it.
pub fn decode<R: ReadModel>(json: &[u8]) -> Result<R, serde_json::Error> {
    struct Columns<R>(PhantomData<R>);

    impl<'de, R: ReadModel> Visitor<'de> for Columns<R> {
        type Value = R;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "the {} columns of `{}`", R::COLUMNS.len(), R::TABLE)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, columns: A) -> Result<R, A::Error> {
            R::decode(&mut RowDecoder { columns })
        }
    }

    let mut json = serde_json::Deserializer::from_slice(json);
    let row = json.deserialize_seq(Columns(PhantomData))?;
    json.end()?;
    Ok(row)
}
