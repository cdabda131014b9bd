//! The mean under each window, sliding or of an even cover; the gradient gives each element its share of every window
//! over it. Both are products with a matrix along each dimension, and each other's transpose.

use super::conv::coordinates;
use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample, Sampler};
use crate::{AvgPoolOptions, Result, Shape, Var};
use tensor_core::{Resampling, Tensor};

/// Weighted sums along trailing dimensions: linear, so the rule is the transposed product.
pub(super) struct Resample(pub Resampling);

impl Op for Resample {
    fn name(&self) -> &'static str {
        self.0.op()
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].resample(&self.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(apply(Resample(self.0.transposed()), &[ctx.grad()])?)]))
    }
}

impl Var {
    /// The mean under each window of `[N, C, L]` or `[C, L]`: `torch.nn.functional.avg_pool1d`.
    ///
    /// # Errors
    /// If the input is smaller than the kernel, an option is out of range, or the dtype is not floating-point.
    #[track_caller]
    pub fn avg_pool1d(&self, options: AvgPoolOptions<1>) -> Result<Var> {
        apply(Resample(Resampling::avg_pool(self.shape(), options)?), &[self])
    }

    /// The mean under each window of `[N, C, H, W]` or `[C, H, W]`: `torch.nn.functional.avg_pool2d`.
    ///
    /// # Errors
    /// If the input is smaller than the kernel, an option is out of range, or the dtype is not floating-point.
    #[track_caller]
    pub fn avg_pool2d(&self, options: AvgPoolOptions) -> Result<Var> {
        apply(Resample(Resampling::avg_pool(self.shape(), options)?), &[self])
    }

    /// The mean under each window of `[N, C, D, H, W]` or `[C, D, H, W]`: `torch.nn.functional.avg_pool3d`.
    ///
    /// # Errors
    /// If the input is smaller than the kernel, an option is out of range, or the dtype is not floating-point.
    #[track_caller]
    pub fn avg_pool3d(&self, options: AvgPoolOptions<3>) -> Result<Var> {
        apply(Resample(Resampling::avg_pool(self.shape(), options)?), &[self])
    }

    /// The means over `output` even parts of `[N, C, L]` or `[C, L]`: `torch.nn.functional.adaptive_avg_pool1d`.
    ///
    /// # Errors
    /// If there are other dimensions, a length of 0, or the dtype is not floating-point.
    #[track_caller]
    pub fn adaptive_avg_pool1d(&self, output: usize) -> Result<Var> {
        apply(Resample(Resampling::adaptive_avg_pool(self.shape(), [Some(output)])?), &[self])
    }

    /// The means over an even grid of `output` (height, width) parts of `[N, C, H, W]` or `[C, H, W]`:
    /// `torch.nn.functional.adaptive_avg_pool2d`. A size of `None` stays that of the input.
    ///
    /// # Errors
    /// If there are other dimensions, a height or width of 0, or the dtype is not floating-point.
    #[track_caller]
    pub fn adaptive_avg_pool2d(&self, output: [Option<usize>; 2]) -> Result<Var> {
        apply(Resample(Resampling::adaptive_avg_pool(self.shape(), output)?), &[self])
    }

