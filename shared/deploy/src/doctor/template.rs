//! The deployment's template, as far as this program needs it: what its parameters allow.

use serde_json::Value;
use sources::template::Template;

/// What a parameter may be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Its default.
    pub default: String,
    /// If not empty, one of these.
    pub allowed: Vec<String>,
    /// A pattern it must fit.
    pub pattern: Option<String>,
    /// For numbers, the least and the most.
    pub least: Option<i64>,
    /// See `least`.
    pub most: Option<i64>,
}

/// Every parameter of the template.
pub fn parameters() -> Vec<Parameter> {
    let template = Template::of_this_build();
    let parameters = template.section("Parameters").as_object();
    let parameter = |(name, it): (&String, &Value)| Parameter {
        name: name.clone(),
        default: text(&it["Default"]),
        allowed: list(&it["AllowedValues"]),
        pattern: it["AllowedPattern"].as_str().map(str::to_owned),
        least: it["MinValue"].as_i64(),
        most: it["MaxValue"].as_i64(),
    };
    parameters.into_iter().flatten().map(parameter).collect()
}

/// Metrics that the alarms look at, each of which is paid for: of all alarms, or of those that
/// `Small` keeps.
pub fn alarm_metrics(small: bool) -> usize {
    let template = Template::of_this_build();
    let resources = template.section("Resources").as_object();
    let alarms = resources.into_iter().flat_map(|it| it.values());
    let alarms = alarms.filter(|it| {
        let is_alarm = it["Type"] == "AWS::CloudWatch::Alarm";
        is_alarm && !(small && it["Condition"] == "HasAllAlarms")
    });
    alarms.map(metrics_of).sum()
}

/// One metric, or as many as an expression is made of.
fn metrics_of(alarm: &Value) -> usize {
    let Some(metrics) = alarm["Properties"]["Metrics"].as_array() else {
        return 1;
    };
    let is_metric = |it: &&Value| !it["MetricStat"].is_null();
    metrics.iter().filter(is_metric).count()
}

fn list(values: &Value) -> Vec<String> {
    values.as_array().into_iter().flatten().map(text).collect()
}

/// CloudFormation knows texts only.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bill_counts_the_alarms_of_the_template() {
        let counted = |small| alarm_metrics(small) as f64;
        assert_eq!(counted(false), crate::costs::idle::ALARM_METRICS);
        assert_eq!(counted(true), crate::costs::idle::ALARM_METRICS_SMALL);
    }

    #[test]
    fn the_bill_counts_the_timers_of_the_template() {
        let mut runs_a_day = 0.0;
        for line in Template::text().lines() {
            let Some(schedule) = line.trim().strip_prefix("Schedule: ") else {
                continue;
            };
            runs_a_day += match schedule {
                "rate(1 minute)" => 1_440.0,
                "rate(5 minutes)" => 288.0,
                "rate(1 hour)" => 24.0,
                "rate(6 hours)" => 4.0,
                other => panic!("how often is {other}?"),
            };
        }
        assert_eq!(runs_a_day, crate::costs::idle::TIMER_RUNS_A_DAY);
    }

    #[test]
    fn the_parameters_of_the_template_are_read() {
        let all = parameters();
        let named = |name: &str| all.iter().find(|it| it.name == name).unwrap();
        assert_eq!(named("Stage").default, "dev");
        assert!(named("Stage").pattern.is_some());
        assert_eq!(named("Architecture").allowed, ["arm64", "x86_64"]);
        assert_eq!(named("LogDays").allowed[0], "7");
        let concurrency = named("IngestConcurrency");
        assert_eq!(
            (concurrency.least, concurrency.most),
            (Some(2), Some(1_000))
        );
    }
}
