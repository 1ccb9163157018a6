//! What the uploader knows about the pictures: a table of paths, read before anything is sent.

mod columns;
mod text;
mod times;

use std::collections::BTreeMap;
use std::path::Path;

use csv::StringRecord;
use records::{AdMetadata, Label, SourceUrl, strict};
use serde_json::Value;

use console::folder;
use console::outcome::{Failure, Result};
use console::terminal::{escaped, print};

use columns::{Columns, Field};

pub use columns::mapping;
pub use times::{DateOrder, TimeRules};

/// S3 keeps 2,048 bytes of names and values with an object, 44 of which are ours when it is driven
/// again.
const METADATA_BYTES_MAX: usize = 2_000;

/// Kinds of faults that are named; each with the first rows that have it.
const FAULTS_NAMED_MAX: usize = 20;
const ROWS_NAMED_MAX: usize = 5;

/// Characters of a value that a fault shows.
const SHOWN_MAX: usize = 40;

/// Objects within objects of a JSON line: a scraper's own fields may be nested.
const NESTING_MAX: usize = 16;

/// How a table is read.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// Which columns mean what, where their names do not say it: field and column.
    pub map: Vec<(String, String)>,
    /// How it is encoded; none: UTF-8, or as its byte order mark says.
    pub encoding: Option<String>,
    /// How its times are read.
    pub times: TimeRules,
}

/// Rows by path.
#[derive(Debug, Default)]
pub struct Metadata(BTreeMap<String, MetadataRow>);

#[derive(Debug)]
struct MetadataRow {
    row: u64,
    metadata: AdMetadata,
}

/// A table as text: the number of each row as a spreadsheet shows it, and its values by column.
struct Table {
    columns: Vec<String>,
    rows: Vec<(u64, Vec<String>)>,
    faults: Faults,
}

impl Metadata {
    /// Reads a `.csv`, `.tsv` or `.jsonl` file. Says which columns were guessed and which are not used.
    ///
    /// # Errors
    /// A file or rows that cannot be used; all faults are named by their rows: nothing is sent with half of what
    /// the uploader meant to say.
    pub fn read(file: &Path, reading: &Reading) -> Result<Self> {
        let bytes = std::fs::read(file).map_err(|error| {
            let shown = escaped(&folder::text(file.as_os_str()));
            Failure::input(format_args!("the metadata file {shown}: {error}"), HINT)
        })?;
        let text = text::decoded(&bytes, reading.encoding.as_deref())?;
        let extension = file.extension().and_then(|text| text.to_str());
        let table = match extension.map(str::to_ascii_lowercase).as_deref() {
            Some("csv" | "tsv" | "txt") => Table::of_csv(&text)?,
            Some("jsonl" | "ndjson") => Table::of_json_lines(&text),
            _ => {
                let cause = "the metadata file is none of .csv, .tsv, .jsonl";
                return Err(Failure::usage(cause, HINT));
            }
        };
        Self::of_table(table, reading)
    }

    /// What is known of a picture; nothing if the table does not name it.
    pub fn of(&self, path: &str) -> AdMetadata {
        self.0
            .get(path)
            .map(|row| row.metadata.clone())
            .unwrap_or_default()
    }

    /// Rows that name none of these pictures.
    pub fn unused(&self, is_known: impl Fn(&str) -> bool) -> Vec<u64> {
        let unused = self.0.iter().filter(|(path, _)| !is_known(path));
        unused.map(|(_, row)| row.row).collect()
    }

    fn of_table(table: Table, reading: &Reading) -> Result<Self> {
        let columns = Columns::of(&table.columns, &reading.map)?;
        if let Some(told) = columns.told() {
            print(told);
        }
        let (rows, faults) = Self::of_rows(table, &columns, &reading.times);
        faults.none()?;
        Ok(rows)
    }

