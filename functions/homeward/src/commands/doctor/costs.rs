//! The bill for so many images a day.

use serde_json::{Value, json};

use deploy::costs::counts::Counts;
use deploy::costs::prices::Prices;
use deploy::costs::{
    Architecture, Line, Way, idle, per_million, per_month, storage_per_month, sum,
};
use deploy::doctor::parameters::{Chosen, value};
use deploy::doctor::template::Parameter;

/// What it will cost.
pub struct Bill {
    /// Images a day.
    pub images_per_day: u64,
    /// How they come.
    pub way: Way,
    /// In a month in which nothing happens.
    pub idle: Vec<Line>,
    /// A million images.
    pub per_million: Vec<Line>,
    /// A month of it.
    pub month: f64,
    /// What a month's images cost in each month that they are kept.
    pub kept: f64,
    /// HMA's figures for a million images: its AWS version, and its goal.
    pub hma: (f64, f64),
    /// Whose prices, and when counted.
    pub from: String,
}

/// Reckons it.
pub fn bill(images_per_day: u64, way: Way, chosen: &Chosen, known: &[Parameter]) -> Bill {
    let (prices, counts) = (Prices::listed(), Counts::counted());
    let is = |name: &str, wanted: &str| value(chosen, known, name) == wanted;
    let architecture = match is("Architecture", "x86_64") {
        true => Architecture::X86,
        false => Architecture::Arm64,
    };
    let idle = idle::per_month(is("Small", "true"), is("Dashboard", "true"), &prices);
    let lines = per_million(way, architecture, &counts, &prices);
    Bill {
        images_per_day,
        way,
        month: per_month(images_per_day as f64, sum(&lines), sum(&idle)),
        kept: storage_per_month(images_per_day as f64, way, &counts, &prices),
        idle,
        per_million: lines,
        hma: prices.hma_per_million(),
        from: format!(
            "list prices of {} as of {}, requests counted on {}",
            prices.region(),
            prices.as_of(),
            counts.measured()
        ),
    }
}

impl Bill {
    /// For programs.
    pub fn to_json(&self) -> Value {
        let lines = |lines: &[Line]| -> Vec<Value> {
            let line = |line: &Line| json!({"what": line.what, "dollars": cents(line.dollars)});
            lines.iter().map(line).collect()
        };
        json!({
            "images_per_day": self.images_per_day, "way": self.way.as_str(),
            "idle_per_month": lines(&self.idle), "per_million_images": lines(&self.per_million),
            "dollars_idle_per_month": cents(sum(&self.idle)),
            "dollars_per_million_images": cents(sum(&self.per_million)),
            "dollars_per_month": cents(self.month),
            "dollars_to_keep_a_months_images": cents(self.kept),
            "hma_dollars_per_million": {"aws_version": self.hma.0, "goal": self.hma.1},
            "from": self.from,
        })
    }
}

/// To a hundredth of a cent: more digits would say more than is known.
fn cents(dollars: f64) -> f64 {
    (dollars * 1e4).round() / 1e4
}
