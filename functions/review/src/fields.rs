//! The fields of a request, each read once into a type that cannot be wrong.
//!
//! A query, a JSON body and a form are the same thing here: names with values, of which none may
//! be left over. A value is never repeated in the refusal.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::str::FromStr;

use records::Malformed;
use serde_json::Value;

use crate::problem::{Place, Problem, ProblemKind};

/// A name longer than this is cut where a refusal names it.
pub(crate) const NAME_CHARS_MAX: usize = 64;

/// Where the fields came from: it decides how a refusal points at one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The query of the address.
    Query,
    /// A JSON object.
    Body,
    /// The text parts of a form.
    Form,
}

/// Names with values that were not read yet.
#[derive(Debug)]
pub(crate) struct Fields {
    source: Source,
    values: BTreeMap<String, Value>,
}

impl Fields {
    /// The fields of a JSON object.
    pub(crate) fn of_body(body: Value) -> Result<Self, Problem> {
        match body {
            Value::Object(fields) => Ok(Self {
                source: Source::Body,
                values: fields.into_iter().collect(),
            }),
            _ => Err(Problem::new(
                ProblemKind::InvalidField,
                "the body is not a JSON object; send one",
            )
            .at(Place::Pointer("#".to_owned()))),
        }
    }

    /// Fields whose values are all texts.
    pub(crate) fn of_texts(
        source: Source,
        texts: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, Problem> {
        let mut fields = Self {
            source,
            values: BTreeMap::new(),
        };
        for (name, text) in texts {
            if fields.values.contains_key(&name) {
                return Err(Problem::new(
                    ProblemKind::Malformed,
                    "this field came twice; send it once",
                )
                .at(fields.place(&name)));
            }
            fields.values.insert(name, Value::String(text));
        }
        Ok(fields)
    }

    /// A value that its own type reads.
    pub(crate) fn parsed<T: FromStr<Err = Malformed>>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, Problem> {
        match self.any_text(name)?.map(|text| text.parse()) {
            None => Ok(None),
            Some(Ok(value)) => Ok(Some(value)),
            Some(Err(Malformed { rule, .. })) => Err(self.invalid(name, rule)),
        }
    }

    /// As [`Fields::parsed`], for a field that must be there.
    pub(crate) fn required<T: FromStr<Err = Malformed>>(
        &mut self,
        name: &str,
    ) -> Result<T, Problem> {
        self.parsed(name)?.ok_or_else(|| self.missing(name))
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        name: &str,
        words: &[(&str, T)],
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.any_text(name)? else {
            return Ok(None);
        };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                Err(self.invalid(name, format!("it is none of {}", known.join(", "))))
            }
        }
    }

    /// Some of a few words, each once and one at least, in a JSON array.
    pub(crate) fn choices<T: Copy + PartialEq>(
        &mut self,
        name: &str,
        words: &[(&str, T)],
    ) -> Result<Option<Vec<T>>, Problem> {
        let items = match self.values.remove(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Array(items)) => items,
            Some(_) => return Err(self.invalid(name, "it is not an array")),
        };
        let mut chosen: Vec<T> = Vec::new();
        for item in items {
            let known = words.iter().find(|(word, _)| item.as_str() == Some(word));
            match known {
                Some((_, meaning)) if !chosen.contains(meaning) => chosen.push(*meaning),
                Some(_) => return Err(self.invalid(name, "it has a word twice")),
                None => {
                    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                    let rule = format!("it has a word that is none of {}", known.join(", "));
                    return Err(self.invalid(name, rule));
                }
            }
        }
        match chosen.is_empty() {
            true => Err(self.invalid(name, "it is empty")),
            false => Ok(Some(chosen)),
        }
    }

    /// A whole number within `range`, as a JSON number (`430.0` is one, as JSON Schema has it) or, in a
    /// query or form, as digits.
    pub(crate) fn whole(
        &mut self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, Problem> {
        let number = match self.values.remove(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::Number(number)) => {
                let text = number.to_string(); // 4.3e2 is 430.0
                text.strip_suffix(".0").unwrap_or(&text).parse().ok()
            }
            Some(Value::String(text)) if self.source != Source::Body => text.parse().ok(),
            Some(_) => None,
        };
        number
            .filter(|number| range.contains(number))
            .map(Some)
            .ok_or_else(|| {
                let (low, high) = (range.start(), range.end());
                self.invalid(
                    name,
                    format!("it is not a whole number from {low} to {high}"),
                )
            })
    }

    /// A truth value; `None` where it did not come.
    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        match self.values.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.invalid(name, "it is not true or false")),
        }
    }

    /// Checks that every field has been read: an unknown one is a mistake worth telling.
    pub(crate) fn finish(self) -> Result<(), Problem> {
        match self.values.keys().next() {
            None => Ok(()),
            Some(name) => Err(self
                .refusal("no such field here; the list is in /v1/openapi.json")
                .at(self.place(name))),
        }
    }

    /// The refusal of a field that must be there.
    pub(crate) fn missing(&self, name: &str) -> Problem {
        self.refusal("this field is missing; send it, as /v1/openapi.json says")
            .at(self.place(name))
    }

    /// The refusal of a field's value by the rule that it breaks, without the value.
    pub(crate) fn invalid(&self, name: &str, rule: impl std::fmt::Display) -> Problem {
        self.refusal(format!("this value is not valid: {rule}; correct it"))
            .at(self.place(name))
    }

    pub(crate) fn any_text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        match self.values.remove(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.invalid(name, "it is not a text")),
        }
    }

    /// The text of a field that is read later; empty if it did not come.
    pub(crate) fn peek(&self, name: &str) -> String {
        let text = self.values.get(name).and_then(Value::as_str);
        text.unwrap_or_default().to_owned()
    }

    /// Puts a field in place of what came.
    pub(crate) fn put(&mut self, name: &str, text: String) {
        self.values.insert(name.to_owned(), Value::String(text));
    }

    fn refusal(&self, detail: impl Into<std::borrow::Cow<'static, str>>) -> Problem {
        let kind = match self.source {
            Source::Query => ProblemKind::Malformed,
            Source::Body | Source::Form => ProblemKind::InvalidField,
        };
        Problem::new(kind, detail)
    }

    fn place(&self, name: &str) -> Place {
        let short: String = name.chars().take(NAME_CHARS_MAX).collect();
        match self.source {
            Source::Query => Place::Parameter(short),
            Source::Form => Place::Part(short),
            Source::Body => {
                Place::Pointer(format!("#/{}", short.replace('~', "~0").replace('/', "~1")))
            }
        }
    }
}
