//! Spatial dimensions in other sizes; linear, so the gradient is the transposed product.

use super::avg_pool::Resample;
use crate::op::apply;
use crate::testing::{Row, Sample};
use crate::{InterpolateMode, InterpolateOptions, Resize, Result, Shape, Var};
use tensor_core::Resampling;

impl Var {
    /// The spatial dimensions of `[N, C, ..]` in other sizes: `torch.nn.functional.interpolate`, without `antialias`;
    /// see [`Tensor::interpolate`](crate::Tensor::interpolate).
    ///
    /// # Errors
    /// If the shape, a size or an option does not fit the mode, or the dtype is not floating-point.
    #[track_caller]
    pub fn interpolate(&self, resize: Resize, options: InterpolateOptions) -> Result<Var> {
        apply(Resample(Resampling::interpolate(self.value(), resize, options)?), &[self])
    }
}

pub(crate) const ROW: Row = Row {
    name: "interpolate",
    sample: |s| {
        use InterpolateMode::{Area, Bicubic, Bilinear, Linear, Nearest, NearestExact, Trilinear};
        let (mode, rank) = [
            (Nearest, 1 + s.below(3)),
            (NearestExact, 1 + s.below(3)),
            (Linear, 1),
            (Bilinear, 2),
            (Trilinear, 3),
            (Bicubic, 2),
            (Area, 1 + s.below(3)),
        ][s.below(7)];
        let sizes = s.shape_of_rank(rank);
        let shape: Shape = [s.below(3), s.size()].iter().chain(sizes.iter()).copied().collect();
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let align_corners = matches!(mode, Linear | Bilinear | Trilinear | Bicubic) && s.one_in(2);
        let options = InterpolateOptions { mode, align_corners, recompute_scale_factor: s.one_in(2) };
        let outputs: Vec<usize> = (0..rank).map(|_| 1 + s.below(5)).collect();
        let factor = 1.0 + 0.37 * s.below(5) as f64;
        Ok(match s.one_in(2) {
            true => {
                let expected = if mode == Bilinear && !align_corners { Some(bilinear(&x, &outputs)?) } else { None };
                let call = move |x: &[Var]| x[0].interpolate(Resize::Size(&outputs), options);
                Sample { expected, ..Sample::new(vec![x], call) }
            }
            false => Sample::new(vec![x], move |x| x[0].interpolate(Resize::Scale(&[factor]), options)),
        })
    },
    order: 2,
};

/// From the formula of the plane through four neighbours; recorded calls have the other modes.
fn bilinear(x: &tensor_core::Tensor, outputs: &[usize]) -> Result<Vec<f64>> {
    let sizes = &x.shape()[2..];
    let place = |i: usize, d: usize| {
        let source = ((i as f64 + 0.5) * sizes[d] as f64 / outputs[d] as f64 - 0.5).clamp(0.0, (sizes[d] - 1) as f64);
        (source as usize, (source as usize + 1).min(sizes[d] - 1), source.fract())
    };
    let mut y = Vec::new();
    for plane in x.to_vec::<f64>()?.chunks(sizes.iter().product()) {
        for i in 0..outputs[0] * outputs[1] {
            let ((top, bottom, t), (left, right, u)) = (place(i / outputs[1], 0), place(i % outputs[1], 1));
            let at = |row: usize, column: usize| plane[row * sizes[1] + column];
            let above = at(top, left) * (1.0 - u) + at(top, right) * u;
            let below = at(bottom, left) * (1.0 - u) + at(bottom, right) * u;
            y.push(above * (1.0 - t) + below * t);
        }
    }
    Ok(y)
}
