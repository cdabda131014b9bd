//! Max pooling under windows of 2 × 2 side by side, in blocks that become vector code. Its twin is the general loop.

use super::super::math::Float;

/// Windows of 2 × 2: two rows in, one row out.
#[inline(always)]
pub(super) fn max_plane<F: Float>(
    x: &[F],
    width: usize,
    output: [usize; 2],
    y: &mut [F],
    indices: &mut [i64],
) {
    let rows = y.chunks_exact_mut(output[1]).zip(indices.chunks_exact_mut(output[1]));
    for (row, (y, indices)) in rows.enumerate() {
        let start = 2 * row * width;
        let (top, bottom) = x[start..start + 2 * width].split_at(width);
        let (top, bottom) = (top.as_chunks::<2>().0, bottom.as_chunks::<2>().0);
        let row = Pairs { top, bottom, at: start as i64, width: width as i64 };
        match output[1] {
            ..4 => row.blocks::<1>(y, indices),
            4..8 => row.blocks::<4>(y, indices),
            _ => row.blocks::<8>(y, indices),
        }
    }
}

/// Two rows, two elements of each to a window; the first is element `at` of its plane.
struct Pairs<'a, F> {
    top: &'a [[F; 2]],
    bottom: &'a [[F; 2]],
    at: i64,
    width: i64,
}

impl<F: Float> Pairs<'_, F> {
    /// `N` windows at a time, the last ones twice if need be, so that there are no others.
    #[inline(always)]
    fn blocks<const N: usize>(&self, y: &mut [F], indices: &mut [i64]) {
        for start in overlapping::<N>(y.len()) {
            let (Some(top), Some(bottom)) =
                (block::<_, N>(self.top, start), block::<_, N>(self.bottom, start))
            else {
                return;
            };
            let (Some(y), Some(indices)) = (block_mut(y, start), block_mut(indices, start)) else { return };
            (*y, *indices) = best_of_four(top, bottom, self.at + 2 * start as i64, self.width);
        }
    }
}

/// Where blocks of `N` begin that cover `len`; the last two overlap where it is no multiple.
#[inline(always)]
fn overlapping<const N: usize>(len: usize) -> impl Iterator<Item = usize> {
    (0..len).step_by(N).map(move |start| start.min(len.saturating_sub(N)))
}

#[inline(always)]
fn block<T, const N: usize>(x: &[T], start: usize) -> Option<&[T; N]> {
    x.get(start..)?.first_chunk()
}

#[inline(always)]
fn block_mut<T, const N: usize>(x: &mut [T], start: usize) -> Option<&mut [T; N]> {
    x.get_mut(start..)?.first_chunk_mut()
}

/// The largest of each window and its index. Step by step over all windows, which becomes vector code.
#[inline(always)]
fn best_of_four<F: Float, const N: usize>(
    top: &[[F; 2]; N],
    bottom: &[[F; 2]; N],
    at: i64,
    width: i64,
) -> ([F; N], [i64; N]) {
    let (mut y, mut offset) = (top.map(|pair| pair[0]), [0; N]);
    let others = [
        (top.map(|pair| pair[1]), 1),
        (bottom.map(|pair| pair[0]), width),
        (bottom.map(|pair| pair[1]), width + 1),
    ];
    for (other, number) in others {
        let mut taken = [false; N];
        for i in 0..N {
            taken[i] = (other[i] > y[i]) | other[i].is_nan();
        }
        for i in 0..N {
            y[i] = if taken[i] { other[i] } else { y[i] };
        }
        for i in 0..N {
            offset[i] = if taken[i] { number } else { offset[i] };
        }
    }
    for (i, offset) in offset.iter_mut().enumerate() {
        *offset += at + 2 * i as i64;
    }
    (y, offset)
}

/// Windows of 2 × 2: every element of `dx` is written once. Returns whether each index lies under its window; if not,
/// `dx` holds anything.
#[inline(always)]
pub(super) fn spread_plane<F: Float>(
    g: &[F],
    indices: &[i64],
    width: usize,
    output: [usize; 2],
    dx: &mut [F],
) -> bool {
    if output[1] == 0 {
        return false;
    }
    let mut inside = true;
    let (covered, rest) = dx.split_at_mut(2 * output[0] * width);
    rest.fill(F::ZERO);
    let rows = g.chunks_exact(output[1]).zip(indices.chunks_exact(output[1]));
    for (row, ((g, indices), dx)) in rows.zip(covered.chunks_exact_mut(2 * width)).enumerate() {
        let (top, bottom) = dx.split_at_mut(width);
        let (at, width) = ((2 * row * width) as i64, width as i64);
        let ((top, top_rest), (bottom, bottom_rest)) =
            (top.as_chunks_mut::<2>(), bottom.as_chunks_mut::<2>());
        let row = Spread { g, indices, at, width };
        inside &= match output[1] {
            ..4 => row.blocks::<1>(top, bottom),
            4..8 => row.blocks::<4>(top, bottom),
            _ => row.blocks::<8>(top, bottom),
        };
        for row in [&mut top[output[1]..], &mut bottom[output[1]..]] {
            row.fill([F::ZERO; 2]);
        }
        top_rest.fill(F::ZERO);
        bottom_rest.fill(F::ZERO);
    }
    inside
}

/// The gradients of a row of windows; the first element under the first is element `at` of its plane.
struct Spread<'a, F> {
    g: &'a [F],
    indices: &'a [i64],
    at: i64,
    width: i64,
}

impl<F: Float> Spread<'_, F> {
    /// As [`Pairs::blocks`]; returns whether each index lies under its window.
    #[inline(always)]
    fn blocks<const N: usize>(&self, top: &mut [[F; 2]], bottom: &mut [[F; 2]]) -> bool {
        let mut inside = true;
        for start in overlapping::<N>(self.g.len()) {
            let (Some(&g), Some(indices)) =
                (block::<_, N>(self.g, start), block::<_, N>(self.indices, start))
            else {
                return false;
            };
            let (Some(top), Some(bottom)) = (block_mut::<_, N>(top, start), block_mut::<_, N>(bottom, start))
            else {
                return false;
            };
            let mut offset = *indices;
            for (i, offset) in offset.iter_mut().enumerate() {
                *offset = offset.wrapping_sub(self.at + 2 * (start + i) as i64);
            }
            let [a, b] = [picked(&g, &offset, 0), picked(&g, &offset, 1)];
            let [c, d] = [picked(&g, &offset, self.width), picked(&g, &offset, self.width + 1)];
            for i in 0..N {
                top[i] = [a[i], b[i]];
                bottom[i] = [c[i], d[i]];
            }
            let mut outside = 0;
            for offset in offset {
                // Neither 0 nor 1, counted from the first element of either row.
                let below = offset.wrapping_sub(self.width);
                outside |= i64::from((offset & !1 != 0) & (below & !1 != 0));
            }
            inside &= outside == 0;
        }
        inside
    }
}

/// `g` where the offset is `place`, 0 elsewhere.
#[inline(always)]
fn picked<F: Float, const N: usize>(g: &[F; N], offset: &[i64; N], place: i64) -> [F; N] {
    let mut picked = [F::ZERO; N];
    for i in 0..N {
        picked[i] = if offset[i] == place { g[i] } else { F::ZERO };
    }
    picked
}
