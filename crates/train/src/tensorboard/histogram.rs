//! TensorFlow's histograms of values.

use super::{push_bytes, push_fixed64};

/// The buckets grow by a tenth, from the first limit to the last and likewise below 0: TensorFlow's `histogram.cc`.
const FIRST: f64 = 1e-12;
const LAST: f64 = 1e20;
const GROWTH: f64 = 1.1;

/// The upper limits of all buckets, ascending. A bucket holds its lower limit, not its upper one.
fn limits() -> Vec<f64> {
    let positive =
        || std::iter::successors(Some(FIRST), |limit| Some(limit * GROWTH)).take_while(|x| *x < LAST);
    let mut limits: Vec<f64> = positive().map(|x| -x).chain([-f64::MAX]).collect();
    limits.reverse();
    limits.push(0.0);
    limits.extend(positive().chain([f64::MAX]));
    limits
}

/// `Value { tag = 1, histo = 5 { min = 1, max = 2, num = 3, sum = 4, sum_squares = 5, bucket_limit = 6, bucket = 7 } }`
pub(super) fn histogram_value(name: &str, values: &[f64]) -> Vec<u8> {
    let values = || values.iter().copied().filter(|x| x.is_finite());
    let (limits, mut counts) = buckets(values());
    // One empty bucket below says where the first one begins.
    let filled = |count: &f64| *count > 0.0;
    let first = counts.iter().position(filled).unwrap_or(1).max(1) - 1;
    let end = counts.iter().rposition(filled).map_or(first + 1, |last| last + 1);
    counts.truncate(end);
    let mut histogram = Vec::new();
    let num = values().count() as f64;
    let (sum, squares) = values().fold((0.0, 0.0), |(sum, squares), x| (sum + x, squares + x * x));
    let (min, max) = if num > 0.0 {
        (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    } else {
        (0.0, 0.0)
    };
    for (field, number) in (1..).zip([min, max, num, sum, squares]) {
        push_fixed64(&mut histogram, field, number.to_bits());
    }
    for (field, numbers) in [(6, &limits[first..end]), (7, &counts[first..])] {
        let packed: Vec<u8> = numbers.iter().flat_map(|x| x.to_le_bytes()).collect();
        push_bytes(&mut histogram, field, &packed);
    }
    let mut bytes = Vec::new();
    push_bytes(&mut bytes, 1, name.as_bytes());
    push_bytes(&mut bytes, 5, &histogram);
    bytes
}

/// The limits, and how many values each bucket has.
fn buckets(values: impl Iterator<Item = f64>) -> (Vec<f64>, Vec<f64>) {
    let limits = limits();
    let mut counts = vec![0.0; limits.len()];
    for value in values {
        let bucket = limits.partition_point(|limit| *limit <= value).min(limits.len() - 1);
        counts[bucket] += 1.0;
    }
    (limits, counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_in_the_bucket_around_it() {
        let values = [0.0, 1.0, -1.0, 1e-13, -1e-13, 1e25, f64::MAX, f64::MIN, 5.5, 1e-12];
        for value in values {
            let (limits, counts) = buckets([value].into_iter());
            let at = counts.iter().position(|count| *count == 1.0).unwrap();
            assert!(value < limits[at] || value == f64::MAX, "{value}");
            assert!(at == 0 || limits[at - 1] <= value, "{value}");
            assert_eq!(counts.iter().sum::<f64>(), 1.0);
        }
        assert!(limits().is_sorted());
    }
}
