//! Whether two kinds of measurements can be told apart, whatever machine they were made on.

use crate::sim::Rng;

/// Measurements of two kinds, made in one run in an order drawn by chance.
#[derive(Clone, Debug, Default)]
pub struct TwoKinds {
    /// Of the one kind.
    pub ones: Vec<f64>,
    /// Of the other.
    pub others: Vec<f64>,
}

impl TwoKinds {
    /// How often one of `ones` is greater than one of `others`: 0.5 if nothing shows.
    pub fn share(&self) -> f64 {
        let wins = self.ones.iter().flat_map(|one| {
            let against = move |other: &f64| f64::from(one > other) + f64::from(one == other) / 2.0;
            self.others.iter().map(against)
        });
        wins.sum::<f64>() / self.pairs()
    }

    /// The standard error of [`Self::share`] if nothing shows (of the rank-sum statistic).
    pub fn standard_error(&self) -> f64 {
        let (n, m) = (self.ones.len() as f64, self.others.len() as f64);
        ((n + m + 1.0) / (12.0 * n * m)).sqrt()
    }

    /// Whether the share lies further from a half than three standard errors.
    pub fn are_distinguishable(&self) -> bool {
        (self.share() - 0.5).abs() > 3.0 * self.standard_error()
    }

    fn pairs(&self) -> f64 {
        (self.ones.len() * self.others.len()) as f64
    }
}

/// Measures once, and where that tells the kinds apart once more: chance does so in one round of
/// four hundred, and in two that agree in one of three hundred thousand.
///
/// # Panics
/// If both rounds tell the kinds apart in the same direction.
pub fn check_nothing_shows(what: &str, round: impl Fn(u64) -> TwoKinds) {
    let first = round(1);
    if !first.are_distinguishable() {
        return;
    }
    let second = round(2);
    let same_way = (first.share() > 0.5) == (second.share() > 0.5);
    assert!(
        !(second.are_distinguishable() && same_way),
        "{what} shows in {:.2} and {:.2} of all pairs (0.50 +- {:.2} if nothing does)",
        first.share(),
        second.share(),
        second.standard_error()
    );
}

/// `count` places, the first half of one kind and the rest of the other, in an order drawn by chance.
pub fn shuffled(count: usize, seed: u64) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    let mut rng = Rng::new(seed);
    for last in (1..count).rev() {
        order.swap(last, rng.next() as usize % (last + 1));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(ones: &[f64], others: &[f64]) -> TwoKinds {
        TwoKinds {
            ones: ones.to_vec(),
            others: others.to_vec(),
        }
    }

    #[test]
    fn a_share_counts_pairs_and_ties_by_half() {
        assert_eq!(kinds(&[2.0, 3.0], &[1.0, 2.0]).share(), 3.5 / 4.0);
        assert_eq!(kinds(&[1.0], &[1.0]).share(), 0.5);
    }

    #[test]
    fn ten_slower_ones_of_ten_are_told_apart_and_mixed_ones_are_not() {
        let slow: Vec<f64> = (0..10).map(|n| 2.0 + f64::from(n) / 10.0).collect();
        let fast: Vec<f64> = (0..10).map(|n| 1.0 + f64::from(n) / 10.0).collect();
        assert!(kinds(&slow, &fast).are_distinguishable());
        assert!(kinds(&fast, &slow).are_distinguishable());
        let (even, odd): (Vec<f64>, Vec<f64>) = (0..10)
            .map(|n| (f64::from(2 * n), f64::from(2 * n + 1)))
            .unzip();
        assert!(!kinds(&even, &odd).are_distinguishable());
    }

    #[test]
    #[should_panic(expected = "a delay shows")]
    fn what_always_shows_is_found() {
        check_nothing_shows("a delay", |_| kinds(&[2.0; 12], &[1.0; 12]));
    }

    #[test]
    fn every_place_comes_once() {
        let mut order = shuffled(24, 7);
        assert_ne!(order, (0..24).collect::<Vec<_>>());
        order.sort_unstable();
        assert_eq!(order, (0..24).collect::<Vec<_>>());
    }
}
