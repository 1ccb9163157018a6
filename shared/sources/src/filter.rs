//! Which changes a stream's filter lets through.
//! <https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html>

use serde_json::Value;

/// The filter of an event source, as the template has it.
///
/// # Panics
/// If a pattern is not JSON.
pub fn patterns(source: &Value) -> Vec<Value> {
    let filters = source["FilterCriteria"]["Filters"].as_array();
    let filters = filters.into_iter().flatten();
    let text = |filter: &Value| filter["Pattern"].as_str().unwrap_or_default().to_owned();
    filters
        .map(|filter| serde_json::from_str(&text(filter)).expect("a pattern is JSON"))
        .collect()
}

/// Whether any pattern fits. A pattern names members; a list in it, the values that fit.
pub fn lets_through(patterns: &[Value], event: &Value) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, event))
}

fn fits(pattern: &Value, event: &Value) -> bool {
    match pattern {
        Value::Object(members) => members.iter().all(|(name, it)| fits(it, &event[name])),
        Value::Array(values) => values.contains(event),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pattern_fits_what_has_one_of_its_values_in_every_member() {
        let patterns =
            [json!({"eventName": ["INSERT"], "dynamodb": {"kind": {"S": ["pack", "x"]}}})];
        let event = |name, kind| json!({"eventName": name, "dynamodb": {"kind": {"S": kind}}});
        assert!(lets_through(&patterns, &event("INSERT", "pack")));
        assert!(!lets_through(&patterns, &event("MODIFY", "pack")));
        assert!(!lets_through(&patterns, &event("INSERT", "lead")));
        assert!(!lets_through(&patterns, &json!({"eventName": "INSERT"})));
        assert!(lets_through(&[], &json!({})));
    }
}