    /// The rows that can be used, and what is wrong with the others.
    fn of_rows(table: Table, columns: &Columns, times: &TimeRules) -> (Self, Faults) {
        let place = |column: &String| table.columns.iter().position(|known| known == column);
        let used = columns.used.iter();
        let places: Vec<(Field, usize)> = used
            .filter_map(|(field, column)| Some((*field, place(column)?)))
            .collect();
        let seen_at = places.iter().find(|(field, _)| *field == Field::SeenAt);
        let seen_at = seen_at.map(|(_, place)| *place);
        let rows = table.rows.iter();
        let dates = rows.filter_map(|(_, values)| values.get(seen_at?).map(String::as_str));
        let times = times.clone().learn(dates);
        let (mut rows, mut faults) = (Self::default(), table.faults);
        for (row, values) in &table.rows {
            let value = |place: usize| values.get(place).map_or("", |text| text.trim());
            let fields = places.iter().map(|(field, place)| (*field, value(*place)));
            let fields = fields.filter(|(_, text)| !text.is_empty());
            rows.add(*row, fields, &times, &mut faults);
        }
        (rows, faults)
    }

    fn add<'a>(
        &mut self,
        row: u64,
        fields: impl Iterator<Item = (Field, &'a str)>,
        times: &TimeRules,
        faults: &mut Faults,
    ) {
        let (mut path, mut metadata) = (None, AdMetadata::default());
        for (field, text) in fields {
            if field == Field::Path {
                path = Some(path_of(text));
            } else if let Err(rule) = set(&mut metadata, field, text, times) {
                faults.add(row, field.name(), Some(text), rule);
            }
        }
        let Some(path) = path else {
            return faults.add(row, "path", None, "there is none");
        };
        if bytes_of(&metadata) > METADATA_BYTES_MAX {
            faults.add(
                row,
                "all",
                None,
                "its values have more than 2,000 bytes together",
            );
        }
        if self.0.contains_key(&path) {
            let rule = "an earlier row names this path too";
            return faults.add(row, "path", Some(&path), rule);
        }
        self.0.insert(path, MetadataRow { row, metadata });
    }
}

impl Table {
    fn of_csv(text: &str) -> Result<Self> {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(text::delimiter(text))
            .flexible(true)
            .from_reader(text.as_bytes());
        let header = reader.headers();
        let header = header.map_err(|_| Failure::input("the metadata file is no table", HINT))?;
        let columns: Vec<String> = header.iter().map(|name| name.trim().to_owned()).collect();
        let mut table = Self {
            columns,
            rows: Vec::new(),
            faults: Faults::default(),
        };
        let mut row = 1; // the header's
        let mut record = StringRecord::new();
        loop {
            let from = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
            row += 1 + blank_lines(text, from);
            match reader.read_record(&mut record) {
                Ok(false) => return Ok(table),
                Ok(true) if record.len() == table.columns.len() => {
                    let values = record.iter().map(str::to_owned).collect();
                    table.rows.push((row, values));
                }
                _ => table.faults.add(
                    row,
                    "all",
                    None,
                    "it has not as many columns as the first row",
                ),
            }
        }
    }

    fn of_json_lines(text: &str) -> Self {
        let mut table = Self {
            columns: Vec::new(),
            rows: Vec::new(),
            faults: Faults::default(),
        };
        for (row, line) in (1..).zip(text.lines()) {
            if line.trim().is_empty() {
                continue;
            }
            let Ok(Value::Object(fields)) = strict::parse(line.as_bytes(), NESTING_MAX) else {
                table
                    .faults
                    .add(row, "all", None, "it is not one JSON object");
                continue;
            };
            let mut values = vec![String::new(); table.columns.len()];
            for (name, value) in fields {
                let place = table.columns.iter().position(|known| *known == name);
                let place = place.unwrap_or_else(|| {
                    table.columns.push(name);
                    values.push(String::new());
                    table.columns.len() - 1
                });
                values[place] = match value {
                    Value::String(text) => text,
                    Value::Null => String::new(),
                    other => other.to_string(),
                };
            }
            table.rows.push((row, values));
        }
        table
    }
}

/// What is wrong with a table: by field and rule, the rows and the first value.
#[derive(Default)]
struct Faults(BTreeMap<(&'static str, &'static str), Fault>);

#[derive(Default)]
struct Fault {
    rows: Vec<u64>,
    value: Option<String>,
}

impl Faults {
    fn add(&mut self, row: u64, field: &'static str, value: Option<&str>, rule: &'static str) {
        let fault = self.0.entry((field, rule)).or_default();
        if fault.rows.is_empty() {
            fault.value =
                value.map(|text| escaped(&text.chars().take(SHOWN_MAX).collect::<String>()));
        }
        fault.rows.push(row);
    }

