//! A percentile of waits that were sorted into buckets (pure). Buckets of many minutes add up, which percentiles don't.

/// How much wider each bucket is than the one before it: a quarter of a doubling.
const WIDTH: f64 = 1.189_207_115_002_721;

/// The value below which a share of the waits lies; `None` of no waits. `buckets` are upper bounds and counts, in order.
/// Within a bucket waits are taken as spread evenly by ratio.
#[must_use]
pub fn of_buckets(buckets: &[(f64, f64)], share: f64) -> Option<f64> {
    let total: f64 = buckets.iter().map(|(_, count)| count).sum();
    if total <= 0.0 {
        return None;
    }
    let wanted = share * total;
    let mut below = 0.0;
    for (bound, count) in buckets {
        if *count > 0.0 && below + count >= wanted {
            let into = ((wanted - below) / count).clamp(0.0, 1.0);
            return Some(bound / WIDTH * WIDTH.powf(into));
        }
        below += count;
    }
    buckets.last().map(|(bound, _)| *bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_of_buckets_is_within_a_bucket_of_the_true_one() {
        let bound = |number: i32| WIDTH.powi(number) / 1000.0;
        let mut counts = vec![0.0; 80];
        let waits: Vec<f64> = (1..=10_000).map(|n| f64::from(n) / 1000.0).collect();
        for wait in &waits {
            let number = (wait * 1000.0).ln() / WIDTH.ln();
            counts[number.ceil().max(0.0) as usize] += 1.0;
        }
        let buckets: Vec<(f64, f64)> = (0i32..).map(bound).zip(counts).collect();
        for (share, exact) in [(0.5, 5.0), (0.95, 9.5), (0.99, 9.9)] {
            let found = of_buckets(&buckets, share).unwrap();
            assert!(
                (found / exact - 1.0).abs() < 0.1,
                "{share}: {found}, {exact}"
            );
        }
    }

    #[test]
    fn nothing_has_no_percentile_and_one_wait_is_all_of_them() {
        assert_eq!(of_buckets(&[], 0.5), None);
        assert_eq!(of_buckets(&[(0.1, 0.0)], 0.5), None);
        let only = of_buckets(&[(0.1, 1.0)], 0.99).unwrap();
        assert!(only > 0.08 && only <= 0.1, "{only}");
    }
}
