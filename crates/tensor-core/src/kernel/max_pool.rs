//! The largest element under each window over the three trailing dimensions of planes (`N × C` of them), and the
//! gradient.
//!
//! Which of equal maxima wins (the first) and how NaN spreads are those of `torch.nn.functional.max_pool2d`.

mod halving;

use super::math::Float;
use super::parallel::{Matrix, for_each_rows, map_rows, rows_per_task};
use super::simd::{Isa, Kernel, dispatch};
use super::window::{Axis, Window};

/// How the elements of one dimension are divided among the outputs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Division {
    /// A window that slides.
    Sliding(Axis),
    /// An even cover: output i sees elements ⌊i n / m⌋ to ⌈(i + 1) n / m⌉.
    Even {
        /// Elements of the input, n.
        input: usize,
        /// Outputs, m.
        output: usize,
    },
}

impl Division {
    /// Elements before and after.
    pub(crate) fn sizes(self) -> (usize, usize) {
        match self {
            Self::Sliding(Axis { input, output, .. }) | Self::Even { input, output } => (input, output),
        }
    }

    /// The elements that `output` sees.
    #[inline(always)]
    fn span(self, output: usize) -> std::iter::StepBy<std::ops::Range<usize>> {
        match self {
            Self::Sliding(Axis { input, window, .. }) => {
                let Window { kernel, stride, padding, dilation } = window;
                let start = output * stride;
                // The first element that is not in the left padding.
                let skip = padding.saturating_sub(start).div_ceil(dilation);
                let end = (start + (kernel - 1) * dilation + 1).saturating_sub(padding).min(input);
                ((start + skip * dilation).saturating_sub(padding)..end).step_by(dilation)
            }
            Self::Even { input, output: outputs } => even_part(input, outputs, output).step_by(1),
        }
    }
}

/// Part `i` of `m` of an even cover of `n` elements: ⌊i n / m⌋ to ⌈(i + 1) n / m⌉, in numbers that cannot overflow.
#[inline(always)]
pub(crate) fn even_part(n: usize, m: usize, i: usize) -> std::ops::Range<usize> {
    let (n, m, i) = (n as u128, m as u128, i as u128);
    (i * n / m) as usize..((i + 1) * n).div_ceil(m) as usize
}

/// The three dimensions of a plane, outermost first; missing ones lead as [`Axis::UNIT`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows(pub(crate) [Division; 3]);

impl Windows {
    /// Elements of a plane before and after.
    fn lens(&self) -> (usize, usize) {
        let sizes = self.0.map(Division::sizes);
        (sizes.iter().map(|s| s.0).product(), sizes.iter().map(|s| s.1).product())
    }

    /// Width before, and height and width after, where windows are 2 × 2, side by side, and none hangs over.
    fn halving(&self) -> Option<(usize, [usize; 2])> {
        let halving = Window { kernel: 2, stride: 2, padding: 0, dilation: 1 };
        match self.0 {
            [Division::Sliding(Axis::UNIT), Division::Sliding(down), Division::Sliding(across)]
                if [down, across].iter().all(|a| a.window == halving && 2 * a.output <= a.input) =>
            {
                Some((across.input, [down.output, across.output]))
            }
            _ => None,
        }
    }
}

/// Writes the largest element under each window, and its index in the plane.
pub(crate) fn max_pool<F: Float>(x: &[F], windows: Windows, y: &mut [F], indices: &mut [i64]) {
    let (before, after) = windows.lens();
    if after == 0 {
        return;
    }
    let planes = y.len() / after;
    let out = (Matrix(y, after), Matrix(indices, after));
    for_each_rows(out, planes, rows_per_task(before), |first, (y, indices)| {
        let x = &x[first * before..first * before + y.0.len() / after * before];
        dispatch(MaxForward { x, windows, y: y.0, indices: indices.0 });
    });
}

/// `dx`: each element of `g` at the index that [`max_pool`] gave, added where windows share it; 0 elsewhere. Returns
/// whether every index is one of the plane's; one that is not is passed over.
pub(crate) fn max_pool_backward<F: Float>(g: &[F], indices: &[i64], windows: Windows, dx: &mut [F]) -> bool {
    let (before, after) = windows.lens();
    if before == 0 {
        return indices.is_empty();
    }
    let planes = dx.len() / before;
    let part = |first: usize, Matrix(dx, _): Matrix<'_, F>| {
        let range = first * after..(first + dx.len() / before) * after;
        dispatch(MaxBackward { g: &g[range.clone()], indices: &indices[range], windows, dx })
    };
    map_rows(Matrix(dx, before), planes, rows_per_task(before), part, |a, b| a & b).unwrap_or(true)
}

struct MaxForward<'a, F> {
    x: &'a [F],
    windows: Windows,
    y: &'a mut [F],
    indices: &'a mut [i64],
}

