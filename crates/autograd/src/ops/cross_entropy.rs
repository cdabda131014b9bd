//! Cross-entropy of logits and targets: `−Σ t log softmax(x)`, fused for class indices.
//!
//! For class indices the gradient of the logits is `g (softmax(x) Σ t − t)` with t the target of a row as weights of
//! the classes: `(1 − s) w[target] onehot + s / C · w`, or 0 for an ignored row. Kept: the inputs, and the largest
//! logit and the log of the sum of each row.

use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{CrossEntropyOptions, DType, Error, Reduction, Result, Shape, Var};
use tensor_core::Tensor;

/// Inputs: logits, class indices, and weights of the classes where there are such.
struct CrossEntropy(CrossEntropyOptions);

impl Op for CrossEntropy {
    fn name(&self) -> &'static str {
        "cross_entropy"
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let (loss, kept) = inputs[0].cross_entropy(inputs[1], inputs.get(2).copied(), self.0)?;
        Ok(Forward::from(loss).with_extra(kept))
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (g, logits, target) = (ctx.grad(), ctx.input(0), ctx.input(1));
        let weight = ctx.input_shape(2).map(|_| ctx.input(2).detach());
        let (target, weight) = (target.value(), weight.as_ref());
        let dx = if ctx.create_graph() {
            let weights = class_weights(&logits, target, weight, self.0)?;
            let total = ctx.extra(0).slice(0, -1, isize::MAX, 1)?.squeeze(0)?;
            differentiable(g, &logits, &weights, total, self.0.reduction)?
        } else {
            logits.value().cross_entropy_backward(target, weight, self.0, ctx.extra(0), g.value())?.into()
        };
        // PyTorch, too, gives the weights no gradient.
        let mut grads = Grads::from_iter([Some(dx), None]);
        if weight.is_some() {
            grads.push(None);
        }
        Ok(grads)
    }
}

/// The dimension of the classes: 0 of `[C]`, else 1.
fn class_dim(logits: &Var) -> isize {
    if logits.rank() == 1 { 0 } else { 1 }
}

/// The weights of the classes `[C]` with their dimension where the logits have it.
fn beside(logits: &Var, weight: &Tensor) -> Result<Tensor> {
    let dim = class_dim(logits) as usize;
    let shape = (0..logits.rank()).map(|d| if d == dim { weight.numel() } else { 1 }).collect();
    Ok(weight.view_as(&shape)?)
}

/// What each class of each row counts, in the shape of the logits: t above.
fn class_weights(
    logits: &Var,
    target: &Tensor,
    weight: Option<&Tensor>,
    options: CrossEntropyOptions,
) -> Result<Tensor> {
    let dim = class_dim(logits);
    let classes = logits.size(dim)?;
    let ignored = target.eq_scalar(options.ignore_index)?;
    let numbers = Tensor::arange(0.0, classes as f64, 1.0, DType::I64)?;
    let target = target.masked_fill(&ignored, 0)?.unsqueeze(dim)?;
    let onehot = beside(logits, &numbers)?.eq(&target)?.to_dtype(logits.dtype())?;
    let weight = match weight {
        Some(weight) => beside(logits, weight)?,
        None => Tensor::scalar(1.0f64)?.to_dtype(logits.dtype())?,
    };
    // The weight of the target's class scales the hard part; the classes' own weights scale the spread part.
    let hard = onehot.mul(&weight)?.mul_scalar(1.0 - options.label_smoothing)?;
    let spread = weight.mul_scalar(options.label_smoothing / classes as f64)?;
    Ok(hard.add(&spread)?.masked_fill(&ignored.unsqueeze(dim)?, 0.0)?)
}

/// `g (softmax(x) Σ t − t)`, with g divided as the reduction divides the loss.
fn differentiable(
    g: &Var,
    logits: &Var,
    weights: &Tensor,
    total: Tensor,
    reduction: Reduction,
) -> Result<Var> {
    let dim = class_dim(logits);
    let g = match reduction {
        Reduction::None => g.unsqueeze(dim)?,
        Reduction::Sum => g.clone(),
        Reduction::Mean => g.div(&total.into())?,
    };
    let sum: Var = weights.sum_dim(dim, true)?.into();
    logits.softmax(dim)?.mul(&sum)?.sub(&weights.into())?.mul(&g)
}

