//! What the uploader knows about the pictures: a table of paths, read before anything is sent.

use std::collections::BTreeMap;
use std::path::Path;

use records::{AdMetadata, Label, Malformed, SourceUrl, Timestamp, strict};
use serde_json::Value;

use console::folder;
use console::outcome::{Failure, Result};
use console::terminal::escaped;

const COLUMNS: [&str; 5] = ["path", "source_url", "ad_id", "seen_at", "place"];

/// S3 keeps 2,048 bytes of names and values with an object, 44 of which are ours when it is driven
/// again.
const METADATA_BYTES_MAX: usize = 2_000;

/// Rows by path.
#[derive(Default)]
pub struct Metadata(BTreeMap<String, MetadataRow>);

struct MetadataRow {
    line: u64,
    metadata: AdMetadata,
}

impl Metadata {
    /// Reads a `.csv` or `.jsonl` file.
    ///
    /// # Errors
    /// A file or row that cannot be used, named by its line: nothing is sent with half of what the
    /// uploader meant to say.
    pub fn read(file: &Path) -> Result<Self> {
        let extension = file.extension().and_then(|text| text.to_str());
        let text = std::fs::read_to_string(file).map_err(|error| {
            let shown = escaped(&folder::text(file.as_os_str()));
            Failure::input(format_args!("the metadata file {shown}: {error}"), HINT)
        })?;
        let text = text.trim_start_matches('\u{feff}');
        match extension {
            Some("csv") => Self::of_csv(text),
            Some("jsonl" | "ndjson") => Self::of_json_lines(text),
            _ => Err(Failure::usage(
                "the metadata file is neither .csv nor .jsonl",
                HINT,
            )),
        }
    }

    /// What is known of a picture; nothing if the table does not name it.
    pub fn of(&self, path: &str) -> AdMetadata {
        self.0
            .get(path)
            .map(|row| row.metadata.clone())
            .unwrap_or_default()
    }

    /// Lines that name none of these pictures.
    pub fn unused(&self, is_known: impl Fn(&str) -> bool) -> Vec<u64> {
        let unused = self.0.iter().filter(|(path, _)| !is_known(path));
        unused.map(|(_, row)| row.line).collect()
    }

    fn of_csv(text: &str) -> Result<Self> {
        let mut reader = csv::ReaderBuilder::new().from_reader(text.as_bytes());
        let headers = reader
            .headers()
            .map_err(|error| broken_csv(&error))?
            .clone();
        let columns: Vec<&str> = headers.iter().map(str::trim).collect();
        if let Some(unknown) = columns.iter().find(|column| !COLUMNS.contains(column)) {
            let shown = escaped(unknown);
            return Err(Failure::input(
                format_args!("metadata column {shown} is not known"),
                HINT,
            ));
        }
        let mut rows = Self::default();
        for record in reader.records() {
            let record = record.map_err(|error| broken_csv(&error))?;
            let line = record.position().map_or(0, csv::Position::line);
            let fields = columns.iter().copied().zip(&record);
            rows.add(line, fields)?;
        }
        Ok(rows)
    }

    fn of_json_lines(text: &str) -> Result<Self> {
        let mut rows = Self::default();
        for (line, text) in (1..).zip(text.lines()) {
            if text.trim().is_empty() {
                continue;
            }
            let Ok(Value::Object(fields)) = strict::parse(text.as_bytes(), 1) else {
                return Err(at_line(line, "it is not one JSON object"));
            };
            let mut texts = Vec::new();
            for (name, value) in &fields {
                match value {
                    _ if !COLUMNS.contains(&name.as_str()) => {
                        return Err(at_line(line, "it has a field that is not known"));
                    }
                    Value::String(text) => texts.push((name.as_str(), text.as_str())),
                    Value::Null => {}
                    _ => return Err(at_line(line, "a value is not a text")),
                }
            }
            rows.add(line, texts)?;
        }
        Ok(rows)
    }

    fn add<'a>(
        &mut self,
        line: u64,
        fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<()> {
        let (mut path, mut metadata) = (None, AdMetadata::default());
        for (name, text) in fields {
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            if name == "path" {
                path = Some(text.trim_start_matches("./").to_owned());
                continue;
            }
            set(&mut metadata, name, text)
                .map_err(|malformed| at_line(line, format_args!("{name}: {}", malformed.rule)))?;
        }
        let path = path.ok_or_else(|| at_line(line, "it has no path"))?;
        if bytes_of(&metadata) > METADATA_BYTES_MAX {
            return Err(at_line(
                line,
                "its values have more than 2,000 bytes together",
            ));
        }
        match self.0.insert(path, MetadataRow { line, metadata }) {
            None => Ok(()),
            Some(before) => Err(at_line(
                line,
                format_args!("line {} names this path too", before.line),
            )),
        }
    }
}

