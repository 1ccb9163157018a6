//! The bill for so many images a day.

use serde_json::{Value, json};

use deploy::costs::counts::Counts;
use deploy::costs::month::{self, Load};
use deploy::costs::prices::Prices;
use deploy::costs::{Architecture, Line, idle, per_million, per_month, storage_per_month, sum};
use deploy::doctor::parameters::{Chosen, value};
use deploy::doctor::template::Parameter;

/// What it will cost.
pub struct Bill {
    /// What comes, and who is sought.
    pub load: Load,
    /// In a month in which nothing happens.
    pub idle: Vec<Line>,
    /// A million images.
    pub per_million: Vec<Line>,
    /// A month of it.
    pub month: f64,
    /// What a month's images cost in each month that they are kept.
    pub kept: f64,
    /// A month of all that, without the idle: that in which the first year ends, and the third.
    pub years: [Vec<Line>; 2],
    /// HMA's figures for a million images: its AWS version, and its goal.
    pub hma: (f64, f64),
    /// Whose prices, and when counted.
    pub from: String,
}

/// Reckons it.
pub fn bill(load: &Load, chosen: &Chosen, known: &[Parameter]) -> Bill {
    let (images_per_day, way) = (load.images_per_day, load.way);
    let (prices, counts) = (Prices::listed(), Counts::counted());
    let is = |name: &str, wanted: &str| value(chosen, known, name) == wanted;
    let architecture = match is("Architecture", "x86_64") {
        true => Architecture::X86,
        false => Architecture::Arm64,
    };
    let idle = idle::per_month(is("Small", "true"), is("Dashboard", "true"), &prices);
    let lines = per_million(way, architecture, &counts, &prices);
    Bill {
        load: *load,
        month: per_month(images_per_day, sum(&lines), sum(&idle)),
        kept: storage_per_month(images_per_day, way, &counts, &prices),
        idle,
        per_million: lines,
        years: [1.0, 3.0]
            .map(|years| month::per_month(load, years * 365.0, architecture, &counts, &prices)),
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
            "images_per_day": self.load.images_per_day, "way": self.load.way.as_str(),
            "references": self.load.references, "new_references_per_day": self.load.new_references_per_day,
            "image_bytes": self.load.photo_bytes, "arrive_evenly": self.load.is_even,
            "month_after_a_year": lines(&self.years[0]), "month_after_three_years": lines(&self.years[1]),
            "dollars_in_the_month_after_a_year": cents(sum(&self.idle) + sum(&self.years[0])),
            "dollars_in_the_month_after_three_years": cents(sum(&self.idle) + sum(&self.years[1])),
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
