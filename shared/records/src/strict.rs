//! JSON from strangers, read strictly: bounded depth, and no field twice.
//!
//! `serde_json` alone keeps the last of two equal fields, so that two readers of one request could
//! disagree about what it says.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Why a text is not acceptable JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// It does not parse.
    #[error("not JSON at line {line}, column {column}")]
    Syntax {
        /// Line of the fault, from 1.
        line: usize,
        /// Column of the fault, from 1 (0 at a line's end).
        column: usize,
    },
    /// Arrays and objects stand in one another more deeply than allowed.
    #[error("nested too deeply")]
    TooDeep,
    /// One object has the same field twice.
    #[error("the same field twice")]
    DuplicateField {
        /// The field, as a JSON Pointer (RFC 6901).
        pointer: String,
    },
}

/// Reads one JSON value of at most `depth_max` nested arrays and objects.
///
/// # Errors
/// [`JsonError`] says where and why; the text itself is not in it, save the name of a doubled field.
pub fn parse(bytes: &[u8], depth_max: usize) -> Result<Value, JsonError> {
    let fault = RefCell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let seed = Node {
        depth_left: depth_max,
        pointer: String::new(),
        fault: &fault,
    };
    let read = seed
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| {
        fault.take().unwrap_or(JsonError::Syntax {
            line: error.line(),
            column: error.column(),
        })
    })
}

/// One value on the way down, with what is left of the depth and the way that led to it.
struct Node<'a> {
    depth_left: usize,
    pointer: String,
    fault: &'a RefCell<Option<JsonError>>,
}

impl Node<'_> {
    fn below<E: Error>(&self, step: &str) -> Result<Node<'_>, E> {
        let pointer = format!(
            "{}/{}",
            self.pointer,
            step.replace('~', "~0").replace('/', "~1")
        );
        Ok(Node {
            depth_left: self.inside()?,
            pointer,
            fault: self.fault,
        })
    }

    /// The depth left inside this array or object.
    fn inside<E: Error>(&self) -> Result<usize, E> {
        self.depth_left.checked_sub(1).ok_or_else(|| {
            self.fault.replace(Some(JsonError::TooDeep));
            E::custom("nested too deeply")
        })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        self.inside::<A::Error>()?;
        while let Some(item) = access.next_element_seed(self.below(&items.len().to_string())?)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        self.inside::<A::Error>()?;
        while let Some(name) = access.next_key::<String>()? {
            let below = self.below(&name)?;
            if fields.contains_key(&name) {
                self.fault.replace(Some(JsonError::DuplicateField {
                    pointer: below.pointer,
                }));
                return Err(A::Error::custom("the same field twice"));
            }
            let value = access.next_value_seed(below)?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const DEPTH_MAX: usize = 3;

    fn check(text: &str, expected: Result<Value, JsonError>) {
        assert_eq!(parse(text.as_bytes(), DEPTH_MAX), expected, "{text}");
    }

    #[test]
    fn ordinary_json_is_read_as_it_stands() {
        check(
            r#"{"a":[1,-2,0.5,"x",null,true]}"#,
            Ok(json!({"a": [1, -2, 0.5, "x", null, true]})),
        );
        check("7", Ok(json!(7)));
        check("[[[1]]]", Ok(json!([[[1]]])));
        check("{}", Ok(json!({})));
    }

    #[test]
    fn a_field_that_stands_twice_is_refused_with_its_pointer() {
        let twice = |pointer: &str| {
            Err(JsonError::DuplicateField {
                pointer: pointer.to_owned(),
            })
        };
        check(r#"{"a":1,"a":1}"#, twice("/a"));
        check(r#"{"a":1,"\u0061":1}"#, twice("/a"));
        check(r#"{"x":[{"a/b":1,"a/b":2}]}"#, twice("/x/0/a~1b"));
    }

    #[test]
    fn nesting_beyond_the_limit_is_refused() {
        check("[[[[1]]]]", Err(JsonError::TooDeep));
        check(r#"{"a":{"b":{"c":{}}}}"#, Err(JsonError::TooDeep));
        let bomb = "[".repeat(1_000_000);
        assert_eq!(parse(bomb.as_bytes(), DEPTH_MAX), Err(JsonError::TooDeep));
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        check("", Err(JsonError::Syntax { line: 1, column: 0 }));
        check("{\"a\":1} x", Err(JsonError::Syntax { line: 1, column: 9 }));
        check(
            "{\"a\":\n1e999}",
            Err(JsonError::Syntax { line: 2, column: 5 }),
        );
        assert!(parse(b"\"\xff\"", DEPTH_MAX).is_err());
    }
}