impl<F: Float> Kernel for MaxForward<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let (before, after) = self.windows.lens();
        let halving = self.windows.halving();
        let out = self.y.chunks_exact_mut(after).zip(self.indices.chunks_exact_mut(after));
        for (plane, (y, indices)) in out.enumerate() {
            let x = &self.x[plane * before..(plane + 1) * before];
            match halving {
                Some((width, output)) => halving::max_plane(x, width, output, y, indices),
                None => max_plane(x, self.windows, y, indices),
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
fn max_plane<F: Float>(x: &[F], Windows(divisions): Windows, y: &mut [F], indices: &mut [i64]) {
    let [_, (height, rows), (width, columns)] = divisions.map(Division::sizes);
    let out = y.chunks_exact_mut(columns).zip(indices.chunks_exact_mut(columns));
    for (row, (y, indices)) in out.enumerate() {
        let (deep, down) = (divisions[0].span(row / rows), divisions[1].span(row % rows));
        for (column, (y, index)) in y.iter_mut().zip(indices).enumerate() {
            let across = divisions[2].span(column);
            let [z, line, i] = [&deep, &down, &across].map(|span| span.clone().next().unwrap_or(0));
            let mut best = (F::NEG_INFINITY, ((z * height + line) * width + i) as i64);
            for z in deep.clone() {
                for line in down.clone().map(|line| (z * height + line) * width) {
                    for i in across.clone().map(|i| line + i) {
                        best = better(best, (x[i], i as i64));
                    }
                }
            }
            (*y, *index) = best;
        }
    }
}

struct MaxBackward<'a, F> {
    g: &'a [F],
    indices: &'a [i64],
    windows: Windows,
    dx: &'a mut [F],
}

impl<F: Float> Kernel for MaxBackward<'_, F> {
    type Output = bool;

    #[inline(always)]
    fn run<I: Isa>(self) -> bool {
        let (before, after) = self.windows.lens();
        let halving = self.windows.halving();
        let mut inside = true;
        for (plane, dx) in self.dx.chunks_exact_mut(before).enumerate() {
            let range = plane * after..(plane + 1) * after;
            let (g, indices) = (&self.g[range.clone()], &self.indices[range]);
            // Not by a closure, which would not be compiled for the instruction set.
            let done = match halving {
                Some((width, output)) => halving::spread_plane(g, indices, width, output, dx),
                None => false,
            };
            if !done {
                inside &= scatter_plane(g, indices, dx);
            }
        }
        inside
    }
}

