//! What is printed: tables for a person, or JSON.

use std::io::Write;

use serde_json::json;

use super::costs::Bill;
use console::terminal::print;
use deploy::costs::{Line, sum};
use deploy::doctor::Check;

/// Checks and the bill.
pub fn all(checks: &[Check], bill: &Bill, as_json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let checks: Vec<_> = checks.iter().map(Check::to_json).collect();
        let whole = json!({"checks": checks, "costs": bill.to_json()});
        return writeln!(out, "{whole:#}");
    }
    write!(out, "{}\n{}", table_of(checks), bill_of(bill))?;
    hints(checks);
    Ok(())
}

/// Checks alone.
pub fn checks(checks: &[Check], as_json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if as_json {
        let checks: Vec<_> = checks.iter().map(Check::to_json).collect();
        return writeln!(out, "{:#}", json!({ "checks": checks }));
    }
    write!(out, "{}", table_of(checks))?;
    hints(checks);
    Ok(())
}

fn table_of(checks: &[Check]) -> String {
    let row = |check: &Check| {
        let (about, verdict) = (check.about.to_owned(), check.verdict.as_str().to_owned());
        vec![about, verdict, check.seen.clone()]
    };
    let rows: Vec<_> = checks.iter().map(row).collect();
    evidence::markdown_table(&["looked at", "is", "seen"], &rows)
}

fn hints(checks: &[Check]) {
    for check in checks {
        if let Some(hint) = &check.hint {
            print(format_args!("hint: {}: {hint}", check.about));
        }
    }
}

fn bill_of(bill: &Bill) -> String {
    let dollars = |dollars: f64| format!("{dollars:.2}");
    let rows = |lines: &[Line]| {
        let row = |line: &Line| vec![line.what.to_owned(), dollars(line.dollars)];
        let shown = lines.iter().filter(|line| line.dollars > 0.0);
        let mut rows: Vec<_> = shown.map(row).collect();
        rows.push(vec!["all".to_owned(), dollars(sum(lines))]);
        rows
    };
    let head = format!("a million images, {}", bill.load.way.as_str());
    let images = evidence::markdown_table(&[&head, "$"], &rows(&bill.per_million));
    let idle = evidence::markdown_table(&["a month without any", "$"], &rows(&bill.idle));
    let [first, third] = &bill.years;
    let months = first
        .iter()
        .zip(third)
        .filter(|(_, third)| third.dollars > 0.0);
    let month =
        |what: &str, first: f64, third: f64| vec![what.to_owned(), dollars(first), dollars(third)];
    let mut months: Vec<_> = months
        .map(|(first, third)| month(first.what, first.dollars, third.dollars))
        .collect();
    let idle_sum = sum(&bill.idle);
    months.push(month("what it costs idle", idle_sum, idle_sum));
    months.push(month("all", idle_sum + sum(first), idle_sum + sum(third)));
    let heads = ["a month after", "a year, $", "three years, $"];
    let load = &bill.load;
    format!(
        "{idle}\n{images}\n{} images a day of {:.0} KB, {}; {} references, {} new ones a day; ads are kept {}:\n\n{}\n\
         HMA publishes ${:.0} a million for its AWS version, and a goal of ${:.0}\n({}; computed, not billed)\n",
        load.images_per_day,
        load.photo_bytes / 1e3,
        if load.is_even {
            "evenly over the day"
        } else {
            "in floods"
        },
        load.references,
        load.new_references_per_day,
        if load.kept_days.is_finite() {
            format!("for {} days", load.kept_days)
        } else {
            "for ever".to_owned()
        },
        evidence::markdown_table(&heads, &months),
        bill.hma.0,
        bill.hma.1,
        bill.from,
    )
}
