//! Work on many items on all cores, its results in the items' order.

use rayon::prelude::*;

/// Items in flight for each core: enough that a slow one seldom leaves the others waiting, few
/// enough that results are not hoarded.
const IN_FLIGHT_PER_CORE: usize = 32;

/// Runs `work` on every item, on all cores, and hands each result to `take` with the item's
/// number, in order, while the rest is still to come. Stops at `take`'s first error.
///
/// # Errors
/// The error of `take`.
pub fn in_order<I: Sync, R: Send, E>(
    items: &[I],
    work: impl Fn(&I) -> R + Sync,
    mut take: impl FnMut(usize, R) -> Result<(), E>,
) -> Result<(), E> {
    let mut number = 0;
    for some in items.chunks(IN_FLIGHT_PER_CORE * rayon::current_num_threads()) {
        let results: Vec<R> = some.par_iter().with_max_len(1).map(&work).collect();
        for result in results {
            take(number, result)?;
            number += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_items_order_and_stop_at_an_error() {
        let items: Vec<usize> = (0..1_000).collect();
        let mut taken = Vec::new();
        let end = in_order(
            &items,
            |item| item * 2,
            |_, double| {
                taken.push(double);
                if double < 600 { Ok(()) } else { Err("enough") }
            },
        );
        assert_eq!(end, Err("enough"));
        assert_eq!(taken, (0..=300).map(|i| i * 2).collect::<Vec<_>>());
    }
}
