//! Patches of images as columns, and columns added up to images: each is the other's transpose.

use crate::op::{Context, Forward, Grads, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Shape, UnfoldOptions, Var};
use tensor_core::Tensor;

#[derive(Clone, Copy)]
struct Im2col(UnfoldOptions);

impl Op for Im2col {
    fn name(&self) -> &'static str {
        "im2col"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].im2col(self.0)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let sizes = ctx.shape(0);
        let image = [sizes[sizes.len() - 2], sizes[sizes.len() - 1]];
        Ok(Grads::from_iter([Some(ctx.grad().col2im(image, self.0)?)]))
    }
}

struct Col2im {
    output: [usize; 2],
    options: UnfoldOptions,
}

impl Op for Col2im {
    fn name(&self) -> &'static str {
        "col2im"
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(inputs[0].col2im(self.output, self.options)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        Ok(Grads::from_iter([Some(ctx.grad().im2col(self.options)?)]))
    }
}

impl Var {
    /// The patches under every window of `[N, C, H, W]` or `[C, H, W]` as columns, `[N, C kh kw, L]`:
    /// `torch.nn.functional.unfold`; see [`Tensor::im2col`].
    ///
    /// # Errors
    /// If the image is smaller than the kernel, an option is out of range, or the dtype is not floating-point.
    #[track_caller]
    #[doc(alias = "unfold")]
    pub fn im2col(&self, options: UnfoldOptions) -> Result<Var> {
        apply(Im2col(options), &[self])
    }

    /// The columns `[N, C kh kw, L]` or `[C kh kw, L]` added where [`im2col`](Var::im2col) takes them from in images of
    /// `output` (height, width): `torch.nn.functional.fold`.
    ///
    /// # Errors
    /// If the shapes do not fit, an option is out of range, or the dtype is not floating-point.
    #[track_caller]
    #[doc(alias = "fold")]
    pub fn col2im(&self, output: [usize; 2], options: UnfoldOptions) -> Result<Var> {
        apply(Col2im { output, options }, &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "im2col",
    sample: |s| {
        let mut pair = |low: usize, high: usize| [(); 2].map(|()| low + s.below(high - low + 1));
        let (kernel, dilation, padding, stride) = (pair(1, 2), pair(1, 2), pair(0, 1), pair(1, 2));
        let extra = pair(0, 2);
        let image = [0, 1].map(|d| (kernel[d] - 1) * dilation[d] + 1 + extra[d]);
        let count = [0, 1].map(|d| (extra[d] + 2 * padding[d]) / stride[d] + 1);
        let options = UnfoldOptions { kernel, dilation, padding, stride };
        let lead = &[s.below(3), 2][s.below(2)..];
        if s.one_in(2) {
            let columns = [lead[lead.len() - 1] * kernel[0] * kernel[1], count[0] * count[1]];
            let x = s.tensor(&lead[..lead.len() - 1].iter().copied().chain(columns).collect(), -2.0, 2.0)?;
            return Ok(Sample::new(vec![x], move |x| x[0].col2im(image, options)));
        }
        let shape: Shape = lead.iter().copied().chain(image).collect();
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let mut expected = Vec::new();
        for plane in x.to_vec::<f64>()?.chunks(image[0] * image[1]) {
            for (k, l) in (0..kernel[0] * kernel[1]).flat_map(|k| (0..count[0] * count[1]).map(move |l| (k, l))) {
                let (offset, at) = ([k / kernel[1], k % kernel[1]], [l / count[1], l % count[1]]);
                let place = |d: usize| {
                    let i = (at[d] * stride[d] + offset[d] * dilation[d]).checked_sub(padding[d])?;
                    (i < image[d]).then_some(i)
                };
                let index = place(0).zip(place(1)).map(|(row, column)| row * image[1] + column);
                expected.push(index.map_or(0.0, |index| plane[index]));
            }
        }
        Ok(Sample::new(vec![x], move |x| x[0].im2col(options)).expect(expected))
    },
    order: 2,
};
