//! Ordering rows: every element becomes an integer that compares as it does, with its index below, so that one sort
//! serves all element types, is stable, and has one result for any number of threads.

use super::parallel::{Matrix, for_each_rows, rows_per_task};
use crate::Element;
use rayon::slice::ParallelSliceMut;

/// Elements of a row that is sorted by several threads.
const LONG: usize = 1 << 16;

/// An integer that compares as `x` does: −0 equals 0, NaN equals NaN and comes last.
#[inline(always)]
pub(crate) fn key<T: Element>(x: T) -> u64 {
    const SIGN: u64 = 1 << 63;
    if !T::DTYPE.is_float() {
        return x.to_i64() as u64 ^ SIGN;
    }
    let x = x.to_f64();
    if x.is_nan() {
        return u64::MAX;
    }
    // Adding 0 makes −0 a 0. The bits of positive floats ascend with them, those of negative ones descend.
    let bits = (x + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// A key with its index: no two are equal, and those of equal elements are in the order of their indices.
pub(crate) type Ranked = u128;

/// The index of a ranked element.
#[inline(always)]
pub(crate) fn index(ranked: Ranked) -> usize {
    ranked as u64 as usize
}

/// The elements of `row` ranked, in their order.
pub(crate) fn ranked<T: Element>(row: &[T], descending: bool) -> Vec<Ranked> {
    let flip = if descending { u64::MAX } else { 0 };
    row.iter().enumerate().map(|(i, &x)| u128::from(key(x) ^ flip) << 64 | i as u128).collect()
}

/// Sorts ranked elements.
pub(crate) fn sort(ranked: &mut [Ranked]) {
    if ranked.len() >= LONG { ranked.par_sort_unstable() } else { ranked.sort_unstable() }
}

/// Calls `body(row r of x, row r of values, row r of indices)` for each row, rows in parallel.
fn for_each_row<T: Element>(
    (x, cols): (&[T], usize),
    (values, indices, kept): (&mut [T], &mut [i64], usize),
    body: impl Fn(&[T], &mut [T], &mut [i64]) + Sync,
) {
    let rows = values.len().checked_div(kept).unwrap_or(0);
    // A comparison sort costs some tens of pointwise operations an element.
    let cost = 32 * cols;
    let out = (Matrix(values, kept), Matrix(indices, kept));
    for_each_rows(out, rows, rows_per_task(cost), |first, (values, indices)| {
        let rows = values.0.chunks_exact_mut(kept).zip(indices.0.chunks_exact_mut(kept));
        for (r, (values, indices)) in rows.enumerate() {
            body(&x[(first + r) * cols..(first + r + 1) * cols], values, indices);
        }
    });
}

/// Writes the elements that `ranked` names, and their indices.
fn write<T: Element>(row: &[T], ranked: &[Ranked], values: &mut [T], indices: &mut [i64]) {
    for ((&ranked, value), at) in ranked.iter().zip(values).zip(indices) {
        *value = row[index(ranked)];
        *at = index(ranked) as i64;
    }
}

/// Each row of `cols` elements sorted, equal elements in their order, and the indices of the elements.
pub(crate) fn sort_rows<T: Element>(
    x: &[T],
    cols: usize,
    descending: bool,
    values: &mut [T],
    indices: &mut [i64],
) {
    for_each_row((x, cols), (values, indices, cols), |row, values, indices| {
        let mut ranked = ranked(row, descending);
        sort(&mut ranked);
        write(row, &ranked, values, indices);
    });
}

/// The first `k` of each sorted row of `cols` elements, and their indices.
pub(crate) fn top_rows<T: Element>(
    (x, cols): (&[T], usize),
    k: usize,
    descending: bool,
    values: &mut [T],
    indices: &mut [i64],
) {
    for_each_row((x, cols), (values, indices, k), |row, values, indices| {
        let mut ranked = ranked(row, descending);
        if k < ranked.len() {
            ranked.select_nth_unstable(k);
            ranked.truncate(k);
        }
        sort(&mut ranked);
        write(row, &ranked, values, indices);
    });
}

/// The element of each row of `cols` elements that has rank `rank(numbers)` in the sorted row, where `numbers` is how
/// many are not NaN, and its index.
pub(crate) fn nth_rows<T: Element>(
    (x, cols): (&[T], usize),
    rank: impl Fn(usize) -> usize + Sync,
    values: &mut [T],
    indices: &mut [i64],
) {
    for_each_row((x, cols), (values, indices, 1), |row, values, indices| {
        let mut ranked = ranked(row, false);
        let numbers = row.iter().filter(|x| !x.to_f64().is_nan()).count();
        let (_, &mut nth, _) = ranked.select_nth_unstable(rank(numbers));
        write(row, &[nth], values, indices);
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_compare_as_elements() {
        let ascending = [f64::NEG_INFINITY, -2.5, -1e-300, 0.0, 5e-324, 1.0, 1e300, f64::INFINITY, f64::NAN];
        for pair in ascending.windows(2) {
            assert!(key(pair[0]) < key(pair[1]), "{pair:?}");
        }
        assert_eq!(key(0.0f32), key(-0.0f32));
        assert_eq!(key(f32::NAN), key(-f32::NAN));
        assert!(key(i64::MIN) < key(-1i64) && key(-1i64) < key(0i64) && key(0i64) < key(i64::MAX));
        assert!(key(3u8) < key(200u8) && key(false) < key(true));
    }

    #[test]
    fn a_long_row_sorts_as_a_short_one() {
        let x: Vec<f32> = (0..2 * LONG).map(|i| ((i * 7919) % 1009) as f32).collect();
        let mut many = ranked(&x, true);
        let mut one = many.clone();
        sort(&mut many);
        one.sort_unstable();
        assert_eq!(many, one);
    }
}
