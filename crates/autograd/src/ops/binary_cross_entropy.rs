//! Losses of yes and no: of probabilities, of logits, and of the product of a score with ±1.

use crate::losses::refused;
use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Reduction, Result, Var};
use tensor_core::Tensor;

/// The log of a probability is held at this, as in PyTorch, so that a loss stays finite.
const LEAST_LOG: f64 = -100.0;
/// `x (1 − x)` under a gradient is held at this, as in PyTorch.
const LEAST_VARIANCE: f64 = 1e-12;

/// `−t log x − (1 − t) log(1 − x)`; inputs x and t. The gradient of x is `(x − t) / (x (1 − x)) g`, that of t is
/// `(log(1 − x) − log x) g`.
struct BinaryCrossEntropy;

impl Op for BinaryCrossEntropy {
    fn name(&self) -> &'static str {
        "binary_cross_entropy"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let (x, t) = (inputs[0], inputs[1]);
        let yes = x.log()?.clamp(Some(LEAST_LOG), None)?;
        let no = x.neg()?.log1p()?.clamp(Some(LEAST_LOG), None)?;
        Ok(t.sub_scalar(1)?.mul(&no)?.sub(&t.mul(&yes)?)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (g, x, t) = (ctx.grad(), ctx.input(0), ctx.input(1));
        let variance = x.mul(&x.neg()?.add_scalar(1)?)?.clamp(Some(LEAST_VARIANCE), None)?;
        let dx = x.sub(&t)?.div(&variance)?.mul(g)?;
        let dt = if ctx.needs_grad(1) {
            let yes = x.log()?.clamp(Some(LEAST_LOG), None)?;
            let no = x.neg()?.log1p()?.clamp(Some(LEAST_LOG), None)?;
            Some(no.sub(&yes)?.mul(g)?)
        } else {
            None
        };
        Ok(Grads::from_iter([Some(dx), dt]))
    }
}

/// Keywords of `torch.nn.functional.binary_cross_entropy_with_logits`, with its defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct BceWithLogitsOptions<'a> {
    /// What each element counts; it broadcasts. Default: 1.
    pub weight: Option<&'a Tensor>,
    /// What a target of 1 counts, mostly one for each class; it broadcasts. Default: 1.
    pub pos_weight: Option<&'a Tensor>,
    /// Default [`Reduction::Mean`].
    pub reduction: Reduction,
}

impl Var {
    /// The mean, the sum or each of `−t log x − (1 − t) log(1 − x)` for probabilities x and targets t from 0 to 1, times
    /// `weight`, which broadcasts: `torch.nn.functional.binary_cross_entropy`. Logs below −100 count −100.
    ///
    /// # Errors
    /// If the shapes or dtypes differ or an element is not from 0 to 1.
    #[track_caller]
    pub fn binary_cross_entropy(
        &self,
        target: impl Into<Var>,
        weight: Option<&Tensor>,
        reduction: Reduction,
    ) -> Result<Var> {
        const OP: &str = "binary_cross_entropy";
        let target = target.into();
        self.same_shape(OP, &target)?;
        let outside = self.value().lt_scalar(0)?.any()? || self.value().gt_scalar(1)?.any()?;
        if outside {
            let expected = "elements from 0 to 1; binary_cross_entropy_with_logits takes logits";
            return Err(refused(OP, "the input", "outside".to_string(), expected));
        }
        let loss = apply(BinaryCrossEntropy, &[self, &target])?;
        weighted(loss, weight)?.reduced(reduction)
    }

