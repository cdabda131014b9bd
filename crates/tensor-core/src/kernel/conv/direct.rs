//! Convolution of f32 without a patch matrix, where the window moves by one and rows stay as long as they are.
//!
//! Then element `p` of a plane of the output sees, under each offset of the kernel, element `p + shift` of a plane of the
//! input, or nothing at the edges. So the product with the patch matrix is one with the image itself, read at a shift
//! and under a mask for each offset, and the sums of all offsets stay in registers.

use std::ops::Range;

use super::Geometry;
use crate::kernel::gemm::{Bias, GemmElement, Micro, Panel, Segment, transpose};
use crate::kernel::im2col::with_scratch;
use crate::kernel::lanes;
use crate::kernel::parallel::{Matrix, for_each_rows, map_rows};
use crate::kernel::simd::{self, Level};
use crate::kernel::window::{Axis, output_len};

/// Fewer channels leave the loop over them too short, and the patch matrix is small.
const LEAST_CHANNELS: usize = 8;

/// Bits of a word of a mask.
const WORD: usize = u32::BITS as usize;

/// What an offset of the kernel adds to the row and column of an element of the output to find that of the input.
#[derive(Clone, Copy, Debug)]
struct Tap {
    down: isize,
    across: isize,
}

impl Tap {
    fn reversed(self) -> Self {
        Self { down: -self.down, across: -self.across }
    }

    /// The places `i` below `here` for which `i + by` is a place below `there`.
    fn inside(by: isize, here: usize, there: usize) -> Range<usize> {
        let start = by.min(0).unsigned_abs().min(here);
        start..there.saturating_add_signed(-by).min(here).max(start)
    }
}

/// A convolution that can be done this way.
pub(super) struct Direct {
    geometry: Geometry,
    micro: Micro,
    taps: Vec<Tap>,
    /// Rows of a plane of the input and of the output, and the columns of both.
    inputs: usize,
    outputs: usize,
    width: usize,
}

impl Direct {
    /// `geometry` on the kernels of `level`; None if it is none for this way.
    pub(super) fn new(geometry: &Geometry, level: Level) -> Option<Self> {
        let (inputs, outputs) = geometry.group_channels();
        let [deep, down, across] = geometry.axes;
        let steps_of_one =
            down.window.stride == 1 && across.window.stride == 1 && across.input == across.output;
        if inputs.min(outputs) < LEAST_CHANNELS || deep != Axis::UNIT || !steps_of_one {
            return None;
        }
        let by = |axis: Axis, k: usize| (k * axis.window.dilation) as isize - axis.window.padding as isize;
        let (height, width) = (down.window.kernel, across.window.kernel);
        let taps =
            (0..height * width).map(|i| Tap { down: by(down, i / width), across: by(across, i % width) });
        let micro = Micro::new(level)?;
        let sizes = (down.input, down.output, across.output);
        Some(Self {
            geometry: *geometry,
            micro,
            taps: taps.collect(),
            inputs: sizes.0,
            outputs: sizes.1,
            width: sizes.2,
        })
    }

    /// As [`super::conv`].
    pub(super) fn output(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>, y: &mut [f32]) {
        let (channels, outputs) = self.geometry.group_channels();
        let count = self.taps.len();
        let packed = self.pack(outputs, channels, |group, i, p, tap| {
            weight[((group * outputs + i) * channels + p) * count + tap]
        });
        let shifted =
            Shifted::new(self, &self.taps, [self.outputs, self.inputs], [outputs, channels], &packed);
        shifted.run(x, bias, y);
    }

    /// As [`super::conv_input_gradient`]: a convolution too, with the kernel turned around.
    pub(super) fn input_gradient(&self, g: &[f32], weight: &[f32], dx: &mut [f32]) {
        let (channels, outputs) = self.geometry.group_channels();
        let count = self.taps.len();
        let packed = self.pack(channels, outputs, |group, i, p, tap| {
            weight[((group * outputs + p) * channels + i) * count + tap]
        });
        let taps: Vec<Tap> = self.taps.iter().map(|tap| tap.reversed()).collect();
        Shifted::new(self, &taps, [self.inputs, self.outputs], [channels, outputs], &packed).run(g, None, dx);
    }

    /// The weights as panels read them: `[group][rows of a panel][tap][p][row]`.
    fn pack(&self, rows: usize, k: usize, at: impl Fn(usize, usize, usize, usize) -> f32) -> Vec<f32> {
        let mut packed = Vec::with_capacity(self.geometry.groups * rows * k * self.taps.len());
        for group in 0..self.geometry.groups {
            for block in even(rows, self.micro.rows) {
                for tap in 0..self.taps.len() {
                    for p in 0..k {
                        packed.extend(block.clone().map(|i| at(group, i, p, tap)));
                    }
                }
            }
        }
        packed
    }

