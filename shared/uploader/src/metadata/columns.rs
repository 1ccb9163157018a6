//! Which column of a table means what.

use std::collections::BTreeMap;

use console::outcome::{Failure, Result};
use console::terminal::escaped;

/// What is known about a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Field {
    /// Its path below the folder.
    Path,
    /// Where the ad was seen.
    SourceUrl,
    /// The ad's id there.
    AdId,
    /// When.
    SeenAt,
    /// The place that it names.
    Place,
}

impl Field {
    const ALL: [Self; 5] = [
        Self::Path,
        Self::SourceUrl,
        Self::AdId,
        Self::SeenAt,
        Self::Place,
    ];

    /// Its own name.
    pub(super) fn name(self) -> &'static str {
        self.names()[0]
    }

    /// Its own name, then what scrapers call it, best first.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Path => &[
                "path",
                "image_path",
                "file_path",
                "filepath",
                "filename",
                "file_name",
                "file",
                "image_file",
                "image",
                "photo",
                "picture",
                "local_path",
            ],
            Self::SourceUrl => &[
                "source_url",
                "url",
                "ad_url",
                "page_url",
                "post_url",
                "listing_url",
                "link",
                "source",
                "href",
            ],
            Self::AdId => &["ad_id", "adid", "post_id", "listing_id", "item_id", "id"],
            Self::SeenAt => &[
                "seen_at",
                "scraped_at",
                "crawled_at",
                "collected_at",
                "posted_at",
                "timestamp",
                "datetime",
                "date_time",
                "date",
                "time",
                "created_at",
            ],
            Self::Place => &["place", "city", "location", "town", "region", "area"],
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// The columns that are used, by what they mean, and the others.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// The name of the column of each field.
    pub(super) used: BTreeMap<Field, String>,
    /// Columns that mean nothing here.
    pub(super) passed_over: Vec<String>,
}

impl Columns {
    /// By `--map field=column` first, then by the field's own name, then by what scrapers call it.
    ///
    /// # Errors
    /// A mapping of no field or to no column, and a table without a path.
    pub(super) fn of(header: &[String], map: &[(String, String)]) -> Result<Self> {
        let mut used = BTreeMap::new();
        for (field, column) in map {
            let of_field = Field::of_name(field).ok_or_else(|| no_field(field))?;
            if !header.contains(column) {
                return Err(no_column(column, header));
            }
            used.insert(of_field, column.clone());
        }
        for field in Field::ALL {
            let is_free = |column: &&String| !used.values().any(|taken| taken == *column);
            let named = |name: &&str| {
                let mut free = header.iter().filter(is_free);
                free.find(|column| plain(column) == **name).cloned()
            };
            let found = field.names().iter().find_map(named);
            if let (false, Some(column)) = (used.contains_key(&field), found) {
                used.insert(field, column);
            }
        }
        if !used.contains_key(&Field::Path) {
            let shown = listed(header);
            return Err(Failure::input(
                format_args!(
                    "no column of the metadata file is the pictures' path: it has {shown}"
                ),
                "name it, e.g. --map path=COLUMN",
            ));
        }
        let is_used = |column: &&String| used.values().any(|taken| taken == *column);
        let passed_over = header.iter().filter(|column| !is_used(column));
        Ok(Self {
            passed_over: passed_over.cloned().collect(),
            used,
        })
    }

    /// What a person should know of it: columns that were guessed, and what is not used. Nothing if all have
    /// their own names.
    pub(super) fn told(&self) -> Option<String> {
        let guessed = self
            .used
            .iter()
            .filter(|(field, column)| *column != field.name());
        let guessed: Vec<String> = guessed
            .map(|(field, column)| format!("{} from {}", field.name(), escaped(column)))
            .collect();
        let mut parts = Vec::new();
        if !guessed.is_empty() {
            parts.push(guessed.join(", "));
        }
        if !self.passed_over.is_empty() {
            parts.push(format!("not used: {}", listed(&self.passed_over)));
        }
        (!parts.is_empty()).then(|| format!("metadata: {}", parts.join("; ")))
    }
}

/// `field=column` of `--map`, several with commas.
///
/// # Errors
/// The part that is none.
pub fn mapping(text: &str) -> std::result::Result<Vec<(String, String)>, String> {
    let pair = |part: &str| {
        let (field, column) = part.split_once('=').ok_or(())?;
        let (field, column) = (field.trim(), column.trim());
        let is_whole = !field.is_empty() && !column.is_empty();
        is_whole
            .then(|| (field.to_owned(), column.to_owned()))
            .ok_or(())
    };
    let pairs = text.split(',').map(|part| pair(part).map_err(|()| part));
    pairs
        .collect::<std::result::Result<_, _>>()
        .map_err(|part| format!("{part:?} is not field=column, e.g. path=image_path"))
}

/// A column's name as names are compared: `Ad ID` is `ad_id`.
fn plain(column: &str) -> String {
    let words = column.split(|it: char| !it.is_alphanumeric());
    let words: Vec<String> = words
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    words.join("_")
}

fn listed(columns: &[String]) -> String {
    let shown: Vec<String> = columns.iter().map(|column| escaped(column)).collect();
    shown.join(", ")
}

fn no_field(name: &str) -> Failure {
    Failure::usage(
        format_args!("--map {}: there is no such field", escaped(name)),
        "the fields are path, source_url, ad_id, seen_at and place",
    )
}

fn no_column(name: &str, header: &[String]) -> Failure {
    let shown = escaped(name);
    Failure::input(
        format_args!("the metadata file has no column {shown}"),
        format!("its columns are {}", listed(header)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(header: &str, map: &str) -> std::result::Result<Option<String>, String> {
        let header: Vec<String> = header.split(';').map(str::to_owned).collect();
        let map = match map {
            "" => Vec::new(),
            map => mapping(map)?,
        };
        let columns = Columns::of(&header, &map).map_err(|failure| failure.cause.to_string())?;
        Ok(columns.told())
    }

    #[test]
    fn columns_by_their_own_names_are_not_worth_a_word() {
        assert_eq!(columns("path;place;seen_at", ""), Ok(None));
    }

    #[test]
    fn names_of_scrapers_are_guessed_and_told() {
        let told = "metadata: path from image_path, source_url from URL, ad_id from Ad ID, seen_at from Scraped At, \
                    place from City; not used: phone, price";
        let header = "image_path;URL;Ad ID;Scraped At;City;phone;price";
        assert_eq!(columns(header, ""), Ok(Some(told.to_owned())));
    }

    #[test]
    fn its_own_name_comes_before_a_guess_and_a_mapping_before_both() {
        let told = |header, map| columns(header, map).unwrap().unwrap();
        assert_eq!(told("file;path", ""), "metadata: not used: file");
        assert_eq!(
            told("file;path", "path=file"),
            "metadata: path from file; not used: path"
        );
    }

    #[test]
    fn a_table_without_a_path_and_a_wrong_mapping_are_named() {
        assert_eq!(
            columns("title;price", ""),
            Err(
                "no column of the metadata file is the pictures' path: it has title, price"
                    .to_owned()
            )
        );
        assert_eq!(
            columns("path", "url=path"),
            Err("--map url: there is no such field".to_owned())
        );
        assert_eq!(
            columns("path", "place=City"),
            Err("the metadata file has no column City".to_owned())
        );
        assert!(columns("path", "place").is_err());
    }
}
