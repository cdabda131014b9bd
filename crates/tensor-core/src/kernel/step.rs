//! One pass over a parameter, its gradient and what an optimizer keeps for it.

use super::parallel::{CHUNK, Rows, for_each_chunk, for_each_part, for_each_rows, map_rows};
use super::simd::{Isa, Kernel, dispatch};
use crate::step::Real;
use std::array::from_fn;

/// Elements that are computed at a time: copied to the stack, where the compiler knows that nothing overlaps, computed
/// there in vectors, copied back. 64 fill the vectors and stay in the first-level cache.
const BLOCK: usize = 64;

/// What is written: cut at the same elements.
struct Columns<'a, F, const N: usize> {
    param: &'a mut [F],
    state: [&'a mut [F]; N],
}

impl<F: Real, const N: usize> Rows for Columns<'_, F, N> {
    fn cut(self, rows: usize) -> (Self, Self) {
        let mut tail = self.state;
        let state = tail.each_mut().map(|slice| {
            let (head, rest) = std::mem::take(slice).split_at_mut(rows);
            *slice = rest;
            head
        });
        let (param, rest) = self.param.split_at_mut(rows);
        (Self { param, state }, Self { param: rest, state: tail })
    }
}

/// See [`crate::step::update`]; all slices have one length.
pub(crate) fn update<F: Real, const N: usize>(
    param: &mut [F],
    grad: &[F],
    state: [&mut [F]; N],
    body: impl Fn(F, F, [F; N]) -> (F, [F; N]) + Sync,
) {
    let count = param.len();
    for_each_rows(Columns { param, state }, count, CHUNK, |start, columns| {
        let grad = &grad[start..start + columns.param.len()];
        dispatch(Chunk { columns, grad, body: &body });
    });
}

struct Chunk<'a, F, const N: usize, B> {
    columns: Columns<'a, F, N>,
    grad: &'a [F],
    body: &'a B,
}

impl<F: Real, const N: usize, B: Fn(F, F, [F; N]) -> (F, [F; N])> Kernel for Chunk<'_, F, N, B> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let Self { columns: Columns { param, mut state }, grad, body } = self;
        let whole = param.len() / BLOCK * BLOCK;
        for at in (0..whole).step_by(BLOCK) {
            block::<F, N, B>(param, grad, &mut state, at, BLOCK, body);
        }
        if whole < param.len() {
            let rest = param.len() - whole;
            block::<F, N, B>(param, grad, &mut state, whole, rest, body);
        }
    }
}

/// Computes `count` elements from `at` on; where that is less than a block, the rest of the block is computed from
/// zeros and dropped.
#[inline(always)]
fn block<F: Real, const N: usize, B: Fn(F, F, [F; N]) -> (F, [F; N])>(
    param: &mut [F],
    grad: &[F],
    state: &mut [&mut [F]; N],
    at: usize,
    count: usize,
    body: &B,
) {
    let mut p = [F::ZERO; BLOCK];
    let mut g = [F::ZERO; BLOCK];
    let mut s = [[F::ZERO; BLOCK]; N];
    p[..count].copy_from_slice(&param[at..at + count]);
    g[..count].copy_from_slice(&grad[at..at + count]);
    for (s, state) in s.iter_mut().zip(state.iter()) {
        s[..count].copy_from_slice(&state[at..at + count]);
    }
    for i in 0..BLOCK {
        let (value, kept) = body(p[i], g[i], from_fn(|k| s[k][i]));
        p[i] = value;
        for k in 0..N {
            s[k][i] = kept[k];
        }
    }
    param[at..at + count].copy_from_slice(&p[..count]);
    for (s, state) in s.iter().zip(state) {
        state[at..at + count].copy_from_slice(&s[..count]);
    }
}

/// See [`crate::step::map`].
pub(crate) fn map<F: Real>(x: &mut [F], body: impl Fn(F) -> F + Sync) {
    for_each_chunk(x, CHUNK, |_, chunk| chunk.iter_mut().for_each(|x| *x = body(*x)));
}

