//! A walk over a value that looks for what JSON in a store cannot give back. It writes nothing, and allocates only to say
//! what is wrong and for the keys of maps; the path is put together on the way back out.

use std::{
    collections::HashSet,
    fmt::{self, Display},
};

use serde::ser::{self, Serialize, Serializer};

/// What cannot be stored, and where it is.
#[derive(Debug)]
pub(super) struct Refusal {
    /// The path of the field; `.` for the whole.
    pub(super) path: String,
    /// What cannot be stored.
    pub(super) message: String,
}

/// Walks over `value`, refusing NaN, infinities, NUL characters, repeated keys and a nesting deeper than `depth`.
pub(super) fn storable<T: Serialize + ?Sized>(value: &T, depth: usize) -> Result<(), Refusal> {
    value.serialize(Walk { depth })
}

impl Refusal {
    #[cold]
    fn new(message: impl Into<String>) -> Self {
        Self { path: ".".to_owned(), message: message.into() }
    }

    /// The same refusal, seen from one level further out.
    #[cold]
    fn inside(mut self, segment: &str) -> Self {
        self.path = match self.path.as_str() {
            "." => segment.to_owned(),
            inner if inner.starts_with('[') => format!("{segment}{inner}"),
            inner => format!("{segment}.{inner}"),
        };
        self
    }
}

impl Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} at `{}`", self.message, self.path)
    }
}

impl std::error::Error for Refusal {}

impl ser::Error for Refusal {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }
}

/// The walk at one level; `depth` levels may still follow.
#[derive(Clone, Copy)]
struct Walk {
    depth: usize,
}

impl Walk {
    fn deeper(self) -> Result<Self, Refusal> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth }),
            None => Err(Refusal::new(format!("values are nested more than {} levels deep", super::MAX_DEPTH))),
        }
    }

    fn compound(self) -> Result<Inside, Refusal> {
        Ok(Inside { walk: self.deeper()?, index: 0, key: String::new(), keys: HashSet::new() })
    }

    fn float(finite: bool) -> Result<(), Refusal> {
        if finite {
            Ok(())
        } else {
            Err(Refusal::new("a number that is NaN or infinite cannot be told from null in JSON"))
        }
    }
}

/// Nothing to look at in these: every value can be stored.
macro_rules! harmless {
    ($($method:ident($($kind:ty)?),)+) => {
        $(fn $method(self $(, _: $kind)?) -> Result<(), Refusal> { Ok(()) })+
    };
}

impl Serializer for Walk {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Inside;
    type SerializeTuple = Inside;
    type SerializeTupleStruct = Inside;
    type SerializeTupleVariant = Inside;
    type SerializeMap = Inside;
    type SerializeStruct = Inside;
    type SerializeStructVariant = Inside;

