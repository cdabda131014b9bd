//! Power means under windows.

use crate::testing::{Row, Sample};
use crate::{AvgPoolOptions, Result, Shape, Var};

impl Var {
    /// `(Σ xᵖ)^(1/p)` under each window of `[N, C, L]` or `[C, L]` with p = `norm_type`: `torch.nn.functional.lp_pool1d`,
    /// whose default stride is the kernel.
    ///
    /// # Errors
    /// If the input is smaller than the kernel, an argument is out of range, or the dtype is not floating-point.
    #[track_caller]
    pub fn lp_pool1d(&self, norm_type: f64, kernel: usize, stride: usize, ceil_mode: bool) -> Result<Var> {
        let options =
            AvgPoolOptions { stride: [stride], ceil_mode, ..AvgPoolOptions::new([kernel]) };
        let means = self.pow_scalar(norm_type)?.avg_pool1d(options)?;
        root_of_sums(&means, norm_type, kernel as f64)
    }

    /// `(Σ xᵖ)^(1/p)` under each window of `[N, C, H, W]` or `[C, H, W]` with p = `norm_type`:
    /// `torch.nn.functional.lp_pool2d`, whose default stride is the kernel.
    ///
    /// # Errors
    /// If the input is smaller than the kernel, an argument is out of range, or the dtype is not floating-point.
    #[track_caller]
    pub fn lp_pool2d(
        &self,
        norm_type: f64,
        kernel: [usize; 2],
        stride: [usize; 2],
        ceil_mode: bool,
    ) -> Result<Var> {
        let options = AvgPoolOptions { stride, ceil_mode, ..AvgPoolOptions::new(kernel) };
        let means = self.pow_scalar(norm_type)?.avg_pool2d(options)?;
        root_of_sums(&means, norm_type, kernel[0] as f64 * kernel[1] as f64)
    }
}

/// From means to sums to their root; a sum below 0, of an odd power, has none but for p = 1: NaN, as in PyTorch.
fn root_of_sums(means: &Var, norm_type: f64, count: f64) -> Result<Var> {
    means.mul_scalar(count)?.pow_scalar(1.0 / norm_type)
}

pub(crate) const ROW: Row = Row {
    name: "lp_pool",
    sample: |s| {
        let (kernel, stride) = (1 + s.below(3), 1 + s.below(3));
        let length = kernel + s.below(4);
        let (n, c) = (s.below(3), 1 + s.below(2));
        let p = 1.0 + s.below(3) as f64;
        let x = s.tensor(&Shape::from([n, c, length]), 0.5, 2.0)?;
        let values = x.to_vec::<f64>()?;
        let windows = (length - kernel) / stride + 1;
        let mut expected = Vec::new();
        for row in values.chunks(length) {
            for w in 0..windows {
                let sum: f64 = row[w * stride..][..kernel].iter().map(|x| x.powf(p)).sum();
                expected.push(sum.powf(1.0 / p));
            }
        }
        if s.one_in(2) {
            return Ok(Sample::new(vec![x], move |x| x[0].lp_pool1d(p, kernel, stride, false)).expect(expected));
        }
        let call = move |x: &[Var]| x[0].unsqueeze(-1)?.lp_pool2d(p, [kernel, 1], [stride, 1], false);
        Ok(Sample::new(vec![x], call).expect(expected))
    },
    order: 2,
};