    /// One line for each kind of fault, the earliest first.
    fn lines(&self) -> Vec<String> {
        let mut faults: Vec<_> = self.0.iter().collect();
        faults.sort_by_key(|(_, fault)| fault.rows.first().copied());
        let line = |((field, rule), fault): &(&(&str, &str), &Fault)| {
            let first = fault.rows.iter().take(ROWS_NAMED_MAX);
            let rows: Vec<String> = first.map(u64::to_string).collect();
            let more = fault.rows.len().saturating_sub(ROWS_NAMED_MAX);
            let more = match more {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let plural = if fault.rows.len() == 1 { "" } else { "s" };
            let of_field = match *field {
                "all" => String::new(),
                field => format!("{field}: "),
            };
            let value = fault.value.as_ref();
            let value = value.map_or_else(String::new, |text| format!("\"{text}\": "));
            format!(
                "row{plural} {}{more}: {of_field}{value}{rule}",
                rows.join(", ")
            )
        };
        faults.iter().map(line).collect()
    }

    /// That there are none.
    fn none(&self) -> Result<()> {
        let lines = self.lines();
        if lines.is_empty() {
            return Ok(());
        }
        for line in lines.iter().take(FAULTS_NAMED_MAX) {
            print(format_args!("metadata {line}"));
        }
        let mut rows: Vec<u64> = self
            .0
            .values()
            .flat_map(|fault| fault.rows.clone())
            .collect();
        rows.sort_unstable();
        rows.dedup();
        let cause = format_args!(
            "{} rows of the metadata file cannot be used; nothing was sent",
            rows.len()
        );
        Err(Failure::input(cause, HINT))
    }
}

/// How many empty lines come after a row: a CSV reader passes them over, a spreadsheet counts them. The row's own
/// end may be read up to its carriage return.
fn blank_lines(text: &str, from: usize) -> u64 {
    let (row, behind) = text.split_at_checked(from).unwrap_or((text, ""));
    let behind = match row.ends_with('\r') {
        true => behind.strip_prefix('\n').unwrap_or(behind),
        false => behind,
    };
    let lines = behind.split_inclusive('\n');
    let blank = lines.take_while(|line| matches!(*line, "\n" | "\r\n"));
    blank.count() as u64
}

/// A path as keys have it: with `/`, whichever system wrote the table.
fn path_of(text: &str) -> String {
    let path = match text.contains('/') {
        true => text.to_owned(),
        false => text.replace('\\', "/"),
    };
    path.trim_start_matches("./").to_owned()
}

fn set(
    metadata: &mut AdMetadata,
    field: Field,
    text: &str,
    times: &TimeRules,
) -> std::result::Result<(), &'static str> {
    match field {
        Field::SourceUrl => {
            metadata.source_url = Some(SourceUrl::parse(text).map_err(|it| it.rule)?)
        }
        Field::AdId => metadata.ad_id = Some(Label::parse(text).map_err(|it| it.rule)?),
        Field::SeenAt => {
            metadata.seen_at = Some(times.parse(text).map_err(times::TimeFault::text)?)
        }
        Field::Place => metadata.place = Some(Label::parse(text).map_err(|it| it.rule)?),
        Field::Path => {}
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

const HINT: &str = "the columns are path (relative to the folder), source_url, ad_id, seen_at and place, by these \
    names or by --map; all but path may be empty or left out";

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        match text.starts_with('{') {
            true => Table::of_json_lines(text),
            false => Table::of_csv(text).unwrap_or_else(|failure| panic!("{}", failure.cause)),
        }
    }

    /// The paths by rows, or the faults.
    fn outcome(text: &str) -> std::result::Result<Vec<(u64, String)>, Vec<String>> {
        let table = table(text);
        let columns = Columns::of(&table.columns, &[]).map_err(|it| vec![it.cause.to_string()])?;
        let (all, faults) = Metadata::of_rows(table, &columns, &TimeRules::default());
        match faults.lines() {
            lines if lines.is_empty() => {
                let mut rows: Vec<_> = all
                    .0
                    .into_iter()
                    .map(|(path, row)| (row.row, path))
                    .collect();
                rows.sort();
                Ok(rows)
            }
            lines => Err(lines),
        }
    }

