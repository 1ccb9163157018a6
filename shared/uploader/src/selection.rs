//! Which files of a folder are sent, by patterns of their paths.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use console::folder::FolderEntry;
use console::outcome::{Failure, Result};
use console::terminal::escaped;

/// What `--include` and `--exclude` say.
pub struct Selection {
    /// None if all are.
    included: Option<GlobSet>,
    excluded: GlobSet,
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
                patterns => Some(set("--include", patterns)?),
            },
            excluded: set("--exclude", exclude)?,
        })
    }

    /// Those that are selected.
    pub fn of(&self, mut entries: Vec<FolderEntry>) -> Vec<FolderEntry> {
        entries.retain(|entry| self.selects(&entry.name));
        entries
    }

    fn selects(&self, path: &str) -> bool {
        let is_included = self.included.as_ref().is_none_or(|set| set.is_match(path));
        is_included && !self.excluded.is_match(path)
    }
}

fn set(option: &str, patterns: &[String]) -> Result<GlobSet> {
    let wrong = |pattern: &str, error: &globset::Error| {
        Failure::usage(
            format_args!("{option} {}: {}", escaped(pattern), error.kind()),
            "give a pattern such as '*.jpg', 'site-a/**' or 'IMG_[0-9]*'",
        )
    };
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let text = match pattern.contains('/') {
            true => pattern.trim_start_matches('/').to_owned(),
            false => format!("**/{pattern}"), // of names at any level, as .gitignore has it
        };
        let glob = GlobBuilder::new(&text).literal_separator(true).build();
        set.add(glob.map_err(|error| wrong(pattern, &error))?);
    }
    let built = set.build();
    built.map_err(|error| wrong(&patterns.join(" "), &error))
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
        assert_eq!(jpg, ["a.jpg", "site-a/b.jpg", "site-a/thumbs/b.jpg"]);
        let site = selected(&["site-a/*.jpg"], &[], &PATHS);
        assert_eq!(site, ["site-a/b.jpg"]);
        let sites = selected(
            &["/site-a/**", "*.{JPG,png}"],
            &["thumbs/*", "**/thumbs/**"],
            &PATHS,
        );
        assert_eq!(sites, ["a.png", "site-a/b.jpg", "site-b/c d.JPG"]);
        assert_eq!(
            selected(&["*"], &["*"], &PATHS),
            [""; 0],
            "what is excluded is not sent"
        );
    }

    #[test]
    fn what_is_no_pattern_is_refused_and_named() {
        for wrong in ["[a", "{a,b", "a**b/[", "\\"] {
            let Err(failure) = Selection::new(&[], &[wrong.to_owned()]) else {
                panic!("{wrong} is a pattern");
            };
            let said = format!("{:#}", failure.cause);
            assert!(said.contains("--exclude"), "{said}");
        }
    }
}