impl Var {
    /// The mean cross-entropy of these logits (`[C]`, `[N, C]` or `[N, C, d…]`) and a target: class indices (i64, the
    /// same shape without C) or probabilities (the same shape and dtype). `torch.nn.functional.cross_entropy` with its
    /// defaults; [`cross_entropy_with`](Var::cross_entropy_with) has its keywords.
    ///
    /// # Errors
    /// If shapes or dtypes do not fit or a target is neither a class nor −100.
    ///
    /// ```
    /// use autograd::{DType, Tensor, Var};
    /// let logits = Var::leaf(Tensor::zeros([2, 4], DType::F64)?)?;
    /// let loss = logits.cross_entropy(Tensor::from_vec(vec![1i64, 3], [2])?)?;
    /// assert!((loss.detach().item::<f64>()? - 4f64.ln()).abs() < 1e-12);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn cross_entropy(&self, target: impl Into<Var>) -> Result<Var> {
        self.cross_entropy_with(target, None, CrossEntropyOptions::default())
    }

    /// [`cross_entropy`](Var::cross_entropy) with weights `[C]` of the classes, which get no gradient, and options.
    ///
    /// # Errors
    /// As for `cross_entropy`, and if `label_smoothing` is not from 0 to 1.
    #[track_caller]
    pub fn cross_entropy_with(
        &self,
        target: impl Into<Var>,
        weight: Option<&Tensor>,
        options: CrossEntropyOptions,
    ) -> Result<Var> {
        let target = target.into();
        if target.dtype().is_float() {
            return self.cross_entropy_of_probabilities(&target, weight, options);
        }
        match weight {
            Some(weight) => apply(CrossEntropy(options), &[self, &target, &weight.into()]),
            None => apply(CrossEntropy(options), &[self, &target]),
        }
    }

    #[track_caller]
    fn cross_entropy_of_probabilities(
        &self,
        target: &Var,
        weight: Option<&Tensor>,
        options: CrossEntropyOptions,
    ) -> Result<Var> {
        let location = std::panic::Location::caller();
        let refuse = |argument, value, expected| {
            Err(Error::Argument { op: "cross_entropy", argument, value, expected, location })
        };
        if self.rank() == 0 {
            return refuse("the input's shape", self.shape().to_string(), "[C], [N, C] or [N, C, d1, ..]");
        }
        if target.shape() != self.shape() {
            let value = format!("{} for input {}", target.shape(), self.shape());
            return refuse("the shape of target probabilities", value, "that of the input");
        }
        if !(0.0..=1.0).contains(&options.label_smoothing) {
            return refuse("label_smoothing", options.label_smoothing.to_string(), "a number from 0 to 1");
        }
        let dim = class_dim(self);
        let classes = self.size(dim)?;
        let mut target = target.clone();
        if options.label_smoothing > 0.0 {
            let spread = options.label_smoothing / classes as f64;
            target = target.mul_scalar(1.0 - options.label_smoothing)?.add_scalar(spread)?;
        }
        if let Some(weight) = weight {
            if *weight.shape() != [classes] {
                return refuse(
                    "the shape of the weight",
                    weight.shape().to_string(),
                    "[C], one for each class",
                );
            }
            target = target.mul(&beside(self, weight)?.into())?;
        }
        let loss = self.log_softmax(dim)?.mul(&target)?.neg()?;
        match options.reduction {
            Reduction::None => loss.sum_dim(dim, false),
            Reduction::Sum => loss.sum(),
            // Weights do not change the divisor, as in PyTorch.
            Reduction::Mean => loss.sum()?.div_scalar(self.numel() as f64 / classes as f64),
        }
    }
}

pub(crate) const ROW: Row = Row {
    name: "cross_entropy",
    sample: |s| {
        let classes = 1 + s.size();
        let lead = s.shape(3);
        let shape: Shape = match *lead {
            [] => [classes].into(),
            [n, ref rest @ ..] => [n, classes].iter().chain(rest).copied().collect(),
        };
        let logits = s.tensor(&shape, -2.0, 2.0)?;
        let reduction = [Reduction::Mean, Reduction::Sum, Reduction::None][s.below(3)];
        let label_smoothing = [0.0, 0.3][s.below(2)];
        if s.one_in(3) {
            let options =
                CrossEntropyOptions { label_smoothing, reduction, ..CrossEntropyOptions::default() };
            let target = s.tensor(&shape, 0.1, 1.0)?;
            return Ok(Sample::new(vec![logits, target], move |x| {
                x[0].cross_entropy_with(&x[1], None, options)
            }));
        }
        let target = s.indices(&lead, classes)?;
        let options = CrossEntropyOptions { ignore_index: 1, label_smoothing, reduction };
        let weight = if s.one_in(2) { Some(s.tensor(&Shape::from([classes]), 0.2, 2.0)?) } else { None };
        // The mean over nothing but ignored targets is NaN, which finite differences cannot judge.
        let options = match target.ne_scalar(1)?.any()? {
            true => options,
            false => CrossEntropyOptions { reduction: Reduction::Sum, ..options },
        };
        let call = move |x: &[Var]| {
            let weight = weight.as_ref().map(|w| w.to_dtype(x[0].dtype())).transpose()?;
            x[0].cross_entropy_with(&x[1], weight.as_ref(), options)
        };
        Ok(Sample::new(vec![logits, target], call))
    },
    order: 2,
};
