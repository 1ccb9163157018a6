//! When the next attempt is due: the schedule that Standard Webhooks 1.0.0 publishes.

use std::time::Duration;

use records::{Timestamp, WebhookName};
use sha2::{Digest, Sha256};

/// The wait before each attempt, in seconds; the first is at once. Source: "Example retry
/// schedule" of the Standard Webhooks specification, ten attempts over 75 h 35 min 5 s.
pub const WAITS_S: [u64; 10] = [
    0,
    5,
    5 * 60,
    30 * 60,
    2 * 3_600,
    5 * 3_600,
    10 * 3_600,
    14 * 3_600,
    20 * 3_600,
    24 * 3_600,
];

/// A receiver may ask for a longer wait, up to the longest of the schedule: what asks for more
/// would hold a lead back for weeks.
const RETRY_AFTER_S_MAX: u64 = 24 * 3_600;

/// Jitter lengthens a wait by up to a tenth, so that the messages of one outage do not all come
/// back in the same second.
const JITTER_TENTH: u64 = 10;

/// When to try again after `attempts` attempts (1 or more) of which the last ended at `now`, or
/// `None` when all ten are used up. `spread`, 0 to 65,535, chooses the jitter; `retry_after_s`
/// is what the receiver asked for, 0 if nothing.
pub fn next_attempt(
    attempts: u32,
    now: Timestamp,
    spread: u16,
    retry_after_s: u64,
) -> Option<Timestamp> {
    let wait_s = *WAITS_S.get(usize::try_from(attempts).ok()?)?;
    let jitter_ms = wait_s * 1_000 / JITTER_TENTH * u64::from(spread) / u64::from(u16::MAX);
    let wait_s = wait_s.max(retry_after_s.min(RETRY_AFTER_S_MAX));
    Some(now.plus(Duration::from_secs(wait_s) + Duration::from_millis(jitter_ms)))
}

/// A number from 0 to 65,535 that depends on nothing but the delivery and its attempt: it differs
/// between deliveries, and is the same when the same attempt is settled twice.
pub fn spread(webhook: &WebhookName, message_id: &str, attempts: u32) -> u16 {
    let digest = Sha256::new()
        .chain_update(webhook.as_str())
        .chain_update([0])
        .chain_update(message_id)
        .chain_update(attempts.to_be_bytes())
        .finalize();
    u16::from_be_bytes([digest[0], digest[1]])
}

/// Reads a `Retry-After` header (RFC 9110, 10.2.3), seconds or a date, into seconds. A text that
/// is neither is ignored.
pub fn retry_after_s(header: &str, now: Timestamp) -> Option<u64> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(header.parse().unwrap_or(u64::MAX));
    }
    let parser = jiff::fmt::rfc2822::DateTimeParser::new();
    let date = Timestamp::from(parser.parse_timestamp(header).ok()?);
    Some(date.since(now).as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1_000)
    }

    fn wait_s(attempts: u32, spread: u16, retry_after_s: u64) -> Option<f64> {
        let start = at(1_700_000_000);
        next_attempt(attempts, start, spread, retry_after_s)
            .map(|due| due.since(start).as_secs_f64())
    }

    #[test]
    fn ten_attempts_take_75_hours_35_minutes_and_5_seconds() {
        let mut now = at(1_700_000_000);
        let start = now;
        let mut attempts = 1;
        while let Some(due) = next_attempt(attempts, now, 0, 0) {
            now = due;
            attempts += 1;
        }
        assert_eq!(attempts, 10);
        assert_eq!(now.since(start).as_secs(), 75 * 3_600 + 35 * 60 + 5);
    }

    #[test]
    fn jitter_lengthens_a_wait_by_a_tenth_at_most() {
        assert_eq!(wait_s(1, 0, 0), Some(5.0));
        assert_eq!(wait_s(1, u16::MAX, 0), Some(5.5));
        assert_eq!(wait_s(9, 0, 0), Some(86_400.0));
        assert_eq!(wait_s(9, u16::MAX, 0), Some(95_040.0));
        assert_eq!(wait_s(10, 0, 0), None);
    }

    #[test]
    fn two_messages_do_not_come_back_together() {
        let desk = WebhookName::parse("desk").expect("a name");
        let spreads: std::collections::BTreeSet<u16> = (0..100)
            .map(|n| spread(&desk, &format!("unit-{n:012}"), 2))
            .collect();
        assert!(spreads.len() > 95);
        assert_eq!(spread(&desk, "unit-1", 2), spread(&desk, "unit-1", 2));
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_never_for_less_or_for_weeks() {
        assert_eq!(wait_s(1, 0, 60), Some(60.0));
        assert_eq!(wait_s(3, 0, 60), Some(1_800.0));
        assert_eq!(wait_s(1, 0, u64::MAX), Some(86_400.0));
        assert_eq!(wait_s(10, 0, 60), None);
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date() {
        let now = at(784_111_777); // Sun, 06 Nov 1994 08:49:37 GMT, the example of RFC 9110
        let rows = [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:51:37 GMT", Some(120)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("-5", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
        ];
        for (header, expected) in rows {
            assert_eq!(retry_after_s(header, now), expected, "{header}");
        }
    }
}
