//! What is printed of a listing: a table for a person, CSV for a spreadsheet, JSON for a program.

use std::io::Write;

use clap::Args;
use console::outcome::Result;
use console::terminal::escaped;
use serde_json::Value;

/// In which form.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct ListingForm {
    /// Print CSV for a spreadsheet
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print one JSON object a line, with all that is known
    #[arg(long)]
    pub json: bool,
}

/// A column of a table: its head, and the pointer (RFC 6901) to its value, e.g. `/verdict/note`.
pub type Column = (&'static str, &'static str);

/// A value as text: empty where there is none, items of a list with spaces between.
pub fn text_of(item: &Value, pointer: &str) -> String {
    match item.pointer(pointer) {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(values)) => {
            let values = values.iter().map(|value| text_of(value, ""));
            values.collect::<Vec<_>>().join(" ")
        }
        Some(other) => other.to_string(),
    }
}

/// A cell that no spreadsheet takes for a formula. What a stranger wrote, a page's address or a note, may stand in
/// it. <https://owasp.org/www-community/attacks/CSV_Injection>
pub fn cell(text: &str) -> String {
    match text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) {
        true => format!("'{text}"),
        false => text.to_owned(),
    }
}

/// Prints the items to stdout.
///
/// # Errors
/// Stdout is closed.
pub fn print_items(items: &[Value], columns: &[Column], form: ListingForm) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let rows = || {
        items.iter().map(|item| {
            let row = columns.iter().map(|(_, pointer)| text_of(item, pointer));
            row.collect::<Vec<_>>()
        })
    };
    let heads = columns.iter().map(|(head, _)| (*head).to_owned()).collect();
    if form.json {
        for item in items {
            writeln!(out, "{item}")?;
        }
    } else if form.csv {
        out.write_all(&as_csv(std::iter::once(heads).chain(rows()))?)?;
    } else {
        out.write_all(as_table(std::iter::once(heads).chain(rows())).as_bytes())?;
    }
    Ok(())
}

fn as_csv(rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for row in rows {
        let cells = row.iter().map(|text| cell(text));
        writer.write_record(cells).map_err(anyhow::Error::from)?;
    }
    Ok(writer.into_inner().map_err(|error| error.into_error())?)
}

/// Columns as wide as their widest cell, two spaces between them.
fn as_table(rows: impl Iterator<Item = Vec<String>>) -> String {
    let rows: Vec<Vec<String>> = rows
        .map(|row| row.iter().map(|text| escaped(text)).collect())
        .collect();
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|at| {
            let cells = rows.iter().filter_map(|row| row.get(at));
            cells.map(|text| text.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells = cells.map(|(text, width)| format!("{text:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        line.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const COLUMNS: [Column; 3] = [("id", "/id"), ("note", "/verdict/note"), ("who", "/who")];

    fn rows() -> impl Iterator<Item = Vec<String>> {
        let item =
            json!({"id": "a\u{1b}", "verdict": {"note": "=HYPERLINK(\"x\")"}, "who": ["n", 2]});
        let empty = json!({"id": "longer", "verdict": null});
        let row = |item: &Value| COLUMNS.map(|(_, pointer)| text_of(item, pointer)).to_vec();
        let heads = COLUMNS.map(|(head, _)| head.to_owned()).to_vec();
        [heads, row(&item), row(&empty)].into_iter()
    }

    #[test]
    fn a_spreadsheet_sees_no_formula() {
        let text = String::from_utf8(as_csv(rows()).expect("in memory")).expect("text");
        assert_eq!(
            text,
            "id,note,who\na\u{1b},\"'=HYPERLINK(\"\"x\"\")\",n 2\nlonger,,\n"
        );
        for start in ["+1", "-1", "@x", "\tx", "\r=x"] {
            assert!(cell(start).starts_with('\''), "{start:?}");
        }
        assert_eq!(cell("1-2"), "1-2");
    }

    #[test]
    fn a_table_is_aligned_and_steers_no_terminal() {
        let text = as_table(rows());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        let column = lines[0].find("note").expect("a head");
        assert!(lines[1][column..].starts_with("=HYPERLINK"), "{text}");
        assert!(!text.contains('\u{1b}') && !text.contains(" \n"), "{text}");
    }
}
