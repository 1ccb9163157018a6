//! List prices, from the dated file.

use serde_json::Value;

use super::Architecture;

const FILE: &str = include_str!("../../../../infra/prices.json");

/// List prices.
pub struct Prices(Value);

impl Prices {
    /// Those of `infra/prices.json`.
    ///
    /// # Panics
    /// If the file is not JSON: a test holds it.
    pub fn listed() -> Self {
        Self(serde_json::from_str(FILE).expect("infra/prices.json is JSON"))
    }

    /// When they were read.
    pub fn as_of(&self) -> &str {
        self.0["as_of"].as_str().unwrap_or_default()
    }

    /// For which region.
    pub fn region(&self) -> &str {
        self.0["region"].as_str().unwrap_or_default()
    }

    /// A million of a unit.
    pub fn per_million(&self, unit: &str) -> f64 {
        self.number("per_million", unit)
    }

    /// A gigabyte for a month.
    pub fn per_gb_month(&self, service: &str) -> f64 {
        self.number("per_gb_month", service)
    }

    /// A thing for a month.
    pub fn per_month(&self, thing: &str) -> f64 {
        self.number("per_month", thing)
    }

    /// A gigabyte of logs taken in.
    pub fn per_gb_of_log(&self) -> f64 {
        self.number("per_gb", "log")
    }

    /// A million seconds of a function with a gigabyte of memory.
    pub fn lambda_second(&self, architecture: Architecture) -> f64 {
        self.per_million(match architecture {
            Architecture::Arm64 => "lambda_gb_second_arm64",
            Architecture::X86 => "lambda_gb_second_x86_64",
        })
    }

    /// What Hasher-Matcher-Actioner published for a million images: its AWS version, and its goal.
    pub fn hma_per_million(&self) -> (f64, f64) {
        let of = |name| self.number("hma_per_million", name);
        (of("aws_version"), of("goal"))
    }

    fn number(&self, table: &str, name: &str) -> f64 {
        let found = self.0[table][name].as_f64();
        found.unwrap_or_else(|| panic!("infra/prices.json has no {table}.{name}"))
    }
}