    /// The mean, the sum or each of `(1 − t) x + log(1 + e⁻ˣ)` for logits x and targets t from 0 to 1, which is
    /// `binary_cross_entropy` of sigmoid(x) without overflow: `torch.nn.functional.binary_cross_entropy_with_logits`.
    /// With `pos_weight` p it is `(1 − t) x + (1 + (p − 1) t) log(1 + e⁻ˣ)`.
    ///
    /// # Errors
    /// If the shapes or dtypes differ.
    ///
    /// ```
    /// use autograd::{BceWithLogitsOptions, Tensor, Var};
    /// let logits = Var::from(Tensor::from_vec(vec![0.0f64, 0.0], [2])?);
    /// let target = Tensor::from_vec(vec![1.0f64, 0.0], [2])?;
    /// let loss = logits.binary_cross_entropy_with_logits(target, BceWithLogitsOptions::default())?;
    /// assert!((loss.item::<f64>()? - 2f64.ln()).abs() < 1e-12);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn binary_cross_entropy_with_logits(
        &self,
        target: impl Into<Var>,
        options: BceWithLogitsOptions<'_>,
    ) -> Result<Var> {
        let target = target.into();
        self.same_shape("binary_cross_entropy_with_logits", &target)?;
        let mut log = self.logsigmoid()?.neg()?;
        if let Some(pos_weight) = options.pos_weight {
            let extra: Var = pos_weight.sub_scalar(1)?.into();
            log = log.mul(&target.mul(&extra)?.add_scalar(1)?)?;
        }
        let loss = target.neg()?.add_scalar(1)?.mul(self)?.add(&log)?;
        weighted(loss, options.weight)?.reduced(options.reduction)
    }

    /// The mean, the sum or each of `log(1 + exp(−t x))` for targets t of 1 and −1, computed without overflow:
    /// `torch.nn.functional.soft_margin_loss`.
    ///
    /// # Errors
    /// If the shapes or dtypes differ.
    #[track_caller]
    pub fn soft_margin_loss(&self, target: impl Into<Var>, reduction: Reduction) -> Result<Var> {
        let target = target.into();
        self.same_shape("soft_margin_loss", &target)?;
        self.mul(&target)?.logsigmoid()?.neg()?.reduced(reduction)
    }
}

fn weighted(loss: Var, weight: Option<&Tensor>) -> Result<Var> {
    weight.map_or(Ok(loss.clone()), |weight| loss.mul(&weight.into()))
}

pub(crate) const ROW: Row = Row {
    name: "binary_cross_entropy",
    sample: |s| {
        let shape = s.shape(3);
        let form = s.below(4);
        let x = if form == 0 { s.tensor(&shape, 0.1, 0.9)? } else { s.tensor(&shape, -3.0, 3.0)? };
        let t = s.tensor(&shape, 0.1, 0.9)?;
        let (narrow, positive) = (s.narrowed(&shape), s.uniform(0.5, 3.0));
        let weight = if s.one_in(2) { Some(s.tensor(&narrow, 0.5, 2.0)?) } else { None };
        let each = match &weight {
            Some(w) if form < 3 => w.broadcast_to(&shape)?.to_vec::<f64>()?,
            _ => vec![1.0; shape.numel()],
        };
        let losses = x.to_vec::<f64>()?.into_iter().zip(t.to_vec::<f64>()?).zip(each).map(|((x, t), w)| {
            let p = if form == 0 { x } else { 1.0 / (1.0 + (-x).exp()) };
            w * match form {
                0 | 1 => -t * p.ln() - (1.0 - t) * (1.0 - p).ln(),
                2 => -positive * t * p.ln() - (1.0 - t) * (1.0 - p).ln(),
                _ => (1.0 + (-t * x).exp()).ln(),
            }
        });
        let (reduction, expected) = s.reduced(losses.collect());
        Ok(Sample::new(vec![x, t], move |x| {
            let weight = weight.as_ref().map(|w| w.to_dtype(x[0].dtype())).transpose()?;
            let positive = Tensor::full([], positive, x[0].dtype())?;
            let pos_weight = if form == 2 { Some(&positive) } else { None };
            match form {
                0 => x[0].binary_cross_entropy(&x[1], weight.as_ref(), reduction),
                3 => x[0].soft_margin_loss(&x[1], reduction),
                _ => {
                    let options = BceWithLogitsOptions { weight: weight.as_ref(), pos_weight, reduction };
                    x[0].binary_cross_entropy_with_logits(&x[1], options)
                }
            }
        })
        .expect(expected))
    },
    order: 2,
};
