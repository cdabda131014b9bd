//! Convolution over one to three spatial dimensions, `[N, C, input…]` with weights `[O, C / groups, kernel…]`, and its
//! three gradients, as products with the patch matrix of each image and group.

use std::ops::Range;

use super::gemm::{self, Epilogue, GemmElement, MatrixMut};
use super::im2col::{col2im, im2col, is_pointwise, strip_rows, with_scratch};
use super::lanes;
use super::math::Float;
use super::parallel::{CHUNK, Matrix, for_each_rows, map_rows};
use super::simd::{Isa, Kernel, dispatch};
use super::window::{Axes, input_len, kernel_len, output_len};

/// Sizes of a convolution; channels are divisible by groups.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Geometry {
    /// Images.
    pub(crate) batch: usize,
    /// Channels of the input.
    pub(crate) in_channels: usize,
    /// Channels of the output.
    pub(crate) out_channels: usize,
    /// Groups of channels that do not see each other.
    pub(crate) groups: usize,
    /// The spatial dimensions.
    pub(crate) axes: Axes,
}

/// Multiplications that take as long as one pointwise element.
const PRODUCTS_PER_ELEMENT: usize = 32;

/// Most blocks of images whose weight gradients are summed apart.
const MAX_BLOCKS: usize = 16;

impl Geometry {
    /// Input and output channels of a group.
    fn group_channels(&self) -> (usize, usize) {
        (self.in_channels / self.groups, self.out_channels / self.groups)
    }

    /// Rows of the patch matrix of a group.
    fn patch(&self) -> usize {
        self.group_channels().0 * kernel_len(&self.axes)
    }

    /// Elements of the input and of the output of one image and group.
    fn part_lens(&self) -> (usize, usize) {
        let (inputs, outputs) = self.group_channels();
        (inputs * input_len(&self.axes), outputs * output_len(&self.axes))
    }

    /// Images and groups.
    fn parts(&self) -> usize {
        self.batch * self.groups
    }

    /// Parts of a task.
    fn parts_per_task(&self) -> usize {
        let products = self.part_lens().1.saturating_mul(self.patch());
        (CHUNK / (products / PRODUCTS_PER_ELEMENT).max(1)).max(1)
    }

    /// The strips of output rows of an image.
    fn strips(&self) -> impl Iterator<Item = Range<usize>> + use<> {
        let size = strip_rows(&self.axes, self.patch());
        let rows = self.axes[0].output * self.axes[1].output;
        (0..rows).step_by(size).map(move |first| first..(first + size).min(rows))
    }

    /// Elements of the longest strip of the patch matrix; 0 if it is the image itself.
    fn scratch_len(&self) -> usize {
        if is_pointwise(&self.axes) {
            return 0;
        }
        self.patch() * strip_rows(&self.axes, self.patch()) * self.axes[2].output
    }
}

/// A `[rows, cols]` matrix whose rows lie `stride` apart.
fn by_rows<F: GemmElement>(data: &[F], rows: usize, cols: usize, stride: usize) -> gemm::Matrix<'_, F> {
    gemm::Matrix::new(data, [rows, cols], [stride, 1])
}

/// The transpose of a `[rows, cols]` matrix whose rows lie `stride` apart.
fn transposed<F: GemmElement>(data: &[F], rows: usize, cols: usize, stride: usize) -> gemm::Matrix<'_, F> {
    gemm::Matrix::new(data, [cols, rows], [1, stride])
}

/// Calls `body(patch matrix, its columns' range)` for each strip of one image and group.
fn for_each_strip<F: Float>(
    geometry: &Geometry,
    image: &[F],
    scratch: &mut [F],
    mut body: impl FnMut(&[F], Range<usize>),
) {
    if is_pointwise(&geometry.axes) {
        return body(image, 0..output_len(&geometry.axes));
    }
    let (channels, width) = (geometry.group_channels().0, geometry.axes[2].output);
    for rows in geometry.strips() {
        let columns = rows.start * width..rows.end * width;
        let patches = &mut scratch[..geometry.patch() * columns.len()];
        im2col(image, channels, &geometry.axes, &rows, patches);
        body(patches, columns);
    }
}