    harmless! {
        serialize_bool(bool),
        serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64), serialize_i128(i128),
        serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64), serialize_u128(u128),
        serialize_bytes(&[u8]), serialize_none(), serialize_unit(), serialize_unit_struct(&'static str),
    }

    fn serialize_f32(self, value: f32) -> Result<(), Refusal> {
        Self::float(value.is_finite())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Refusal> {
        Self::float(value.is_finite())
    }

    fn serialize_char(self, value: char) -> Result<(), Refusal> {
        if value == '\0' { Err(Refusal::new("a NUL character")) } else { Ok(()) }
    }

    fn serialize_str(self, value: &str) -> Result<(), Refusal> {
        match value.find('\0') {
            Some(at) => Err(Refusal::new(format!("a text with a NUL character at byte {at}"))),
            None => Ok(()),
        }
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refusal> {
        value.serialize(self)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Refusal> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Refusal> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Refusal> {
        value.serialize(self.deeper()?).map_err(|refusal| refusal.inside(variant))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Inside, Refusal> {
        self.compound()
    }

    fn serialize_tuple(self, _: usize) -> Result<Inside, Refusal> {
        self.compound()
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Inside, Refusal> {
        self.compound()
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Inside, Refusal> {
        self.deeper()?.compound()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Inside, Refusal> {
        self.compound()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Inside, Refusal> {
        self.compound()
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, _: &'static str, _: usize) -> Result<Inside, Refusal> {
        self.deeper()?.compound()
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Refusal> {
        self.serialize_str(&value.to_string())
    }
}

/// The walk inside a sequence, a map or a struct.
struct Inside {
    walk: Walk,
    index: usize,
    /// The key of a map of which the value is next.
    key: String,
    /// The keys of a map so far. A map has each once, but `#[serde(flatten)]` makes one map of several; of two values
    /// under one key a store would give back one, or neither.
    keys: HashSet<String>,
}

impl Inside {
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        let index = self.index;
        self.index += 1;
        value.serialize(self.walk).map_err(|refusal| refusal.inside(&format!("[{index}]")))
    }

    fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refusal> {
        key.serialize(self.walk).map_err(|refusal| refusal.inside("a key"))?;
        // A key that is no text becomes one in JSON.
        let name = serde_json::to_string(key).unwrap_or_default().trim_matches('"').to_owned();
        if !self.keys.insert(name.clone()) {
            return Err(Refusal::new("a key that is there twice").inside(&name));
        }
        self.key = name;
        Ok(())
    }

    fn field<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), Refusal> {
        value.serialize(self.walk).map_err(|refusal| refusal.inside(name))
    }
}

macro_rules! elements {
    ($($kind:ident::$method:ident,)+) => {
        $(impl ser::$kind for Inside {
            type Ok = ();
            type Error = Refusal;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
                self.element(value)
            }

            fn end(self) -> Result<(), Refusal> {
                Ok(())
            }
        })+
    };
}

elements! {
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field,
}

macro_rules! fields {
    ($($kind:ident,)+) => {
        $(impl ser::$kind for Inside {
            type Ok = ();
            type Error = Refusal;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Refusal> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), Refusal> {
                Ok(())
            }
        })+
    };
}

fields! { SerializeStruct, SerializeStructVariant, }

impl ser::SerializeMap for Inside {
    type Ok = ();
    type Error = Refusal;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refusal> {
        self.key(key)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refusal> {
        self.field(&self.key, value)
    }

    fn end(self) -> Result<(), Refusal> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Serialize;

    use super::storable;

    #[derive(Serialize)]
    struct Order {
        lines: Vec<Line>,
        notes: BTreeMap<String, Option<String>>,
    }

    #[derive(Serialize)]
    struct Line {
        price: f64,
    }

    #[derive(Serialize)]
    enum Nest {
        Leaf,
        Branch(Box<Nest>),
    }

    #[track_caller]
    fn check<T: Serialize>(value: &T, path: &str, message: &str) {
        let refusal = storable(value, 100).expect_err("the value should be refused");
        assert_eq!(refusal.path, path);
        assert!(refusal.message.contains(message), "{}", refusal.message);
    }

    #[test]
    fn what_json_can_hold_passes() {
        let notes = BTreeMap::from([("door".to_owned(), Some("blue".to_owned())), ("bell".to_owned(), None)]);
        assert!(storable(&Order { lines: vec![Line { price: 1.5 }], notes }, 100).is_ok());
    }

    #[test]
    fn what_cannot_come_back_is_refused_with_its_path() {
        let lines = vec![Line { price: 1.0 }, Line { price: f64::NAN }];
        check(&Order { lines, notes: BTreeMap::new() }, "lines[1].price", "NaN");
        let notes = BTreeMap::from([("door".to_owned(), Some("a\0b".to_owned()))]);
        check(&Order { lines: Vec::new(), notes }, "notes.door", "NUL character at byte 1");
        check(&f32::INFINITY, ".", "infinite");
        check(&'\0', ".", "NUL");
    }

    #[test]
    fn two_values_under_one_key_are_refused() {
        #[derive(Serialize)]
        struct Flat {
            door: u8,
            #[serde(flatten)]
            more: BTreeMap<String, u8>,
        }
        let flat = |key: &str| Flat { door: 1, more: BTreeMap::from([(key.to_owned(), 2)]) };
        assert!(storable(&flat("bell"), 100).is_ok());
        check(&flat("door"), "door", "there twice");
        check(&vec![flat("door")], "[0].door", "there twice");
    }

    #[test]
    fn nesting_stops_before_the_reader_would() {
        let nest = |levels: usize| (0..levels).fold(Nest::Leaf, |inner, _| Nest::Branch(Box::new(inner)));
        assert!(storable(&nest(100), 100).is_ok());
        check(&nest(101), &vec!["Branch"; 100].join("."), "more than 100 levels");
    }
}
