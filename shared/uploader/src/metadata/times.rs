//! Times as scrapers and spreadsheets write them.

use clap::ValueEnum;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use records::Timestamp;

/// How times without more are read.
#[derive(Clone, Debug, Default)]
pub struct TimeRules {
    /// The zone of times that name none.
    pub zone: Option<TimeZone>,
    /// Which of 3/4/2026 comes first.
    pub order: Option<DateOrder>,
}

/// Which comes first in a date such as 3/4/2026.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DateOrder {
    /// 3 April.
    DayFirst,
    /// 4 March.
    MonthFirst,
}

/// Why a time cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeFault {
    /// It is no time.
    Unknown,
    /// It has no zone, and none was named.
    NoZone,
    /// Day and month cannot be told apart.
    Ambiguous,
}

impl TimeFault {
    /// What is wrong, and what to do.
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Unknown => {
                "no time, e.g. 2026-11-24T10:00:00Z, 2026-11-24 10:00, 24.11.2026 or 1763978400"
            }
            Self::NoZone => "a time without a zone; name it, e.g. --time-zone Europe/Lisbon",
            Self::Ambiguous => "day or month first? say --dates day-first or --dates month-first",
        }
    }
}

impl TimeRules {
    /// The order of day and month in a column, where one of its dates tells: 24/11/2026 has but one reading.
    /// Dates that contradict each other tell nothing.
    pub(super) fn learn<'a>(mut self, column: impl Iterator<Item = &'a str>) -> Self {
        if self.order.is_some() {
            return self;
        }
        let (mut day_first, mut month_first) = (false, false);
        for (first, second, _) in column.filter_map(slashed) {
            day_first |= first > 12;
            month_first |= second > 12;
        }
        self.order = match (day_first, month_first) {
            (true, false) => Some(DateOrder::DayFirst),
            (false, true) => Some(DateOrder::MonthFirst),
            _ => None,
        };
        self
    }

    /// A time: RFC 3339, seconds or milliseconds since 1970, or a date, with a time of day or without (then its
    /// first moment).
    pub(super) fn parse(&self, text: &str) -> Result<Timestamp, TimeFault> {
        let text = text.trim();
        if let Ok(time) = Timestamp::parse(text) {
            return Ok(time);
        }
        if let Some(millis) = since_1970(text) {
            return Ok(Timestamp::from_millis(millis));
        }
        let (date, behind) = split(text);
        let date = self.date(date)?;
        let time = match behind {
            "" => Time::midnight(),
            behind => time_of_day(behind).ok_or(TimeFault::Unknown)?,
        };
        let zone = self.zone.as_ref().ok_or(TimeFault::NoZone)?;
        let zoned = zone.to_zoned(DateTime::from_parts(date, time));
        let zoned = zoned.map_err(|_| TimeFault::Unknown)?;
        Timestamp::parse(&zoned.timestamp().to_string()).map_err(|_| TimeFault::Unknown)
    }

    fn date(&self, text: &str) -> Result<Date, TimeFault> {
        for format in [
            "%Y-%m-%d",
            "%Y/%m/%d",
            "%d.%m.%Y",
            "%Y%m%d",
            "%d %b %Y",
            "%d %B %Y",
            "%b %d, %Y",
        ] {
            if let Ok(date) = Date::strptime(format, text) {
                return Ok(date);
            }
        }
        let (first, second, year) = slashed(text).ok_or(TimeFault::Unknown)?;
        let order = match self.order {
            Some(order) => order,
            None if first == second || first > 12 => DateOrder::DayFirst,
            None if second > 12 => DateOrder::MonthFirst,
            None => return Err(TimeFault::Ambiguous),
        };
        let (day, month) = match order {
            DateOrder::DayFirst => (first, second),
            DateOrder::MonthFirst => (second, first),
        };
        Date::new(year, month, day).map_err(|_| TimeFault::Unknown)
    }
}

/// The three numbers of 24/11/2026 or 24-11-2026, whose order is not known; others have their year first or points.
fn slashed(text: &str) -> Option<(i8, i8, i16)> {
    let (date, _) = split(text.trim());
    let mut numbers = date.split(['/', '-']);
    let (first, second, year) = (numbers.next()?, numbers.next()?, numbers.next()?);
    if numbers.next().is_some() || year.len() != 4 {
        return None;
    }
    Some((
        first.parse().ok()?,
        second.parse().ok()?,
        year.parse().ok()?,
    ))
}

