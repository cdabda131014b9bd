//! Muon.

use super::{Parts, Rule, Slot, Step, check};
use crate::{Invalid, OptionValue, PerParameter, Result, Value};
use tensor_core::step::Real;
use tensor_core::{Shape, Tensor};

/// Momentum whose matrix is made orthogonal before it is applied, for matrices alone: `torch.optim.Muon`.
///
/// ```text
/// b = momentum * b + (1 - momentum) * g
/// x = (1 - momentum) * g + momentum * b  if nesterov  else  b
/// x = x / max(|x|, eps);   ns_steps times:  x = a x + (b' xxᵀ + c (xxᵀ)²) x      (a, b', c: ns_coefficients)
/// p = p * (1 - lr * weight_decay) - lr * ratio * x
/// ```
///
/// `ratio` is set by `adjust_lr_fn`. Keeps `momentum_buffer` (b). Biases, embeddings and output layers belong to
/// another optimizer. PyTorch makes the iteration in bf16, here it is made in the parameter's dtype, so the two agree
/// to bf16's two or three digits. Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024).
pub type Muon = PerParameter<MuonOptions>;

crate::options! {
    /// Options of [`Muon`].
    pub struct MuonOptions {
        /// Learning rate.
        lr: f64 = 1e-3,
        /// Factor of the decoupled weight decay.
        weight_decay: f64 = 0.1,
        /// Share of the old mean.
        momentum: f64 = 0.95,
        /// Whether to look one step of the mean ahead.
        nesterov: bool = true,
        /// Coefficients of the iteration.
        ns_coefficients: (f64, f64, f64) = (3.4445, -4.775, 2.0315),
        /// Smallest norm that divides.
        eps: f64 = 1e-7,
        /// Number of iterations.
        ns_steps: usize = 5,
        /// How the learning rate follows the shape; `None` is [`AdjustLr::Original`].
        adjust_lr_fn: Option<AdjustLr> = None,
    }
}

/// How [`Muon`] scales the learning rate for a matrix of `A` rows and `B` columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdjustLr {
    /// `original`: `sqrt(max(1, A / B))`.
    Original,
    /// `match_rms_adamw`: `0.2 * sqrt(max(A, B))`, so that learning rates tuned for AdamW fit.
    MatchRmsAdamW,
    /// `spectral_unclamped`: `sqrt(A / B)`.
    SpectralUnclamped,
}

const NAMES: [(AdjustLr, &str); 3] = [
    (AdjustLr::Original, "original"),
    (AdjustLr::MatchRmsAdamW, "match_rms_adamw"),
    (AdjustLr::SpectralUnclamped, "spectral_unclamped"),
];

impl OptionValue for AdjustLr {
    const EXPECTED: &'static str = "original, match_rms_adamw or spectral_unclamped";

    fn to_value(&self) -> Value {
        NAMES
            .iter()
            .find(|(known, _)| known == self)
            .map_or(Value::None, |(_, name)| Value::Str((*name).into()))
    }

    fn from_value(value: &Value) -> Option<Self> {
        let Value::Str(name) = value else { return None };
        NAMES.iter().find(|(_, known)| known == name).map(|(adjust, _)| *adjust)
    }
}

impl Rule for MuonOptions {
    const NAME: &'static str = "Muon";

    fn state(&self, _: &Shape) -> &'static [Slot] {
        &[Slot::Buffer("momentum_buffer")]
    }

    fn check(&self) -> Result<(), Invalid> {
        check::lr(self.lr)?;
        Invalid::unless(self.momentum >= 0.0, "momentum value", self.momentum, "momentum >= 0")?;
        check::weight_decay(self.weight_decay)?;
        Invalid::unless(self.ns_steps < 100, "number of steps", self.ns_steps, "ns_steps < 100")
    }

    fn check_shape(&self, shape: &Shape) -> Result<(), &'static str> {
        if shape.len() == 2 { Ok(()) } else { Err("[A, B]: Muon only supports 2D parameters") }
    }

    fn update<F: Real>(&self, step: &mut Step<'_, F>) -> Result<()> {
        let [momentum, fresh] = F::array([self.momentum, 1.0 - self.momentum]);
        step.each(["momentum_buffer"], |p, g, [b]| (p, [b.lerp(g, fresh)]))?;
        let shape = step.shape().clone();
        let Parts { grad, buffers: [buffer], .. } = step.parts(["momentum_buffer"])?;
        let mut direction = Tensor::from_slice(buffer, &shape)?;
        if self.nesterov {
            tensor_core::step::update(direction.as_slice_mut()?, grad, [], |b, g: F, []| {
                (g.lerp(b, momentum), [])
            })?;
        }
        let direction = self.orthogonal(direction)?.contiguous()?;
        let [shrink, rate] = F::array([1.0 - self.lr * self.weight_decay, -self.lr * self.ratio(&shape)]);
        let Parts { param, .. } = step.parts([])?;
        let direction = direction.as_slice()?;
        Ok(tensor_core::step::update(param, direction, [], |p, x, []| (p * shrink + rate * x, []))?)
    }
}

impl MuonOptions {
    /// The iteration of Newton and Schulz, of fifth order: all singular values come near 1.
    fn orthogonal(&self, x: Tensor) -> Result<Tensor> {
        let tall = x.size(0)? > x.size(1)?;
        let mut x = if tall { x.t()? } else { x };
        let (a, b, c) = self.ns_coefficients;
        let norm = x.mul(&x)?.sum()?.to_dtype(tensor_core::DType::F64)?.item::<f64>()?.sqrt();
        x = x.div_scalar(norm.max(self.eps))?;
        for _ in 0..self.ns_steps {
            let gram = x.matmul(&x.t()?)?;
            let update = gram.mul_scalar(b)?.add(&gram.matmul(&gram)?.mul_scalar(c)?)?;
            x = x.mul_scalar(a)?.add(&update.matmul(&x)?)?;
        }
        Ok(if tall { x.t()? } else { x })
    }

    fn ratio(&self, shape: &Shape) -> f64 {
        let (rows, columns) = (shape[0] as f64, shape[1] as f64);
        match self.adjust_lr_fn.unwrap_or(AdjustLr::Original) {
            AdjustLr::Original => (rows / columns).max(1.0).sqrt(),
            AdjustLr::MatchRmsAdamW => 0.2 * rows.max(columns).sqrt(),
            AdjustLr::SpectralUnclamped => (rows / columns).sqrt(),
        }
    }
}
