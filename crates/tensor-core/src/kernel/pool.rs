//! Max and average pooling over the two trailing dimensions of planes (`N × C` of them), and their gradients.
//!
//! Output sizes, what counts as padding, which of equal maxima wins (the first) and how NaN spreads are those of
//! `torch.nn.functional.max_pool2d` and `avg_pool2d`.

use std::ops::Range;

use super::math::Float;
use super::parallel::{Matrix, for_each_rows, rows_per_task};
use super::simd::{Isa, Kernel, dispatch};
use super::window::Window;

impl Window {
    /// The indices of the input under window number `output`, padding left out.
    #[inline(always)]
    fn inside(self, output: usize, input: usize) -> impl Iterator<Item = usize> + Clone {
        let start = output * self.stride;
        // The first element that is not in the left padding.
        let skip = self.padding.saturating_sub(start).div_ceil(self.dilation);
        let first = start + skip * self.dilation;
        (skip..self.kernel)
            .map(move |k| first + (k - skip) * self.dilation - self.padding)
            .take_while(move |&index| index < input)
    }

    /// The indices of the input under an undilated window, and the elements under it with padding counted.
    #[inline(always)]
    fn span(self, output: usize, input: usize) -> (Range<usize>, usize) {
        let start = output * self.stride;
        let end = (start + self.kernel).min(input + 2 * self.padding);
        let inside = start.max(self.padding) - self.padding..end.saturating_sub(self.padding).min(input);
        (inside, end - start)
    }
}

/// Heights and widths of a plane before and after, and the window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    /// Height and width of the input.
    pub(crate) input: [usize; 2],
    /// Height and width of the output, from [`Window::output_size`].
    pub(crate) output: [usize; 2],
    /// The window in each dimension.
    pub(crate) window: [Window; 2],
}

impl Geometry {
    fn input_len(&self) -> usize {
        self.input[0] * self.input[1]
    }

    fn output_len(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Whether windows are 2 × 2, side by side, and none hangs over.
    fn is_halving(&self) -> bool {
        let halving = Window { kernel: 2, stride: 2, padding: 0, dilation: 1 };
        self.window == [halving; 2] && (0..2).all(|i| 2 * self.output[i] <= self.input[i])
    }
}

/// Writes the largest element under each window, and its index in the plane.
pub(crate) fn max_pool<F: Float>(x: &[F], geometry: Geometry, y: &mut [F], indices: &mut [i64]) {
    let (before, after) = (geometry.input_len(), geometry.output_len());
    if after == 0 {
        return;
    }
    let planes = y.len() / after;
    let out = (Matrix(y, after), Matrix(indices, after));
    for_each_rows(out, planes, rows_per_task(before), |first, (y, indices)| {
        let x = &x[first * before..first * before + y.0.len() / after * before];
        dispatch(MaxForward { x, geometry, y: y.0, indices: indices.0 });
    });
}

/// `dx`: each element of `g` at the index that [`max_pool`] gave, added where windows share it; 0 elsewhere.
pub(crate) fn max_pool_backward<F: Float>(g: &[F], indices: &[i64], geometry: Geometry, dx: &mut [F]) {
    let (before, after) = (geometry.input_len(), geometry.output_len());
    if before == 0 {
        return;
    }
    let planes = dx.len() / before;
    for_each_rows(Matrix(dx, before), planes, rows_per_task(before), |first, Matrix(dx, _)| {
        dx.fill(F::ZERO);
        for (plane, dx) in dx.chunks_exact_mut(before).enumerate() {
            let range = (first + plane) * after..(first + plane + 1) * after;
            for (&g, &index) in g[range.clone()].iter().zip(&indices[range]) {
                dx[index as usize] += g;
            }
        }
    });
}

struct MaxForward<'a, F> {
    x: &'a [F],
    geometry: Geometry,
    y: &'a mut [F],
    indices: &'a mut [i64],
}

impl<F: Float> Kernel for MaxForward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let geometry = self.geometry;
        let out = self.y.chunks_exact_mut(geometry.output_len());
        let out = out.zip(self.indices.chunks_exact_mut(geometry.output_len()));
        for (plane, (y, indices)) in out.enumerate() {
            let x = &self.x[plane * geometry.input_len()..(plane + 1) * geometry.input_len()];
            if geometry.is_halving() {
                max_plane_halving(x, geometry, y, indices);
            } else {
                max_plane(x, geometry, y, indices);
            }
        }
    }
}