    /// The means over an even grid of `output` parts of `[N, C, D, H, W]` or `[C, D, H, W]`:
    /// `torch.nn.functional.adaptive_avg_pool3d`. A size of `None` stays that of the input.
    ///
    /// # Errors
    /// If there are other dimensions, a spatial size of 0, or the dtype is not floating-point.
    #[track_caller]
    pub fn adaptive_avg_pool3d(&self, output: [Option<usize>; 3]) -> Result<Var> {
        apply(Resample(Resampling::adaptive_avg_pool(self.shape(), output)?), &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "avg_pool",
    sample: |s| match s.below(5) {
        0 => sliding::<1>(s, Var::avg_pool1d),
        1 => sliding::<2>(s, Var::avg_pool2d),
        2 => sliding::<3>(s, Var::avg_pool3d),
        _ => adaptive(s),
    },
    order: 2,
};

fn sliding<const N: usize>(s: &mut Sampler, method: fn(&Var, AvgPoolOptions<N>) -> Result<Var>) -> Result<Sample> {
    let mut draw = |low: usize, high: usize| [(); N].map(|()| low + s.below(high - low + 1));
    let (kernel, stride, extra) = (draw(1, 3), draw(1, 3), draw(0, 2));
    let padding = kernel.map(|kernel| s.below(kernel / 2 + 1));
    let (ceil_mode, count_include_pad) = (s.one_in(2), s.one_in(2));
    let divisor_override = if s.one_in(4) { Some(-3) } else { None };
    let lead = [2, 1 + s.below(2)];
    let sizes = (0..N).map(|d| kernel[d] + extra[d]);
    let shape: Shape = lead[s.below(2)..].iter().copied().chain(sizes).collect();
    let x = s.tensor(&shape, -2.0, 2.0)?;
    let options = AvgPoolOptions { kernel, stride, padding, ceil_mode, count_include_pad, divisor_override };
    let expected = naive(&x, options)?;
    Ok(Sample::new(vec![x], move |x| method(&x[0], options)).expect(expected))
}

/// The sum over every element under every window, as PyTorch's documentation has it.
fn naive<const N: usize>(x: &Tensor, options: AvgPoolOptions<N>) -> Result<Vec<f64>> {
    let AvgPoolOptions { kernel, stride, padding, ceil_mode, count_include_pad, divisor_override } = options;
    let sizes = &x.shape()[x.rank() - N..];
    let count = |d: usize| {
        let room = sizes[d] + 2 * padding[d] - kernel[d];
        let last = if ceil_mode { room.div_ceil(stride[d]) } else { room / stride[d] };
        if last * stride[d] >= sizes[d] + padding[d] { last } else { last + 1 }
    };
    let counts: [usize; N] = std::array::from_fn(count);
    let (plane, windows, elements) =
        (sizes.iter().product(), counts.iter().product(), kernel.iter().product::<usize>());
    let mut y = Vec::new();
    for plane in x.to_vec::<f64>()?.chunks(plane) {
        for i in 0..windows {
            let at: [usize; N] = coordinates(i, &counts);
            let (mut sum, mut inside, mut padded) = (0.0, 0, 0);
            for j in 0..elements {
                let offset: [usize; N] = coordinates(j, &kernel);
                let place = |d: usize| at[d] * stride[d] + offset[d];
                padded += usize::from((0..N).all(|d| place(d) < sizes[d] + 2 * padding[d]));
                let index = (0..N).try_fold(0, |index, d| {
                    let i = place(d).checked_sub(padding[d]).filter(|&i| i < sizes[d])?;
                    Some(index * sizes[d] + i)
                });
                if let Some(index) = index {
                    sum += plane[index];
                    inside += 1;
                }
            }
            let divisor = if count_include_pad { padded } else { inside };
            y.push(if inside == 0 { 0.0 } else { sum / divisor_override.map_or(divisor as f64, |d| d as f64) });
        }
    }
    Ok(y)
}

fn adaptive(s: &mut Sampler) -> Result<Sample> {
    let (batch, channels) = (s.below(3), s.size());
    let (sizes, parts) = ([s.size(), s.size(), s.size()], [s.size(), s.size(), s.size()]);
    let (rank, whole) = (1 + s.below(3), s.one_in(3));
    let shape: Shape = [batch, channels].iter().chain(&sizes[..rank]).copied().collect();
    let x = s.tensor(&shape, -2.0, 2.0)?;
    // One dimension after the other, as the definition has the mean of a box.
    let mut values = x.to_vec::<f64>()?;
    for d in 0..rank {
        let m = if whole && rank > 1 && d == rank - 1 { sizes[d] } else { parts[d] };
        let (n, inner) = (sizes[d], sizes[d + 1..rank].iter().product::<usize>());
        let mut means = Vec::new();
        for plane in values.chunks(n * inner) {
            for i in 0..m * inner {
                let part = i / inner * n / m..((i / inner + 1) * n).div_ceil(m);
                let count = part.len() as f64;
                means.push(part.map(|row| plane[row * inner + i % inner]).sum::<f64>() / count);
            }
        }
        values = means;
    }
    let [a, b, c] = parts;
    let last = move |m| if whole { None } else { Some(m) };
    Ok(Sample::new(vec![x], move |x| match rank {
        1 => x[0].adaptive_avg_pool1d(a),
        2 => x[0].adaptive_avg_pool2d([Some(a), last(b)]),
        _ => x[0].adaptive_avg_pool3d([Some(a), Some(b), last(c)]),
    })
    .expect(values))
}
