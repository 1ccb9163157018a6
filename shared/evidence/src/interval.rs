//! How far a share that was counted on a sample may lie from the truth.

/// The quantile of a two-sided 95 % interval of the normal distribution.
const TWO_SIDED: f64 = 1.959_964;
/// The quantile of a one-sided 95 % bound.
const ONE_SIDED: f64 = 1.644_854;

/// Wilson's score interval (1927) of a share at 95 %; all of 0 to 1 if nothing was counted.
///
/// ```
/// let (low, high) = evidence::wilson(95, 100);
/// assert!((low - 0.888).abs() < 0.001 && (high - 0.978).abs() < 0.001);
/// ```
pub fn wilson(successes: u64, of: u64) -> (f64, f64) {
    if of == 0 {
        return (0.0, 1.0);
    }
    let (n, z2) = (of as f64, TWO_SIDED * TWO_SIDED);
    let share = successes as f64 / n;
    let middle = (share + z2 / (2.0 * n)) / (1.0 + z2 / n);
    let spread = share * (1.0 - share) / n + z2 / (4.0 * n * n);
    let half = TWO_SIDED * spread.sqrt() / (1.0 + z2 / n);
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

/// The upper bound at 95 % of the rate of something rare that was seen `events` times in `of`
/// trials: of a Poisson distribution; exact if nothing was seen, else by Wilson and Hilferty (1931).
/// 1 if nothing was tried.
///
/// ```
/// let bound = evidence::upper_rate(0, 1_000_000);
/// assert!((bound * 1e6 - 3.0).abs() < 0.03, "the rule of three");
/// ```
pub fn upper_rate(events: u64, of: u64) -> f64 {
    if of == 0 {
        return 1.0;
    }
    let k = events as f64 + 1.0;
    let cubed = 1.0 - 1.0 / (9.0 * k) + ONE_SIDED / (3.0 * k.sqrt());
    let most = match events {
        0 => 20f64.ln(), // what is seen never with a chance of one in twenty
        _ => k * cubed.powi(3),
    };
    (most / of as f64).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_agree_with_published_ones() {
        let check = |successes, of, low: f64, high: f64| {
            let (l, h) = wilson(successes, of);
            assert!(
                (l - low).abs() < 5e-4 && (h - high).abs() < 5e-4,
                "{successes} of {of}: {l} {h}"
            );
        };
        // Newcombe (1998), table I, method 3
        check(81, 263, 0.2553, 0.3662);
        check(15, 148, 0.0624, 0.1605);
        check(0, 20, 0.0, 0.1611);
        check(1, 29, 0.0061, 0.1718);
        check(0, 0, 0.0, 1.0);
        check(7, 7, 0.6457, 1.0);
    }

    #[test]
    fn upper_bounds_agree_with_exact_ones() {
        // half the 95 % point of chi squared with 2 (k + 1) degrees of freedom
        for (events, exact) in [(0, 2.9957), (1, 4.7439), (2, 6.2958), (10, 16.9622)] {
            let bound = upper_rate(events, 1_000) * 1_000.0;
            assert!((bound - exact).abs() < 0.02, "{events}: {bound}");
        }
        assert_eq!(upper_rate(0, 0), 1.0);
        assert_eq!(upper_rate(3, 2), 1.0);
    }
}