    #[track_caller]
    fn check_rows(text: &str, expected: &[(u64, &str)]) {
        let expected = expected
            .iter()
            .map(|(row, path)| (*row, (*path).to_owned()));
        assert_eq!(outcome(text), Ok(expected.collect()), "{text}");
    }

    #[track_caller]
    fn check_faults(text: &str, expected: &[&str]) {
        let expected = expected.iter().map(|line| (*line).to_owned()).collect();
        assert_eq!(outcome(text), Err(expected), "{text}");
    }

    #[test]
    fn rows_are_counted_as_a_spreadsheet_shows_them() {
        check_rows(
            "path,place\na.jpg,Köln\nb.jpg,\n",
            &[(2, "a.jpg"), (3, "b.jpg")],
        );
        check_rows("path\r\na\r\nb\r\n", &[(2, "a"), (3, "b")]);
        check_rows("path\n\n\na\n\nb", &[(4, "a"), (6, "b")]);
        check_rows("path\r\n\r\na\r\n\r\n\r\nb", &[(3, "a"), (6, "b")]);
        check_rows(
            "path;title\n\"a\";\"two\nlines\"\nb;x\n",
            &[(2, "a"), (3, "b")],
        );
        check_rows("path\n./dir/a\ndir\\b\n", &[(2, "dir/a"), (3, "dir/b")]);
    }

    #[test]
    fn lines_of_json_may_say_more_than_is_used() {
        let text = "{\"path\":\"a\",\"place\":null,\"ad_id\":7}\n\n{\"path\":\"b\",\"seller\":{\"name\":[\"x\"]}}";
        check_rows(text, &[(1, "a"), (3, "b")]);
        check_faults(
            "{\"path\":\"a\"}\n{\"path\":\"b\",\"path\":\"c\"}",
            &["row 2: it is not one JSON object"],
        );
    }

    #[test]
    fn all_faults_are_told_at_once_by_their_rows() {
        let long = format!("https://x/{}", "y".repeat(2_000));
        let text = format!(
            "path,seen_at,source_url\na,yesterday,\n,2026-11-24T10:00:00Z,\nb,tomorrow,\na,,\nc,,{long}\nd\n"
        );
        let no_time = "rows 2, 4: seen_at: \"yesterday\": no time, e.g. 2026-11-24T10:00:00Z, 2026-11-24 10:00, 24.11.2026 \
                       or 1763978400";
        let expected = [
            no_time,
            "row 3: path: there is none",
            "row 5: path: \"a\": an earlier row names this path too",
            "row 6: its values have more than 2,000 bytes together",
            "row 7: it has not as many columns as the first row",
        ];
        check_faults(&text, &expected);
    }

    #[test]
    fn what_many_rows_have_is_one_line() {
        let rows: String = (0..300)
            .map(|n| format!("{n},2026-11-24 10:00\n"))
            .collect();
        let expected = "rows 2, 3, 4, 5, 6 and 295 more: seen_at: \"2026-11-24 10:00\": a time without a zone; name it, \
                        e.g. --time-zone Europe/Lisbon";
        check_faults(&format!("path,seen_at\n{rows}"), &[expected]);
    }

    #[test]
    fn a_row_that_names_no_picture_is_told_by_its_number() {
        let read = Metadata::of_table(table("path,place\na.jpg,x\nb.jpg,y\n"), &Reading::default());
        let Ok(metadata) = read else {
            panic!("two rows")
        };
        assert_eq!(metadata.unused(|path| path == "a.jpg"), [3]);
        assert!(metadata.of("a.jpg").place.is_some());
        assert_eq!(metadata.of("c.jpg"), AdMetadata::default());
    }

    #[test]
    fn hostile_tables_are_refused_or_read_without_a_panic() {
        for text in [
            "",
            "\"",
            "path\n\"a",
            "\n\n",
            ",,,\n,,,",
            "path,path\na,b",
            "{",
            "{}\n[]\nnull",
        ] {
            if let Ok(table) = Table::of_csv(text) {
                drop(Metadata::of_table(table, &Reading::default()));
            }
            drop(Metadata::of_table(
                Table::of_json_lines(text),
                &Reading::default(),
            ));
        }
    }
}