/// `y = conv(x, weight) + bias`.
pub(crate) fn conv<F: GemmElement>(
    geometry: &Geometry,
    x: &[F],
    weight: &[F],
    bias: Option<&[F]>,
    y: &mut [F],
) {
    let (patch, outputs, positions) =
        (geometry.patch(), geometry.group_channels().1, output_len(&geometry.axes));
    let (before, after) = geometry.part_lens();
    for_each_rows(Matrix(y, after), geometry.parts(), geometry.parts_per_task(), |first, Matrix(y, _)| {
        with_scratch(geometry.scratch_len(), |scratch| {
            for (part, y) in (first..).zip(y.chunks_exact_mut(after.max(1))) {
                let channels = part % geometry.groups * outputs..(part % geometry.groups + 1) * outputs;
                let weight = &weight[channels.start * patch..channels.end * patch];
                if let Some(bias) = bias {
                    y.chunks_exact_mut(positions).zip(&bias[channels]).for_each(|(y, &bias)| y.fill(bias));
                }
                let beta = if bias.is_some() { F::ONE } else { F::ZERO };
                let image = &x[part * before..(part + 1) * before];
                for_each_strip(geometry, image, scratch, |patches, columns| {
                    let count = columns.len();
                    let y = MatrixMut::new(&mut y[columns.start..], [outputs, count], positions);
                    let weight = by_rows(weight, outputs, patch, patch);
                    gemm::gemm(weight, by_rows(patches, patch, count, count), beta, y, Epilogue::default());
                });
            }
        });
    });
}

/// The gradient of the input: each output's gradient times the weights, added at the places the output looked at.
pub(crate) fn conv_input_gradient<F: GemmElement>(geometry: &Geometry, g: &[F], weight: &[F], dx: &mut [F]) {
    let (patch, positions) = (geometry.patch(), output_len(&geometry.axes));
    let (inputs, outputs) = geometry.group_channels();
    let (before, after) = geometry.part_lens();
    let width = geometry.axes[2].output;
    for_each_rows(Matrix(dx, before), geometry.parts(), geometry.parts_per_task(), |first, Matrix(dx, _)| {
        with_scratch(geometry.scratch_len(), |scratch| {
            for (part, dx) in (first..).zip(dx.chunks_exact_mut(before.max(1))) {
                let group = part % geometry.groups;
                let weight = &weight[group * outputs * patch..(group + 1) * outputs * patch];
                let weight = transposed(weight, outputs, patch, patch);
                let g = &g[part * after..(part + 1) * after];
                if is_pointwise(&geometry.axes) {
                    let dx = MatrixMut::new(dx, [patch, positions], positions);
                    let g = by_rows(g, outputs, positions, positions);
                    gemm::gemm(weight, g, F::ZERO, dx, Epilogue::default());
                    continue;
                }
                dx.fill(F::ZERO);
                for rows in geometry.strips() {
                    let (start, count) = (rows.start * width, rows.len() * width);
                    let patches = &mut scratch[..patch * count];
                    let g = by_rows(&g[start..], outputs, count, positions);
                    let product = MatrixMut::new(patches, [patch, count], count);
                    gemm::gemm(weight, g, F::ZERO, product, Epilogue::default());
                    col2im(patches, inputs, &geometry.axes, &rows, dx);
                }
            }
        });
    });
}

