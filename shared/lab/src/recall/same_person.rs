//! Which photos show the same person, as a person who looked at them has said: pairs of them are no
//! copies, and are counted apart from those of different photos.

use std::collections::{HashMap, HashSet};

/// Photos by person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SamePerson {
    /// The number of the person that a photo shows.
    person_of: HashMap<String, usize>,
}

/// Why a list of photos by person cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SamePersonError {
    /// A line names fewer than two photos.
    #[error("line {0} names fewer than two photos")]
    Alone(usize),
    /// A photo stands there twice.
    #[error("line {0} names a photo that the list already has: {1}")]
    Twice(usize, String),
}

impl SamePerson {
    /// One person a line: the names of the photos, as the folder has them, parted by commas. Empty
    /// lines and those that start with `#` say nothing.
    ///
    /// # Errors
    /// The first line that cannot be used.
    pub fn parse(text: &str) -> Result<Self, SamePersonError> {
        let mut known = Self::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let names: Vec<&str> = line.split(',').map(str::trim).collect();
            let named = names.iter().filter(|name| !name.is_empty()).count();
            if named < 2 || named < names.len() {
                return Err(SamePersonError::Alone(number));
            }
            for name in names {
                if known.person_of.insert(name.to_owned(), number).is_some() {
                    return Err(SamePersonError::Twice(number, name.to_owned()));
                }
            }
        }
        Ok(known)
    }

    /// Whether two different photos are said to show one person.
    pub fn are_one(&self, a: &str, b: &str) -> bool {
        let person = self.person_of.get(a);
        a != b && person.is_some() && person == self.person_of.get(b)
    }

    /// A photo of the list that is none of these, the first by name.
    pub fn unknown<'a>(&'a self, photos: &HashSet<&str>) -> Option<&'a str> {
        let names = self.person_of.keys().map(String::as_str);
        names.filter(|name| !photos.contains(name)).min()
    }

    /// Photos in the list.
    pub fn len(&self) -> usize {
        self.person_of.len()
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.person_of.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_person() {
        let list = "# by eye\n\na.jpg, b c.jpg\n d.jpg,e.jpg , f.jpg\r\n";
        let said = SamePerson::parse(list).expect("a list");
        assert!(said.are_one("b c.jpg", "a.jpg") && said.are_one("d.jpg", "f.jpg"));
        assert!(!said.are_one("a.jpg", "d.jpg") && !said.are_one("x", "y"));
        assert!(!said.are_one("a.jpg", "a.jpg"), "a photo is its own copy");
        assert_eq!(said.len(), 5);
        let photos = ["a.jpg", "b c.jpg", "d.jpg", "f.jpg"].into();
        assert_eq!(said.unknown(&photos), Some("e.jpg"));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_by_its_line() {
        for (list, fault) in [
            ("a.jpg", SamePersonError::Alone(1)),
            ("a,b\nc,", SamePersonError::Alone(2)),
            (",,", SamePersonError::Alone(1)),
            ("a,b\nc,a", SamePersonError::Twice(2, "a".to_owned())),
            ("a,a", SamePersonError::Twice(1, "a".to_owned())),
        ] {
            assert_eq!(SamePerson::parse(list), Err(fault), "{list}");
        }
        assert!(SamePerson::parse("").expect("nothing").is_empty());
    }
}