/// See [`crate::step::sum`]; all slices have one length.
pub(crate) fn sum<F: Real, const N: usize>(x: [&[F]; N], term: impl Fn([F; N]) -> f64 + Sync) -> f64 {
    const LANES: usize = 8;
    let count = x.first().map_or(0, |x| x.len());
    let part = |start: usize, rows: Count| {
        let x = x.map(|x| &x[start..start + rows.0]);
        let mut lanes = [0.0; LANES];
        let whole = rows.0 / LANES * LANES;
        for at in (0..whole).step_by(LANES) {
            for (lane, sum) in lanes.iter_mut().enumerate() {
                *sum += term(x.map(|x| x[at + lane]));
            }
        }
        let rest: f64 = (whole..rows.0).map(|at| term(x.map(|x| x[at]))).sum();
        lanes.iter().sum::<f64>() + rest
    };
    map_rows(Count(count), count, CHUNK, part, |a: f64, b| a + b).unwrap_or(0.0)
}

/// Rows of which only the number is known: nothing is written.
struct Count(usize);

impl Rows for Count {
    fn cut(self, rows: usize) -> (Self, Self) {
        (Self(rows), Self(self.0 - rows))
    }
}

/// See [`crate::step::for_each`].
pub(crate) fn for_each<T: Send>(
    items: &mut [T],
    size: &(impl Fn(&T) -> usize + Sync),
    body: &(impl Fn(&mut T) + Sync),
) {
    let total = items.iter().fold(0usize, |total, item| total.saturating_add(size(item)));
    // No more threads than there are chunks of work.
    for_each_part(items.len().min(total.div_ceil(CHUNK)), items.iter_mut(), body);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{narrow, noise, same_bits_for_threads};
    use super::*;
    use crate::step;

    /// A rule with two states, as a loop over elements.
    fn rule<F: Real>(p: F, g: F, [m, v]: [F; 2]) -> (F, [F; 2]) {
        let [keep, add, eps] = F::array([0.9, 0.1, 1e-8]);
        let (m, v) = (m * keep + add * g, v * keep + add * g * g);
        (p - m / (v.sqrt() + eps), [m, v])
    }

    #[test]
    fn one_pass_is_the_plain_loop_bit_for_bit() {
        for count in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 1000, 3 * CHUNK + 5] {
            let (mut p, g) = (noise(count, 1), noise(count, 2));
            let (mut m, mut v) = (noise(count, 3), vec![0.5; count]);
            let mut want = (p.clone(), m.clone(), v.clone());
            step::update(&mut p, &g, [&mut m, &mut v], rule).unwrap();
            for i in 0..count {
                let (value, [mean, square]) = rule(want.0[i], g[i], [want.1[i], want.2[i]]);
                (want.0[i], want.1[i], want.2[i]) = (value, mean, square);
            }
            assert_eq!((p, m, v), want);
        }
    }

    #[test]
    fn the_number_of_threads_does_not_show() {
        let count = 3 * CHUNK + 5;
        let (start, grad) = (narrow(&noise(count, 1)), narrow(&noise(count, 2)));
        same_bits_for_threads(|| {
            let (mut p, mut m, mut v) = (start.clone(), vec![0.0f32; count], vec![0.0; count]);
            step::update(&mut p, &grad, [&mut m, &mut v], rule).unwrap();
            p.push(step::sum([&start], |[x]| f64::from(x) * f64::from(x)).unwrap() as f32);
            p
        });
    }

    #[test]
    fn slices_of_two_lengths_are_refused() {
        let mut p = [0.0f32; 3];
        assert!(step::update(&mut p, &[0.0; 2], [], |p, _, _: [f32; 0]| (p, [])).is_err());
        assert!(step::update(&mut p, &[0.0; 3], [&mut [0.0; 4]], |p, _, s| (p, s)).is_err());
    }

    #[test]
    fn sums_maps_and_items() {
        let mut x = noise(2 * CHUNK + 3, 1);
        let want: f64 = x.iter().map(|x| x.abs()).sum();
        assert!((step::sum([&x], |[x]| x.abs()).unwrap() - want).abs() <= 1e-10 * want);
        let half: Vec<f64> = x.iter().map(|x| x / 2.0).collect();
        step::map(&mut x, |x| x / 2.0);
        assert_eq!(x, half);
        assert_eq!(step::sum([&[0.0f32; 0]], |[x]| x.into()).unwrap(), 0.0);
        assert!(step::sum([&x[1..], &x], |[x, y]| x * y).is_err());
        let mut items: Vec<usize> = (0..100).collect();
        step::for_each(&mut items, |_| CHUNK / 4, |item| *item *= 2);
        assert!(items.iter().enumerate().all(|(i, item)| *item == 2 * i));
    }
}
