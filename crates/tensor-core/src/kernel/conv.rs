//! Convolution over one to three spatial dimensions, `[N, C, input…]` with weights `[O, C / groups, kernel…]`, and its
//! three gradients, as products with the patch matrix of each image and group.

#[cfg(target_arch = "x86_64")]
mod direct;
#[cfg(test)]
mod tests;

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

    /// Images whose weight gradients are summed together.
    fn images_per_block(&self) -> usize {
        self.parts_per_task().div_ceil(self.groups).max(self.batch.div_ceil(MAX_BLOCKS))
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
    #[cfg(target_arch = "x86_64")]
    if direct::output(geometry, x, weight, bias, y) {
        return;
    }
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
    #[cfg(target_arch = "x86_64")]
    if direct::input_gradient(geometry, g, weight, dx) {
        return;
    }
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
    #[cfg(target_arch = "x86_64")]
    if direct::weight_gradient(geometry, g, x, dweight) {
        return;
    }
    let (patch, positions) = (geometry.patch(), output_len(&geometry.axes));
    let (outputs, (before, after)) = (geometry.group_channels().1, geometry.part_lens());
    let images = geometry.images_per_block();
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
