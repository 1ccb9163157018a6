//! Which files of a folder are sent, by patterns of their paths.

use std::collections::HashSet;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use console::folder::FolderEntry;
use console::outcome::{Failure, Result};
use console::terminal::escaped;

/// What `--include` and `--exclude` say.
pub struct Selection {
    /// None if all are.
    included: Option<Patterns>,
    excluded: Patterns,
}

/// Patterns of one option.
struct Patterns {
    option: &'static str,
    /// As they were given.
    given: Vec<String>,
    /// Each of them, and what lies in a folder that it names.
    set: GlobSet,
}

impl Selection {
    /// Reads the patterns.
    ///
    /// # Errors
    /// One that is none.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self> {
        Ok(Self {
            included: match include {
                [] => None,
                patterns => Some(Patterns::new("--include", patterns)?),
            },
            excluded: Patterns::new("--exclude", exclude)?,
        })
    }

    /// Those that are selected, and those that are not.
    pub fn split(&self, entries: Vec<FolderEntry>) -> (Vec<FolderEntry>, Vec<FolderEntry>) {
        let selects = |entry: &FolderEntry| self.selects(&entry.name);
        entries.into_iter().partition(selects)
    }

    /// Patterns that no file is like, with their option: a mistake in one sends what should stay.
    pub fn unused(&self, entries: &[FolderEntry]) -> Vec<String> {
        let all = self.included.iter().chain([&self.excluded]);
        all.flat_map(|patterns| patterns.unused(entries)).collect()
    }

    fn selects(&self, path: &str) -> bool {
        let included = self.included.as_ref();
        let is_included = included.is_none_or(|included| included.set.is_match(path));
        is_included && !self.excluded.set.is_match(path)
    }
}

impl Patterns {
    fn new(option: &'static str, given: &[String]) -> Result<Self> {
        let wrong = |pattern: &str, error: &globset::Error| {
            Failure::usage(
                format_args!("{option} {}: {}", escaped(pattern), error.kind()),
                "give a pattern such as '*.jpg', site-a, 'site-a/*.png' or 'IMG_[0-9]*'",
            )
        };
        let mut set = GlobSetBuilder::new();
        for pattern in given {
            let text = of_paths(pattern);
            for text in [format!("{text}/**"), text] {
                let mut glob = GlobBuilder::new(&text);
                let glob = glob.literal_separator(true).case_insensitive(true).build();
                set.add(glob.map_err(|error| wrong(pattern, &error))?);
            }
        }
        let built = set.build();
        Ok(Self {
            option,
            given: given.to_vec(),
            set: built.map_err(|error| wrong(&given.join(" "), &error))?,
        })
    }

    fn unused(&self, entries: &[FolderEntry]) -> Vec<String> {
        let used = entries.iter().flat_map(|it| self.set.matches(&it.name));
        let used: HashSet<usize> = used.map(|glob| glob / 2).collect(); // two of each
        let given = self.given.iter().enumerate();
        let unused = given.filter(|(place, _)| !used.contains(place));
        let told = unused.map(|(_, pattern)| format!("{} {pattern}", self.option));
        told.collect()
    }
}

/// A pattern as one of whole paths below the folder: without `/` it is of names at any level.
fn of_paths(pattern: &str) -> String {
    let pattern = match cfg!(windows) {
        true => pattern.replace('\\', "/"),
        false => pattern.to_owned(),
    };
    let is_of_paths = pattern.trim_end_matches('/').contains('/');
    let bare = pattern.trim_end_matches('/');
    let bare = bare.trim_start_matches("./").trim_start_matches('/');
    match is_of_paths {
        true => bare.to_owned(),
        false => format!("**/{bare}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selected<'a>(include: &[&str], exclude: &[&str], paths: &[&'a str]) -> Vec<&'a str> {
        let owned = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let Ok(selection) = Selection::new(&owned(include), &owned(exclude)) else {
            panic!("patterns");
        };
        let paths = paths.iter().copied();
        paths.filter(|path| selection.selects(path)).collect()
    }

    const PATHS: [&str; 5] = [
        "a.jpg",
        "a.png",
        "site-a/b.jpg",
        "site-a/thumbs/b.jpg",
        "site-b/c d.JPG",
    ];

    #[test]
    fn a_pattern_without_a_slash_is_of_names_and_one_with_it_of_paths() {
        assert_eq!(selected(&[], &[], &PATHS), PATHS);
        let jpg = selected(&["*.jpg"], &[], &PATHS);
        assert_eq!(
            jpg,
            [
                "a.jpg",
                "site-a/b.jpg",
                "site-a/thumbs/b.jpg",
                "site-b/c d.JPG"
            ]
        );
        let site = selected(&["site-a/*.jpg"], &[], &PATHS);
        assert_eq!(site, ["site-a/b.jpg"]);
        let site = selected(&["./site-a/**"], &["site-a/thumbs/"], &PATHS);
        assert_eq!(site, ["site-a/b.jpg"]);
        for thumbs in [
            "thumbs",
            "thumbs/",
            "**/thumbs",
            "*thumbs*",
            "site-?/thumbs/b.jpg",
        ] {
            let others = selected(&[], &[thumbs], &PATHS);
            assert_eq!(others, [PATHS[0], PATHS[1], PATHS[2], PATHS[4]], "{thumbs}");
        }
        let none = [""; 0];
        assert_eq!(
            selected(&["*"], &["*"], &PATHS),
            none,
            "what is excluded is not sent"
        );
    }

    #[test]
    fn a_pattern_that_no_file_is_like_is_told() {
        let owned = |texts: &[&str]| texts.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let (include, exclude) = (owned(&["*.jpg", "*.gif"]), owned(&["thumb", "a.*"]));
        let Ok(selection) = Selection::new(&include, &exclude) else {
            panic!("patterns");
        };
        let entries = PATHS.map(|path| FolderEntry {
            path: path.into(),
            name: path.to_owned(),
            refused: None,
        });
        assert_eq!(
            selection.unused(&entries),
            ["--include *.gif", "--exclude thumb"]
        );
    }

    #[test]
    fn what_is_no_pattern_is_refused_and_named() {
        for wrong in ["[a", "{a,b", "a**b/["] {
            let Err(failure) = Selection::new(&[], &[wrong.to_owned()]) else {
                panic!("{wrong} is a pattern");
            };
            let said = format!("{:#}", failure.cause);
            assert!(said.contains("--exclude"), "{said}");
        }
    }
}