/// The larger of two elements with their indices: the first of equals, NaN before any number.
#[inline(always)]
fn better<F: Float>(best: (F, i64), other: (F, i64)) -> (F, i64) {
    if (other.0 > best.0) | other.0.is_nan() { other } else { best }
}

#[inline(always)]
fn max_plane<F: Float>(x: &[F], geometry: Geometry, y: &mut [F], indices: &mut [i64]) {
    let Geometry { input: [height, width], output, window } = geometry;
    let rows = y.chunks_exact_mut(output[1]).zip(indices.chunks_exact_mut(output[1]));
    for (oy, (y, indices)) in rows.enumerate() {
        let under = window[0].inside(oy, height);
        for (ox, (y, index)) in y.iter_mut().zip(indices).enumerate() {
            let across = window[1].inside(ox, width);
            let positions = under.clone().flat_map(|iy| across.clone().map(move |ix| iy * width + ix));
            let first = positions.clone().next().unwrap_or(0);
            let start = (F::NEG_INFINITY, first as i64);
            (*y, *index) = positions.fold(start, |best, i| better(best, (x[i], i as i64)));
        }
    }
}

/// Windows of 2 × 2: two rows in, one row out, without branches.
#[inline(always)]
fn max_plane_halving<F: Float>(x: &[F], geometry: Geometry, y: &mut [F], indices: &mut [i64]) {
    let Geometry { input: [_, width], output, .. } = geometry;
    let rows = y.chunks_exact_mut(output[1]).zip(indices.chunks_exact_mut(output[1]));
    for (oy, (y, indices)) in rows.enumerate() {
        let start = 2 * oy * width;
        let (top, bottom) = x[start..start + 2 * width].split_at(width);
        let (top, bottom) = (top.as_chunks::<2>().0, bottom.as_chunks::<2>().0);
        for (ox, ((y, index), (&[a, b], &[c, d]))) in
            y.iter_mut().zip(indices).zip(top.iter().zip(bottom)).enumerate()
        {
            let at = (start + 2 * ox) as i64;
            let top = better((a, at), (b, at + 1));
            let below = at + width as i64;
            (*y, *index) = better(better(top, (c, below)), (d, below + 1));
        }
    }
}

/// What the sum under a window is divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Divisor {
    /// The elements under the window, padding counted: `count_include_pad`, the default.
    WithPadding,
    /// The elements of the input under the window.
    WithoutPadding,
    /// This number: `divisor_override`.
    Fixed(i64),
}

impl Geometry {
    /// Rows, columns and divisor of the window at `oy, ox`; `None` if it holds nothing of the input.
    #[inline(always)]
    fn mean_window(
        &self,
        oy: usize,
        ox: usize,
        divisor: Divisor,
    ) -> Option<(Range<usize>, Range<usize>, f64)> {
        let (rows, height) = self.window[0].span(oy, self.input[0]);
        let (columns, width) = self.window[1].span(ox, self.input[1]);
        if rows.is_empty() || columns.is_empty() {
            return None;
        }
        let divisor = match divisor {
            Divisor::WithPadding => (height * width) as f64,
            Divisor::WithoutPadding => (rows.len() * columns.len()) as f64,
            Divisor::Fixed(divisor) => divisor as f64,
        };
        Some((rows, columns, divisor))
    }
}

/// Writes the mean of each window; the window's dilation is taken as 1.
pub(crate) fn avg_pool<F: Float>(x: &[F], geometry: Geometry, divisor: Divisor, y: &mut [F]) {
    let (before, after, width) = (geometry.input_len(), geometry.output_len(), geometry.input[1]);
    if after == 0 {
        return;
    }
    let planes = y.len() / after;
    for_each_rows(Matrix(y, after), planes, rows_per_task(before), |first, Matrix(y, _)| {
        for (plane, y) in y.chunks_exact_mut(after).enumerate() {
            let x = &x[(first + plane) * before..(first + plane + 1) * before];
            for (i, y) in y.iter_mut().enumerate() {
                let (oy, ox) = (i / geometry.output[1], i % geometry.output[1]);
                *y = F::ZERO;
                if let Some((rows, columns, divisor)) = geometry.mean_window(oy, ox, divisor) {
                    for iy in rows {
                        let row = &x[iy * width..(iy + 1) * width];
                        row[columns.clone()].iter().for_each(|&x| *y += x);
                    }
                    *y = *y / F::from_f64(divisor);
                }
            }
        }
    });
}