#[inline(always)]
fn scatter_plane<F: Float>(g: &[F], indices: &[i64], dx: &mut [F]) -> bool {
    dx.fill(F::ZERO);
    let mut inside = true;
    for (&g, &index) in g.iter().zip(indices) {
        match usize::try_from(index).ok().and_then(|index| dx.get_mut(index)) {
            Some(dx) => *dx += g,
            None => inside = false,
        }
    }
    inside
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_close, bits, narrow, noise, same_bits_for_threads};
    use super::super::window::tests::windows;
    use super::*;

    fn sliding(input: usize, output: usize, window: Window) -> Division {
        Division::Sliding(Axis { input, output, window })
    }

    const UNIT: Division = Division::Sliding(Axis::UNIT);

    /// Planes and volumes under every small window, and even covers.
    fn each_geometry(mut check: impl FnMut(Windows)) {
        let across = Window { kernel: 3, stride: 2, padding: 1, dilation: 1 };
        for (height, down, ceil) in windows() {
            let Some(out) = down.output_size(height, ceil) else { continue };
            for (width, across) in [(height + 1, down), (7, across)] {
                if let Some(columns) = across.output_size(width, ceil) {
                    check(Windows([UNIT, sliding(height, out, down), sliding(width, columns, across)]));
                }
            }
        }
        let [deep, down] = [Window { kernel: 2, ..across }, across].map(|w| sliding(5, 3, w));
        check(Windows([deep, down, sliding(4, 2, across)]));
        for (input, output) in [(5, 3), (3, 5), (4, 4), (7, 1)] {
            check(Windows([
                UNIT,
                Division::Even { input, output },
                Division::Even { input: output, output: 2 },
            ]));
        }
    }

    /// The indices of the input that output `at` sees, from the definition.
    fn under(windows: Windows, at: usize) -> Vec<usize> {
        let sizes = windows.0.map(Division::sizes);
        let outputs = [at / sizes[2].1 / sizes[1].1, at / sizes[2].1 % sizes[1].1, at % sizes[2].1];
        let along = |d: usize| -> Vec<usize> {
            let (n, i) = (sizes[d].0, outputs[d]);
            match windows.0[d] {
                Division::Sliding(Axis { window: w, .. }) => (0..w.kernel)
                    .filter_map(|k| (i * w.stride + k * w.dilation).checked_sub(w.padding))
                    .filter(|&i| i < n)
                    .collect(),
                Division::Even { output: m, .. } => (i * n / m..((i + 1) * n).div_ceil(m)).collect(),
            }
        };
        let lines = along(0).into_iter().flat_map(|z| along(1).into_iter().map(move |y| z * sizes[1].0 + y));
        lines.flat_map(|line| along(2).into_iter().map(move |x| line * sizes[2].0 + x)).collect()
    }

    #[test]
    fn max_follows_the_definition() {
        each_geometry(|windows| {
            let (before, after) = windows.lens();
            // Coarse values, so that maxima are often equal.
            let x: Vec<f64> = noise(3 * before, 1).iter().map(|x| (x * 3.0).round()).collect();
            let g = noise(3 * after, 2);
            let (mut y, mut indices, mut dx) =
                (vec![9.0; 3 * after], vec![-9; 3 * after], vec![9.0; 3 * before]);
            max_pool(&x, windows, &mut y, &mut indices);
            max_pool_backward(&g, &indices, windows, &mut dx);
            let mut want_dx = vec![0.0; 3 * before];
            for i in 0..3 * after {
                let (plane, at) = (i / after * before, i % after);
                let inside = under(windows, at);
                let Some(&first) = inside.first() else { continue };
                let best = inside.iter().fold(first, |b, &i| if x[plane + i] > x[plane + b] { i } else { b });
                assert_eq!((y[i], indices[i]), (x[plane + best], best as i64), "{windows:?}");
                want_dx[plane + best] += g[i];
            }
            if y.iter().all(|y| y.is_finite()) {
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
        let windows = Windows([UNIT, sliding(4, 2, HALVING), sliding(4, 2, HALVING)]);
        assert!(windows.halving().is_some());
        // The same windows by the general path.
        let same = Window { padding: 1, ..HALVING };

        let (mut y, mut indices) = ([0.0; 4], [0; 4]);
        max_pool(&x, windows, &mut y, &mut indices);
        assert_eq!(bits(&y), bits(&[nan, -inf, nan, nan]));
        assert_eq!(indices, [5, 2, 8, 11]);
        let row = Windows([UNIT, UNIT, sliding(4, 3, same)]);
        let (mut y, mut indices) = ([0.0; 3], [0; 3]);
        max_pool(&x[..4], row, &mut y, &mut indices);
        assert_eq!(bits(&y), bits(&[1.0, nan, -inf]));
        assert_eq!(indices, [0, 1, 3]);
    }

    /// Windows side by side with wide rows, whose planes are spread and not scattered.
    #[test]
    fn indices_of_other_windows_are_added_and_ones_outside_are_told() {
        let windows = Windows([UNIT, sliding(5, 2, HALVING), sliding(23, 11, HALVING)]);
        let (g, mut indices) = (noise(44, 1), vec![0; 44]);
        let x = noise(2 * 115, 2);
        max_pool(&x, windows, &mut vec![0.0; 44], &mut indices);
        indices[30] = 114;
        indices[31] = 114;
        let (mut dx, mut want) = (vec![9.0; 230], vec![0.0; 230]);
        for (i, &index) in indices.iter().enumerate() {
            want[i / 22 * 115 + index as usize] += g[i];
        }
        assert!(max_pool_backward(&g, &indices, windows, &mut dx));
        assert_eq!(dx, want);
        for outside in [-1, 115, i64::MIN, i64::MAX] {
            indices[3] = outside;
            assert!(!max_pool_backward(&g, &indices, windows, &mut dx), "{outside}");
        }
    }

    #[test]
    fn no_planes_and_empty_planes() {
        let windows = Windows([UNIT, sliding(4, 2, HALVING), sliding(4, 2, HALVING)]);
        max_pool::<f32>(&[], windows, &mut [], &mut []);
        max_pool_backward::<f32>(&[], &[], windows, &mut []);
        let empty = Windows([UNIT, UNIT, Division::Even { input: 0, output: 0 }]);
        max_pool::<f32>(&[], empty, &mut [], &mut []);
        max_pool_backward::<f32>(&[], &[], empty, &mut []);
    }

    #[test]
    fn same_bits_for_any_number_of_threads() {
        let overlapping = Window { kernel: 3, stride: 1, padding: 1, dilation: 1 };
        let windows = Windows([UNIT, sliding(28, 28, overlapping), sliding(29, 29, overlapping)]);
        let len = 100 * windows.lens().0;
        let (x, g) = (narrow(&noise(len, 1)), narrow(&noise(len, 2)));
        same_bits_for_threads(|| {
            let (mut y, mut indices, mut dx) = (vec![0.0; len], vec![0; len], vec![0.0; len]);
            max_pool(&x, windows, &mut y, &mut indices);
            max_pool_backward(&g, &indices, windows, &mut dx);
            [y, dx].concat()
        });
    }
}