/// The date and the time of day: between them a `T`, a comma or a space that a number with a colon follows.
fn split(text: &str) -> (&str, &str) {
    let Some(colon) = text.find(':') else {
        return (text, "");
    };
    let (before, _) = text.split_at(colon);
    let Some(at) = before.rfind(['T', ' ', ',']) else {
        return (text, "");
    };
    let (date, time) = text.split_at(at);
    (
        date.trim_end_matches([',', ' ']),
        time.trim_start_matches(['T', ' ', ',']),
    )
}

fn time_of_day(text: &str) -> Option<Time> {
    let text = text.to_ascii_uppercase();
    let formats = [
        "%H:%M",
        "%H:%M:%S",
        "%H:%M:%S%.f",
        "%I:%M %p",
        "%I:%M:%S %p",
        "%I:%M%p",
    ];
    formats
        .iter()
        .find_map(|format| Time::strptime(format, &text).ok())
}

/// Ten digits are seconds, thirteen milliseconds: of the years from 2001 on.
fn since_1970(text: &str) -> Option<i64> {
    let whole = text.split_once('.').map_or(text, |(whole, _)| whole);
    let number: i64 = whole.parse().ok()?;
    match whole.len() {
        10 => number.checked_mul(1_000),
        13 => Some(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lisbon() -> TimeRules {
        TimeRules {
            zone: TimeZone::get("Europe/Lisbon").ok(),
            order: None,
        }
    }

    #[test]
    fn the_usual_styles_are_read() {
        let same = [
            "2026-11-24T10:05:00Z",
            "2026-11-24T11:05:00+01:00",
            "2026-11-24 10:05:00",
            "2026-11-24T10:05",
            "24.11.2026 10:05",
            "24/11/2026 10:05",
            "11/24/2026 10:05 AM",
            "11/24/2026, 10:05:00 am",
            "1795514700",
            "1795514700000",
            "24 Nov 2026 10:05",
            "Nov 24, 2026 10:05",
            "1795514700.25",
        ];
        for text in same {
            let read = lisbon().parse(text).map(|time| time.to_string());
            assert_eq!(read.as_deref(), Ok("2026-11-24T10:05:00.000Z"), "{text}");
        }
    }

    #[test]
    fn a_date_alone_is_its_first_moment_in_its_zone() {
        let kyiv = TimeRules {
            zone: TimeZone::get("Europe/Kyiv").ok(),
            order: None,
        };
        let read = kyiv.parse("24.11.2026").map(|time| time.to_string());
        assert_eq!(read.as_deref(), Ok("2026-11-23T22:00:00.000Z"));
    }

    #[test]
    fn what_has_two_readings_is_not_guessed() {
        assert_eq!(lisbon().parse("3/4/2026"), Err(TimeFault::Ambiguous));
        assert!(lisbon().parse("4/4/2026").is_ok());
        let month_first = lisbon().learn(["3/4/2026", "11/24/2026 9:00"].into_iter());
        let read = month_first.parse("3/4/2026").map(|time| time.to_string());
        assert_eq!(read.as_deref(), Ok("2026-03-04T00:00:00.000Z"));
        let contradict = lisbon().learn(["24/11/2026", "11/24/2026"].into_iter());
        assert_eq!(contradict.parse("3/4/2026"), Err(TimeFault::Ambiguous));
    }

    #[test]
    fn without_a_zone_a_time_is_none() {
        let rules = TimeRules::default();
        assert_eq!(rules.parse("2026-11-24 10:05"), Err(TimeFault::NoZone));
        assert!(rules.parse("2026-11-24 10:05Z").is_ok());
        assert!(rules.parse("1795514700").is_ok());
    }

    #[test]
    fn hostile_times_are_none() {
        let long = "9".repeat(5_000);
        for text in [
            "",
            "yesterday",
            "::",
            "T:",
            "2026-13-40 10:00",
            "31/02/2026",
            "99999999999999",
            "-1795514700",
            "24.11.2026 25:00",
            "\u{661}\u{662}/\u{661}\u{661}/2026",
            "1/2/3/2026",
            long.as_str(),
        ] {
            assert!(lisbon().parse(text).is_err(), "{text}");
        }
    }
}