/// `dx`: the share of `g` of each window that covers an element.
pub(crate) fn avg_pool_backward<F: Float>(g: &[F], geometry: Geometry, divisor: Divisor, dx: &mut [F]) {
    let (before, after, width) = (geometry.input_len(), geometry.output_len(), geometry.input[1]);
    if before == 0 {
        return;
    }
    let planes = dx.len() / before;
    for_each_rows(Matrix(dx, before), planes, rows_per_task(before), |first, Matrix(dx, _)| {
        dx.fill(F::ZERO);
        for (plane, dx) in dx.chunks_exact_mut(before).enumerate() {
            let g = &g[(first + plane) * after..(first + plane + 1) * after];
            for (i, &g) in g.iter().enumerate() {
                let (oy, ox) = (i / geometry.output[1], i % geometry.output[1]);
                if let Some((rows, columns, divisor)) = geometry.mean_window(oy, ox, divisor) {
                    let share = g / F::from_f64(divisor);
                    for iy in rows {
                        let row = &mut dx[iy * width..(iy + 1) * width];
                        row[columns.clone()].iter_mut().for_each(|dx| *dx += share);
                    }
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_close, bits, narrow, noise, same_bits_for_threads};
    use super::super::window::tests::windows;
    use super::*;

    fn each_geometry(mut check: impl FnMut(Geometry)) {
        let across = Window { kernel: 3, stride: 2, padding: 1, dilation: 1 };
        for (height, down, ceil) in windows() {
            let Some(out) = down.output_size(height, ceil) else { continue };
            for (width, across) in [(height + 1, down), (7, across)] {
                if let Some(columns) = across.output_size(width, ceil) {
                    check(Geometry {
                        input: [height, width],
                        output: [out, columns],
                        window: [down, across],
                    });
                }
            }
        }
    }

    /// The positions under a window as signed coordinates.
    fn under(geometry: Geometry, i: usize) -> Vec<(i64, i64)> {
        let at = [i / geometry.output[1], i % geometry.output[1]];
        let along = |d: usize| {
            let w = geometry.window[d];
            (0..w.kernel).map(move |k| (at[d] * w.stride + k * w.dilation) as i64 - w.padding as i64)
        };
        along(0).flat_map(|y| along(1).map(move |x| (y, x))).collect()
    }

    fn index(geometry: Geometry, (y, x): (i64, i64)) -> Option<usize> {
        let [height, width] = geometry.input.map(|n| n as i64);
        ((0..height).contains(&y) && (0..width).contains(&x)).then_some((y * width + x) as usize)
    }

    #[test]
    fn max_follows_the_definition() {
        each_geometry(|geometry| {
            let (before, after) = (geometry.input_len(), geometry.output_len());
            // Coarse values, so that maxima are often equal.
            let x: Vec<f64> = noise(3 * before, 1).iter().map(|x| (x * 3.0).round()).collect();
            let g = noise(3 * after, 2);
            let (mut y, mut indices, mut dx) =
                (vec![9.0; 3 * after], vec![-9; 3 * after], vec![9.0; 3 * before]);
            max_pool(&x, geometry, &mut y, &mut indices);
            max_pool_backward(&g, &indices, geometry, &mut dx);
            let mut want_dx = vec![0.0; 3 * before];
            for i in 0..3 * after {
                let (plane, at) = (i / after * before, i % after);
                let inside: Vec<_> = under(geometry, at).iter().filter_map(|&p| index(geometry, p)).collect();
                let Some(&first) = inside.first() else { continue };
                let best = inside.iter().fold(first, |b, &i| if x[plane + i] > x[plane + b] { i } else { b });
                assert_eq!((y[i], indices[i]), (x[plane + best], best as i64), "{geometry:?}");
                want_dx[plane + best] += g[i];
            }
            if y.iter().all(|y| y.is_finite()) {
                assert_close(&dx, &want_dx, 1e-12, 1e-12);
            }
        });
    }

    #[test]
    fn avg_follows_the_definition() {
        each_geometry(|geometry| {
            if geometry.window.iter().any(|w| w.dilation > 1) {
                return;
            }
            let (before, after) = (geometry.input_len(), geometry.output_len());
            let (x, g) = (noise(2 * before, 1), noise(2 * after, 2));
            for divisor in [Divisor::WithPadding, Divisor::WithoutPadding, Divisor::Fixed(-3)] {
                let (mut want, mut want_dx) = (vec![0.0; 2 * after], vec![0.0; 2 * before]);
                for i in 0..2 * after {
                    let (plane, at) = (i / after * before, i % after);
                    let inside: Vec<_> =
                        under(geometry, at).iter().filter_map(|&p| index(geometry, p)).collect();
                    let in_padding = |&&(y, x): &&(i64, i64)| {
                        let end = |d: usize| (geometry.input[d] + geometry.window[d].padding) as i64;
                        y < end(0) && x < end(1)
                    };
                    let count = match divisor {
                        Divisor::WithPadding => under(geometry, at).iter().filter(in_padding).count() as f64,
                        Divisor::WithoutPadding => inside.len() as f64,
                        Divisor::Fixed(n) => n as f64,
                    };
                    for &p in &inside {
                        want[i] += x[plane + p] / count;
                        want_dx[plane + p] += g[i] / count;
                    }
                }
                let (mut y, mut dx) = (vec![9.0; 2 * after], vec![9.0; 2 * before]);
                avg_pool(&x, geometry, divisor, &mut y);
                avg_pool_backward(&g, geometry, divisor, &mut dx);
                assert_close(&y, &want, 1e-12, 1e-12);
                assert_close(&dx, &want_dx, 1e-12, 1e-12);
            }
        });
    }

    const HALVING: Window = Window { kernel: 2, stride: 2, padding: 0, dilation: 1 };

    /// PyTorch 2.15: NaN wins, the last one of several; all negative infinity gives the first index.
    #[test]
    fn nan_wins_and_negative_infinity_keeps_the_first_place() {
        let (nan, inf) = (f32::NAN, f32::INFINITY);
        let x = [1.0, nan, -inf, -inf, 5.0, nan, -inf, -inf, nan, 3.0, inf, nan, 9.0, 2.0, 0.0, inf];
        let halving = Geometry { input: [4, 4], output: [2, 2], window: [HALVING; 2] };
        // The same windows by the general path.
        let same = Window { padding: 1, ..HALVING };

        let (mut y, mut indices) = ([0.0; 4], [0; 4]);
        max_pool(&x, halving, &mut y, &mut indices);
        assert_eq!(bits(&y), bits(&[nan, -inf, nan, nan]));
        assert_eq!(indices, [5, 2, 8, 11]);
        let row = Geometry {
            input: [1, 4],
            output: [1, 3],
            window: [Window { padding: 0, kernel: 1, ..same }, same],
        };
        let (mut y, mut indices) = ([0.0; 3], [0; 3]);
        max_pool(&x[..4], row, &mut y, &mut indices);
        assert_eq!(bits(&y), bits(&[1.0, nan, -inf]));
        assert_eq!(indices, [0, 1, 3]);
    }

    #[test]
    fn no_planes_and_empty_planes() {
        let geometry = Geometry { input: [4, 4], output: [2, 2], window: [HALVING; 2] };
        max_pool::<f32>(&[], geometry, &mut [], &mut []);
        max_pool_backward::<f32>(&[], &[], geometry, &mut []);
        let empty = Geometry { input: [0, 4], output: [0, 2], ..geometry };
        avg_pool::<f32>(&[], empty, Divisor::WithPadding, &mut []);
        avg_pool_backward::<f32>(&[], empty, Divisor::WithPadding, &mut []);
    }

    #[test]
    fn same_bits_for_any_number_of_threads() {
        let overlapping = Window { kernel: 3, stride: 1, padding: 1, dilation: 1 };
        let geometry = Geometry { input: [28, 29], output: [28, 29], window: [overlapping; 2] };
        let len = 100 * geometry.input_len();
        let (x, g) = (narrow(&noise(len, 1)), narrow(&noise(len, 2)));
        same_bits_for_threads(|| {
            let (mut y, mut indices, mut dx) = (vec![0.0; len], vec![0; len], vec![0.0; len]);
            max_pool(&x, geometry, &mut y, &mut indices);
            max_pool_backward(&g, &indices, geometry, &mut dx);
            [y, dx].concat()
        });
    }
}
