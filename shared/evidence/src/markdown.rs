//! Tables for README files and benches.

use crate::escape::markdown_cell;

/// A Markdown table with aligned columns. Cells that read as numbers (`12`, `0.5`, `3 %`, `1.2x`)
/// make their column right-aligned where all of its cells do. Rows shorter than the head are
/// filled with empty cells, longer ones are cut.
///
/// ```
/// let rows = [["camera".to_owned(), "12".to_owned()]];
/// let table = evidence::markdown_table(&["photo", "bits"], &rows);
/// assert_eq!(table, "| photo  | bits |\n| ------ | ---: |\n| camera |   12 |\n");
/// ```
pub fn markdown_table<R: AsRef<[String]>>(head: &[&str], rows: &[R]) -> String {
    let cell = |row: &R, column: usize| markdown_cell(row.as_ref().get(column).map_or("", |c| c));
    let columns: Vec<Column> = (0..head.len())
        .map(|column| {
            let cells = rows.iter().map(|row| cell(row, column));
            Column::of(markdown_cell(head[column]), cells.collect())
        })
        .collect();
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let mut table = line(columns.iter().map(|c| c.aligned(&c.head)).collect());
    table += &line(columns.iter().map(Column::rule).collect());
    for row in 0..rows.len() {
        table += &line(columns.iter().map(|c| c.aligned(&c.cells[row])).collect());
    }
    table
}

struct Column {
    head: String,
    cells: Vec<String>,
    width_chars: usize,
    is_numeric: bool,
}

impl Column {
    fn of(head: String, cells: Vec<String>) -> Self {
        let widths = cells.iter().chain([&head]).map(|cell| cell.chars().count());
        let width_chars = widths.max().unwrap_or(0).max(3);
        let is_numeric = !cells.is_empty() && cells.iter().all(|cell| reads_as_number(cell));
        Self {
            head,
            cells,
            width_chars,
            is_numeric,
        }
    }

    fn aligned(&self, cell: &str) -> String {
        let width = self.width_chars;
        if self.is_numeric {
            format!("{cell:>width$}")
        } else {
            format!("{cell:<width$}")
        }
    }

    fn rule(&self) -> String {
        match self.is_numeric {
            true => "-".repeat(self.width_chars - 1) + ":",
            false => "-".repeat(self.width_chars),
        }
    }
}

fn reads_as_number(cell: &str) -> bool {
    let number = cell.trim_end_matches(['%', 'x', ' ']);
    number
        .replace([',', ' '], "")
        .parse::<f64>()
        .is_ok_and(f64::is_finite)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter()
            .map(|row| row.iter().map(|cell| (*cell).to_owned()).collect())
            .collect()
    }

    #[test]
    fn numbers_stand_right_and_words_left() {
        let table = markdown_table(
            &["edit", "found", "share"],
            &rows(&[&["mirrored", "60 ", "100 %"], &["crop|40", "3", "5.0 %"]]),
        );
        insta::assert_snapshot!(table, @r"
        | edit     | found | share |
        | -------- | ----: | ----: |
        | mirrored |   60  | 100 % |
        | crop\|40 |     3 | 5.0 % |
        ");
    }

    #[test]
    fn a_table_without_rows_has_its_head() {
        let table = markdown_table::<Vec<String>>(&["a", "b"], &[]);
        assert_eq!(table, "| a   | b   |\n| --- | --- |\n");
    }

    #[test]
    fn ragged_rows_keep_the_columns() {
        let table = markdown_table(&["a", "b"], &rows(&[&["x"], &["1", "2", "3"]]));
        assert!(table.lines().all(|line| line.matches('|').count() == 3));
    }
}
