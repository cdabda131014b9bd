//! Samples of a categorical distribution that have a gradient (Jang, Gu and Poole, 2017): the softmax of (x + n) / τ
//! with Gumbel noise n.

use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::{Rng, Tensor};

impl Var {
    /// softmax((x + n) / tau) along `dim`, with n = −log of exponential noise from `rng`; with `hard` 1 at the largest
    /// and 0 elsewhere, and the gradient of the soft values: `torch.nn.functional.gumbel_softmax`.
    ///
    /// # Errors
    /// If there is no such dimension or the dtype is not floating-point.
    #[track_caller]
    pub fn gumbel_softmax(&self, tau: f64, hard: bool, dim: isize, rng: &Rng) -> Result<Var> {
        let noise = rng.exponential(self.shape(), 1.0, self.dtype())?.log()?.neg()?;
        let soft = self.add(&noise.into())?.div_scalar(tau)?.softmax(dim)?;
        if !hard || soft.numel() == 0 {
            return Ok(soft);
        }
        let (_, largest) = soft.value().max_dim(dim, true)?;
        let ones = Tensor::ones(largest.shape(), self.dtype())?;
        let chosen = soft.value().zeros_like()?.scatter_add(dim, &largest, &ones)?;
        soft.add(&chosen.sub(soft.value())?.into())
    }
}

pub(crate) const ROW: Row = Row {
    name: "gumbel_softmax",
    sample: |s| {
        let shape = s.shape(3);
        let x = s.tensor(&shape, -2.0, 2.0)?;
        let (dim, seed) = (s.dim(shape.len()), s.below(1 << 30) as u64);
        // f64 noise for both dtypes, so that they can be compared. The hard form's gradient is no derivative of it.
        Ok(Sample::new(vec![x], move |x| {
            let noisy = x[0].to_dtype(crate::DType::F64)?;
            noisy.gumbel_softmax(1.5, false, dim, &Rng::seed(seed))?.to_dtype(x[0].dtype())
        }))
    },
    order: 2,
};

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]
    use super::*;

    #[test]
    fn hard_samples_are_one_hot_with_the_soft_gradient() {
        let x = Var::leaf(Rng::seed(1).randn([5, 4], crate::DType::F64).unwrap()).unwrap();
        let weights = Var::from(Rng::seed(2).randn([5, 4], crate::DType::F64).unwrap());
        let run = |hard| {
            let y = x.gumbel_softmax(0.7, hard, 1, &Rng::seed(3)).unwrap();
            let loss = y.mul(&weights).unwrap().sum().unwrap();
            let [g] = &crate::grad(&loss, &[&x], false).unwrap()[..] else { panic!("one gradient") };
            (y.detach().to_vec::<f64>().unwrap(), g.to_vec::<f64>().unwrap())
        };
        let ((hard, g_hard), (soft, g_soft)) = (run(true), run(false));
        for (hard, soft) in hard.chunks(4).zip(soft.chunks(4)) {
            let largest = soft.iter().copied().fold(f64::MIN, f64::max);
            for (h, s) in hard.iter().zip(soft) {
                assert!((h - f64::from(u8::from(*s == largest))).abs() < 1e-15, "{h} {s}");
            }
        }
        assert_eq!(g_hard, g_soft);
    }
}