    /// As [`super::conv_weight_gradient`].
    pub(super) fn weight_gradient(&self, g: &[f32], x: &[f32], dweight: &mut [f32]) {
        let Geometry { batch, groups, .. } = self.geometry;
        let (channels, outputs) = self.geometry.group_channels();
        let (before, after) = self.geometry.part_lens();
        let (images, count) = (self.geometry.images_per_block(), self.taps.len());
        let block = |first: usize, ()| {
            let mut sums = vec![0.0; groups * count * channels * outputs];
            with_scratch(after, |turned| {
                for part in first * groups..(first + images).min(batch) * groups {
                    transpose(&g[part * after..], output_len(&self.geometry.axes), outputs, turned, outputs);
                    let group = part % groups * count * channels * outputs;
                    self.add_image(&x[part * before..][..before], turned, &mut sums[group..]);
                }
            });
            sums
        };
        let add = |mut left: Vec<f32>, right: Vec<f32>| {
            lanes::add(&mut left, &right);
            left
        };
        let Some(sums) = map_rows((), batch, images, block, add) else { return dweight.fill(0.0) };
        // From [group][tap][channel][output] to [group][output][channel][tap].
        for (i, dweight) in dweight.chunks_exact_mut(channels * count).enumerate() {
            let sums = &sums[i / outputs * count * channels * outputs + i % outputs..];
            for (channel, dweight) in dweight.chunks_exact_mut(count).enumerate() {
                let taps = sums[channel * outputs..].iter().step_by(channels * outputs);
                dweight.iter_mut().zip(taps).for_each(|(dweight, &sum)| *dweight = sum);
            }
        }
    }

    /// Adds the products of one image and group to `sums`, `[tap][channel][output]`; `g` is `[position][output]`.
    fn add_image(&self, x: &[f32], g: &[f32], sums: &mut [f32]) {
        let (channels, outputs) = self.geometry.group_channels();
        let plane = self.inputs * self.width;
        let mut segments = Vec::new();
        for j in (0..outputs).step_by(self.micro.cols) {
            let cols = self.micro.cols.min(outputs - j);
            for (t, tap) in self.taps.iter().enumerate() {
                segments.clear();
                let across = Tap::inside(tap.across, self.width, self.width);
                let down = Tap::inside(tap.down, self.outputs, self.inputs);
                segments.extend(down.filter(|_| !across.is_empty()).map(|row| {
                    let position = row * self.width + across.start;
                    Segment {
                        k: across.len(),
                        // Both inside the plane: so the sum is no less than 0.
                        a: position.wrapping_add_signed(tap.down * self.width as isize + tap.across),
                        b: (position * outputs + j) as isize,
                        columns: u32::MAX >> (WORD - cols),
                    }
                }));
                for rows in even(channels, self.micro.rows) {
                    let panel = Panel {
                        rows: rows.len(),
                        cols,
                        segments: &segments,
                        a: &x[rows.start * plane..],
                        a_strides: [plane, 1],
                        b: g,
                        b_stride: outputs,
                        beta: 1.0,
                        bias: Bias::None,
                        relu: false,
                        c_stride: outputs,
                    };
                    self.micro.run_in(&panel, &mut sums[(t * channels + rows.start) * outputs + j..]);
                }
            }
        }
    }
}

/// Runs of at most `most` that cover `0..len` and are as equal as can be.
fn even(len: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let count = len.div_ceil(most);
    (0..count).map(move |i| i * len / count..(i + 1) * len / count)
}

/// Sums over taps and channels: `[rows, positions here]` of products of weights and planes read at shifts.
struct Shifted<'a> {
    direct: &'a Direct,
    taps: &'a [Tap],
    /// For each tap, a bit for each position: whether there is an element at its shift.
    masks: Vec<Vec<u32>>,
    /// Rows of a plane of the result and of what is read.
    here: usize,
    there: usize,
    /// Planes of the result and of what is read, of one group.
    rows: usize,
    k: usize,
    packed: &'a [f32],
}