/// The gradient of the weights, summed over fixed blocks of images, then over the blocks in a fixed tree.
pub(crate) fn conv_weight_gradient<F: GemmElement>(geometry: &Geometry, g: &[F], x: &[F], dweight: &mut [F]) {
    let (patch, positions) = (geometry.patch(), output_len(&geometry.axes));
    let (outputs, (before, after)) = (geometry.group_channels().1, geometry.part_lens());
    let images = geometry.parts_per_task().div_ceil(geometry.groups).max(geometry.batch.div_ceil(MAX_BLOCKS));
    // Transposed, `[groups, patch, outputs]`: so the smaller operand of the product is the one read across.
    let block = |first: usize, ()| {
        let mut sums = vec![F::ZERO; geometry.groups * patch * outputs];
        let last = (first + images).min(geometry.batch);
        with_scratch(geometry.scratch_len(), |scratch| {
            for part in first * geometry.groups..last * geometry.groups {
                let image = &x[part * before..(part + 1) * before];
                let g = &g[part * after..(part + 1) * after];
                let group = part % geometry.groups * patch * outputs;
                for_each_strip(geometry, image, scratch, |patches, columns| {
                    let count = columns.len();
                    let sums = MatrixMut::new(&mut sums[group..], [patch, outputs], outputs);
                    let g = transposed(&g[columns.start..], outputs, count, positions);
                    gemm::gemm(by_rows(patches, patch, count, count), g, F::ONE, sums, Epilogue::default());
                });
            }
        });
        sums
    };
    let add = |mut left: Vec<F>, right: Vec<F>| {
        lanes::add(&mut left, &right);
        left
    };
    match map_rows((), geometry.batch, images, block, add) {
        Some(sums) => {
            for (i, dweight) in dweight.iter_mut().enumerate() {
                let (channel, row) = (i / patch, i % patch);
                *dweight = sums[(channel / outputs * patch + row) * outputs + channel % outputs];
            }
        }
        None => dweight.fill(F::ZERO),
    }
}

/// The gradient of the bias: the sum of `g` over images and positions, in f64.
pub(crate) fn conv_bias_gradient<F: Float>(geometry: &Geometry, g: &[F], dbias: &mut [F]) {
    let (channels, positions) = (geometry.out_channels, output_len(&geometry.axes));
    let images = (CHUNK / (channels * positions).max(1)).max(geometry.batch.div_ceil(MAX_BLOCKS)).max(1);
    let block = |first: usize, ()| {
        let last = (first + images).min(geometry.batch);
        let mut sums = vec![0.0; channels];
        let g = &g[first * channels * positions..last * channels * positions];
        dispatch(ChannelSums { g, positions, sums: &mut sums });
        sums
    };
    let add = |mut left: Vec<f64>, right: Vec<f64>| {
        lanes::add(&mut left, &right);
        left
    };
    let sums = map_rows((), geometry.batch, images, block, add).unwrap_or_else(|| vec![0.0; channels]);
    dbias.iter_mut().zip(sums).for_each(|(dbias, sum)| *dbias = F::from_f64(sum));
}

/// Adds each row of `positions` elements to the sum of its channel.
struct ChannelSums<'a, F> {
    g: &'a [F],
    positions: usize,
    sums: &'a mut [f64],
}