fn set(metadata: &mut AdMetadata, name: &str, text: &str) -> std::result::Result<(), Malformed> {
    match name {
        "source_url" => metadata.source_url = Some(SourceUrl::parse(text)?),
        "ad_id" => metadata.ad_id = Some(Label::parse(text)?),
        "seen_at" => metadata.seen_at = Some(Timestamp::parse(text)?),
        _ => metadata.place = Some(Label::parse(text)?),
    }
    Ok(())
}

/// Metadata as an object's user metadata: every name, be its value empty.
pub fn pairs(metadata: &AdMetadata) -> [(&'static str, String); 4] {
    let text = |value: Option<String>| value.unwrap_or_default();
    [
        (
            "source-url",
            text(metadata.source_url.as_ref().map(ToString::to_string)),
        ),
        (
            "ad-id",
            text(metadata.ad_id.as_ref().map(ToString::to_string)),
        ),
        (
            "seen-at",
            text(metadata.seen_at.map(|time| time.to_string())),
        ),
        (
            "place",
            text(metadata.place.as_ref().map(ToString::to_string)),
        ),
    ]
}

fn bytes_of(metadata: &AdMetadata) -> usize {
    pairs(metadata)
        .iter()
        .map(|(name, text)| name.len() + text.len())
        .sum()
}

fn broken_csv(error: &csv::Error) -> Failure {
    let line = error.position().map_or(0, csv::Position::line);
    at_line(
        line,
        "it does not have the columns of the first line, or is not UTF-8",
    )
}

fn at_line(line: u64, what: impl std::fmt::Display) -> Failure {
    Failure::input(format_args!("metadata line {line}: {what}"), HINT)
}

const HINT: &str = "the columns are path (relative to the folder), source_url, ad_id, seen_at \
    (2026-11-24T10:00:00Z) and place; all but path may be empty or left out";

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(read: Result<Metadata>) -> String {
        match read {
            Ok(metadata) => format!("{} rows", metadata.0.len()),
            Err(failure) => failure.cause.to_string(),
        }
    }

    #[test]
    fn tables_of_both_kinds_are_read_strictly() {
        let check = |text: &str, expected: &str| {
            assert_eq!(outcome(Metadata::of_csv(text)), expected, "{text}");
        };
        check("path,place\na.jpg,Köln\nb.jpg,\n", "2 rows");
        check(
            "path,city\na.jpg,Köln\n",
            "metadata column city is not known",
        );
        check(
            "path,seen_at\na,yesterday\n",
            "metadata line 2: seen_at: it is not an RFC 3339 time with an offset",
        );
        check("place\nKöln\n", "metadata line 2: it has no path");
        check(
            "path\na\n./a\n",
            "metadata line 3: line 2 names this path too",
        );
        check(
            "path,place\na\n",
            "metadata line 2: it does not have the columns of the first line, or is not UTF-8",
        );
        let check = |text: &str, expected: &str| {
            assert_eq!(outcome(Metadata::of_json_lines(text)), expected, "{text}");
        };
        check(
            "{\"path\":\"a\",\"place\":null}\n\n{\"path\":\"b\"}\n",
            "2 rows",
        );
        check(
            "{\"path\":\"a\",\"path\":\"b\"}",
            "metadata line 1: it is not one JSON object",
        );
        check(
            "{\"path\":\"a\",\"city\":\"x\"}",
            "metadata line 1: it has a field that is not known",
        );
        check("{\"path\":7}", "metadata line 1: a value is not a text");
        let long = format!(
            "{{\"path\":\"a\",\"source_url\":\"https://x/{}\"}}",
            "y".repeat(2_000)
        );
        check(
            &long,
            "metadata line 1: its values have more than 2,000 bytes together",
        );
    }

    #[test]
    fn a_row_that_names_no_picture_is_told_by_its_line() {
        let metadata = Metadata::of_csv("path,place\na.jpg,x\nb.jpg,y\n");
        let Ok(metadata) = metadata else {
            panic!("two rows")
        };
        assert_eq!(metadata.unused(|path| path == "a.jpg"), [3]);
        assert!(metadata.of("a.jpg").place.is_some());
        assert_eq!(metadata.of("c.jpg"), AdMetadata::default());
    }
}