impl<'a> Shifted<'a> {
    fn new(
        direct: &'a Direct,
        taps: &'a [Tap],
        [here, there]: [usize; 2],
        [rows, k]: [usize; 2],
        packed: &'a [f32],
    ) -> Self {
        let width = direct.width;
        let mask = |tap: &Tap| {
            let mut words = vec![0; (here * width).div_ceil(WORD)];
            let across = Tap::inside(tap.across, width, width);
            for row in Tap::inside(tap.down, here, there) {
                for position in row * width + across.start..row * width + across.end {
                    words[position / WORD] |= 1 << (position % WORD);
                }
            }
            words
        };
        Self { direct, taps, masks: taps.iter().map(mask).collect(), here, there, rows, k, packed }
    }

    /// Writes all images; `bias` has a number for each plane of the result.
    fn run(&self, from: &[f32], bias: Option<&[f32]>, to: &mut [f32]) {
        let Geometry { groups, .. } = self.direct.geometry;
        let (before, after) =
            (self.k * self.there * self.direct.width, self.rows * self.here * self.direct.width);
        let (parts, size) = (self.direct.geometry.parts(), self.direct.geometry.parts_per_task());
        for_each_rows(Matrix(to, after), parts, size, |first, Matrix(to, _)| {
            for (part, to) in (first..).zip(to.chunks_exact_mut(after.max(1))) {
                let group = part % groups;
                let packed = &self.packed[group * self.rows * self.k * self.taps.len()..];
                let bias = bias.map(|bias| &bias[group * self.rows..][..self.rows]);
                self.image(&from[part * before..][..before], packed, bias, to);
            }
        });
    }

    /// Writes one image and group.
    fn image(&self, from: &[f32], packed: &[f32], bias: Option<&[f32]>, to: &mut [f32]) {
        let (micro, width) = (&self.direct.micro, self.direct.width);
        let (positions, plane) = (self.here * width, self.there * width);
        let mut segments = Vec::with_capacity(self.taps.len());
        for j in (0..positions).step_by(micro.cols) {
            let cols = micro.cols.min(positions - j);
            for rows in even(self.rows, micro.rows) {
                segments.clear();
                segments.extend(self.taps.iter().zip(&self.masks).enumerate().map(|(t, (tap, mask))| {
                    Segment {
                        k: self.k,
                        a: t * self.k * rows.len(),
                        b: j as isize + tap.down * width as isize + tap.across,
                        columns: mask[j / WORD] >> (j % WORD) & u32::MAX >> (WORD - cols),
                    }
                }));
                let panel = Panel {
                    rows: rows.len(),
                    cols,
                    segments: &segments,
                    a: &packed[rows.start * self.k * self.taps.len()..],
                    a_strides: [1, rows.len()],
                    b: from,
                    b_stride: plane,
                    beta: 0.0,
                    bias: bias.map_or(Bias::None, |bias| Bias::Rows(&bias[rows.clone()])),
                    relu: false,
                    c_stride: positions,
                };
                micro.run_in(&panel, &mut to[rows.start * positions + j..]);
            }
        }
    }
}

/// As [`super::conv`], if it can be done this way; returns whether it was.
pub(super) fn output<F: GemmElement>(
    geometry: &Geometry,
    x: &[F],
    weight: &[F],
    bias: Option<&[F]>,
    y: &mut [F],
) -> bool {
    let (Some(x), Some(weight), Some(y)) = (F::f32s(x), F::f32s(weight), F::f32s_mut(y)) else {
        return false;
    };
    let Some(direct) = Direct::new(geometry, simd::level()) else { return false };
    direct.output(x, weight, bias.and_then(F::f32s), y);
    true
}

/// As [`super::conv_input_gradient`], if it can be done this way; returns whether it was.
pub(super) fn input_gradient<F: GemmElement>(
    geometry: &Geometry,
    g: &[F],
    weight: &[F],
    dx: &mut [F],
) -> bool {
    let (Some(g), Some(weight), Some(dx)) = (F::f32s(g), F::f32s(weight), F::f32s_mut(dx)) else {
        return false;
    };
    let Some(direct) = Direct::new(geometry, simd::level()) else { return false };
    direct.input_gradient(g, weight, dx);
    true
}

/// As [`super::conv_weight_gradient`], if it can be done this way; returns whether it was.
pub(super) fn weight_gradient<F: GemmElement>(
    geometry: &Geometry,
    g: &[F],
    x: &[F],
    dweight: &mut [F],
) -> bool {
    let (Some(g), Some(x), Some(dweight)) = (F::f32s(g), F::f32s(x), F::f32s_mut(dweight)) else {
        return false;
    };
    let Some(direct) = Direct::new(geometry, simd::level()) else { return false };
    direct.weight_gradient(g, x, dweight);
    true
}