impl<F: Float> Kernel for ChannelSums<'_, F> {
    type Output = ();

    #[inline(always)]
    fn run<I: Isa>(self) {
        let channels = self.sums.len();
        for (row, g) in self.g.chunks_exact(self.positions.max(1)).enumerate() {
            self.sums[row % channels] += lanes::sum(g, |g| g).to_f64();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{assert_close, narrow, noise, same_bits_for_threads};
    use super::super::window::{Axis, Window};
    use super::*;

    fn axis(input: usize, kernel: usize, stride: usize, padding: usize, dilation: usize) -> Axis {
        let window = Window { kernel, stride, padding, dilation };
        Axis { input, output: window.output_size(input, false).unwrap(), window }
    }

    fn cut(axis: Axis, output: usize) -> Axis {
        Axis { output, ..axis }
    }

    fn geometry(
        batch: usize,
        in_channels: usize,
        out_channels: usize,
        groups: usize,
        axes: Axes,
    ) -> Geometry {
        Geometry { batch, in_channels, out_channels, groups, axes }
    }

    fn geometries() -> Vec<Geometry> {
        let unit = Axis::UNIT;
        vec![
            geometry(2, 1, 1, 1, [unit; 3]),
            geometry(3, 1, 4, 1, [unit, axis(7, 3, 1, 1, 1), axis(6, 3, 1, 1, 1)]),
            geometry(2, 4, 6, 2, [unit, axis(9, 3, 2, 1, 2), axis(11, 2, 3, 0, 3)]),
            geometry(2, 6, 6, 6, [unit, axis(5, 5, 1, 2, 1), axis(4, 1, 1, 0, 1)]),
            geometry(3, 5, 7, 1, [unit, axis(6, 1, 1, 0, 1), axis(5, 1, 1, 0, 1)]),
            geometry(2, 3, 2, 1, [unit, axis(4, 1, 2, 1, 1), axis(4, 1, 1, 2, 1)]),
            geometry(2, 3, 4, 1, [unit, unit, axis(13, 4, 2, 3, 1)]),
            geometry(2, 2, 3, 1, [axis(4, 2, 1, 1, 1), axis(5, 3, 2, 1, 1), axis(6, 2, 1, 0, 2)]),
            geometry(1, 1, 1, 1, [unit, axis(1, 3, 1, 1, 1), axis(2, 5, 1, 3, 1)]),
            // One more element of padding at the end, and positions left out.
            geometry(2, 2, 3, 1, [unit, cut(axis(5, 2, 1, 0, 1), 5), cut(axis(6, 4, 1, 1, 1), 6)]),
            geometry(2, 2, 3, 1, [unit, cut(axis(9, 2, 2, 1, 4), 2), cut(axis(8, 2, 1, 1, 4), 3)]),
            // Several strips and several tasks.
            geometry(20, 40, 9, 1, [unit, axis(20, 3, 1, 1, 1), axis(20, 3, 1, 1, 1)]),
            geometry(0, 2, 3, 1, [unit, axis(5, 3, 1, 1, 1), axis(5, 3, 1, 1, 1)]),
        ]
    }

    fn lens(geometry: &Geometry) -> (usize, usize, usize) {
        let (before, after) = geometry.part_lens();
        let parts = geometry.parts();
        (parts * before, geometry.out_channels * geometry.patch(), parts * after)
    }

    /// Calls `each(x index, weight index, y index)` for every product of the convolution, from the definition.
    fn for_each_product(geometry: &Geometry, mut each: impl FnMut(usize, usize, usize)) {
        let (inputs, outputs) = geometry.group_channels();
        let (axes, plane, positions) = (geometry.axes, input_len(&geometry.axes), output_len(&geometry.axes));
        let kernel = kernel_len(&axes);
        let split =
            |i: usize, sizes: [usize; 3]| [i / sizes[2] / sizes[1], i / sizes[2] % sizes[1], i % sizes[2]];
        for n in 0..geometry.batch {
            for o in 0..geometry.out_channels {
                for (p, c, k) in (0..positions)
                    .flat_map(|p| (0..inputs).flat_map(move |c| (0..kernel).map(move |k| (p, c, k))))
                {
                    let at = split(p, axes.map(|axis| axis.output));
                    let offset = split(k, axes.map(|axis| axis.window.kernel));
                    let mut index = Some(0);
                    for d in 0..3 {
                        let Window { stride, padding, dilation, .. } = axes[d].window;
                        let i = (at[d] * stride + offset[d] * dilation) as i64 - padding as i64;
                        let inside = (0..axes[d].input as i64).contains(&i);
                        index = index.filter(|_| inside).map(|index| index * axes[d].input + i as usize);
                    }
                    if let Some(index) = index {
                        let x = (n * geometry.in_channels + o / outputs * inputs + c) * plane + index;
                        each(
                            x,
                            (o * inputs + c) * kernel + k,
                            (n * geometry.out_channels + o) * positions + p,
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn forward_and_gradients_follow_the_definition() {
        for geometry in geometries() {
            let (x_len, weight_len, y_len) = lens(&geometry);
            let (x, weight, g) = (noise(x_len, 1), noise(weight_len, 2), noise(y_len, 3));
            let bias = noise(geometry.out_channels, 4);
            let (mut want, mut want_dx, mut want_dw) =
                (vec![0.0; y_len], vec![0.0; x_len], vec![0.0; weight_len]);
            for_each_product(&geometry, |i, j, k| {
                want[k] += x[i] * weight[j];
                want_dx[i] += g[k] * weight[j];
                want_dw[j] += g[k] * x[i];
            });
            let channel = |i: usize| i / output_len(&geometry.axes) % geometry.out_channels;
            let mut want_db = vec![0.0; geometry.out_channels];
            g.iter().enumerate().for_each(|(i, g)| want_db[channel(i)] += g);
            let mut y = vec![9.0; y_len];
            conv(&geometry, &x, &weight, None, &mut y);
            assert_close(&y, &want, 1e-11, 1e-11);
            want.iter_mut().enumerate().for_each(|(i, y)| *y += bias[channel(i)]);
            conv(&geometry, &x, &weight, Some(&bias), &mut y);
            assert_close(&y, &want, 1e-11, 1e-11);
            let (mut dx, mut dw, mut db) = (vec![9.0; x_len], vec![9.0; weight_len], vec![9.0; bias.len()]);
            conv_input_gradient(&geometry, &g, &weight, &mut dx);
            conv_weight_gradient(&geometry, &g, &x, &mut dw);
            conv_bias_gradient(&geometry, &g, &mut db);
            assert_close(&dx, &want_dx, 1e-11, 1e-11);
            assert_close(&dw, &want_dw, 1e-10, 1e-10);
            assert_close(&db, &want_db, 1e-11, 1e-11);

            let (x, weight, g, bias) = (narrow(&x), narrow(&weight), narrow(&g), narrow(&bias));
            let mut y = vec![9.0; y_len];
            conv(&geometry, &x, &weight, Some(&bias), &mut y);
            assert_close(&y, &want, 1e-5, 1e-4);
            let (mut dx, mut dw, mut db) = (vec![9.0; x_len], vec![9.0; weight_len], vec![9.0; bias.len()]);
            conv_input_gradient(&geometry, &g, &weight, &mut dx);
            conv_weight_gradient(&geometry, &g, &x, &mut dw);
            conv_bias_gradient(&geometry, &g, &mut db);
            assert_close(&dx, &want_dx, 1e-5, 1e-4);
            assert_close(&dw, &want_dw, 1e-5, 1e-3);
            assert_close(&db, &want_db, 1e-5, 1e-4);
        }
    }

    /// A NaN reaches every output whose window covers it and no other.
    #[test]
    fn nan_stays_under_its_windows() {
        let line = axis(9, 3, 1, 1, 1);
        let geometry = geometry(1, 1, 1, 1, [Axis::UNIT, Axis::UNIT, line]);
        let mut x = [1.0f32; 9];
        x[4] = f32::NAN;
        let mut y = [0.0; 9];
        conv(&geometry, &x, &[1.0; 3], None, &mut y);
        assert_eq!(
            y.map(f32::is_nan),
            [3, 4, 5].iter().fold([false; 9], |mut nan, &i| {
                nan[i] = true;
                nan
            })
        );
    }

    #[test]
    fn same_bits_for_any_number_of_threads() {
        let plane = [Axis::UNIT, axis(14, 3, 1, 1, 1), axis(14, 3, 1, 1, 1)];
        let geometry = geometry(37, 8, 16, 2, plane);
        let (x_len, weight_len, y_len) = lens(&geometry);
        let (x, weight) = (narrow(&noise(x_len, 1)), narrow(&noise(weight_len, 2)));
        same_bits_for_threads(|| {
            let (mut y, mut dx) = (vec![0.0; y_len], vec![0.0; x_len]);
            let (mut dw, mut db) = (vec![0.0; weight_len], vec![0.0; 16]);
            conv(&geometry, &x, &weight, None, &mut y);
            conv_input_gradient(&geometry, &y, &weight, &mut dx);
            conv_weight_gradient(&geometry, &y, &x, &mut dw);
            conv_bias_gradient(&geometry, &y, &mut db);
            [y, dx, dw, db].concat()
        });
    }
}
