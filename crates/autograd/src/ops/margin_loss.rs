//! Losses of a margin: nothing where a score is right by the margin, else how much is missing.

use crate::losses::refused;
use crate::testing::{Row, Sample};
use crate::{DType, Reduction, Result, Shape, Var};
use tensor_core::Tensor;

/// Keywords of `torch.nn.functional.multi_margin_loss`, with its defaults.
#[derive(Clone, Copy, Debug)]
pub struct MultiMarginOptions<'a> {
    /// The power of what is missing, 1 or 2. Default 1.
    pub p: u32,
    /// Default 1.
    pub margin: f64,
    /// What each class `[C]` counts. Default: 1.
    pub weight: Option<&'a Tensor>,
    /// Default [`Reduction::Mean`].
    pub reduction: Reduction,
}

impl Default for MultiMarginOptions<'_> {
    fn default() -> Self {
        Self { p: 1, margin: 1.0, weight: None, reduction: Reduction::Mean }
    }
}

impl Var {
    /// The mean, the sum or each of x where the target is 1, and `max(0, margin − x)` where it is −1 (`margin` is by
    /// default 1 in PyTorch): `torch.nn.functional.hinge_embedding_loss`. Shapes broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast or the dtypes differ.
    #[track_caller]
    pub fn hinge_embedding_loss(
        &self,
        target: &Tensor,
        margin: f64,
        reduction: Reduction,
    ) -> Result<Var> {
        let zero: Var = Tensor::zeros(Shape::default(), self.dtype())?.into();
        // A target that is neither counts both, as in PyTorch.
        let near = zero.where_cond(&target.eq_scalar(-1)?, self)?;
        let missing = self.neg()?.add_scalar(margin)?.hinge()?;
        let far = zero.where_cond(&target.eq_scalar(1)?, &missing)?;
        near.add(&far)?.reduced(reduction)
    }

    /// The mean, the sum or each of `max(0, margin − t (x₁ − x₂))` with this value as x₁, for targets t of 1, where x₁
    /// should be larger, and −1 (`margin` is by default 0 in PyTorch): `torch.nn.functional.margin_ranking_loss`. Shapes
    /// broadcast.
    ///
    /// # Errors
    /// If the shapes do not broadcast, have different numbers of dimensions, or the dtypes differ.
    #[track_caller]
    pub fn margin_ranking_loss(
        &self,
        other: &Var,
        target: impl Into<Var>,
        margin: f64,
        reduction: Reduction,
    ) -> Result<Var> {
        let target = target.into();
        if self.rank() != other.rank() || self.rank() != target.rank() {
            let value = format!("{}, {} and {}", self.shape(), other.shape(), target.shape());
            let expected = "one number of dimensions";
            return Err(refused("margin_ranking_loss", "the shapes of inputs and target", value, expected));
        }
        target.mul(&other.sub(self)?)?.add_scalar(margin)?.hinge()?.reduced(reduction)
    }

    /// The mean, the sum or each of `Σⱼ w[t] max(0, margin − x[t] + x[j])ᵖ / C` over the classes j other than t, for scores
    /// `[N, C]` or `[C]` and class indices t (i64, `[N]` or `[]`): `torch.nn.functional.multi_margin_loss`.
    ///
    /// # Errors
    /// If shapes or dtypes do not fit, a target is no class, or p is neither 1 nor 2.
    #[track_caller]
    pub fn multi_margin_loss(&self, target: &Tensor, options: MultiMarginOptions<'_>) -> Result<Var> {
        const OP: &str = "multi_margin_loss";
        if !matches!(options.p, 1 | 2) {
            return Err(refused(OP, "p", options.p.to_string(), "1 or 2"));
        }
        let (rows, classes) = match self.shape()[..] {
            [] => (1, 1),
            [classes] => (1, classes),
            [rows, classes] => (rows, classes),
            _ => return Err(refused(OP, "the input's shape", self.shape().to_string(), "[N, C] or [C]")),
        };
        if target.dtype() != DType::I64 || target.rank() > 1 || target.numel() != rows || classes == 0 {
            let value = format!("{} {} for input {}", target.dtype(), target.shape(), self.shape());
            return Err(refused(OP, "the target", value, "i64, a class for each row"));
        }
        if target.lt_scalar(0)?.any()? {
            return Err(refused(OP, "a target", "negative".to_string(), "a class"));
        }
        let x = self.view_as(&Shape::from([rows, classes]))?;
        let index = target.reshape([rows as isize, 1])?;
        let mut missing = x.sub(&x.gather(1, &index)?)?.add_scalar(options.margin)?.hinge()?;
        if options.p == 2 {
            missing = missing.mul(&missing)?;
        }
        let numbers = Tensor::arange(0.0, classes as f64, 1.0, DType::I64)?;
        let mut loss = missing.masked_fill(&numbers.eq(&index)?, 0.0)?.sum_dim(1, false)?;
        if let Some(weight) = options.weight {
            if *weight.shape() != [classes] {
                return Err(refused(OP, "the shape of the weight", weight.shape().to_string(), "[C]"));
            }
            loss = loss.mul(&weight.index_select(0, &index.flatten(0, -1)?)?.into())?;
        }
        let loss = loss.div_scalar(classes as f64)?;
        let each = if self.rank() == 2 { loss } else { loss.squeeze(0)? };
        each.reduced(options.reduction)
    }
}

pub(crate) const ROW: Row = Row {
    name: "margin_loss",
    sample: |s| {
        let form = s.below(3);
        if form == 2 {
            return multi_margin(s);
        }
        let shape = s.shape(3);
        let sign = s.indices(&shape, 2)?.mul_scalar(2)?.sub_scalar(1)?.to_dtype(DType::F64)?;
        let signs = sign.to_vec::<f64>()?;
        let x = s.distinct(&shape)?;
        let values = x.to_vec::<f64>()?;
        if form == 0 {
            let pairs = values.iter().zip(&signs);
            let losses = pairs.map(|(&x, &t)| if t > 0.0 { x } else { (0.42 - x).max(0.0) }).collect();
            let (reduction, expected) = s.reduced(losses);
            return Ok(Sample::new(vec![x], move |x| {
                x[0].hinge_embedding_loss(&sign.to_dtype(x[0].dtype())?, 0.42, reduction)
            })
            .expect(expected));
        }
        let other = s.distinct(&shape)?.mul_scalar(2)?;
        let others = other.to_vec::<f64>()?;
        let pairs = values.iter().zip(&others).zip(&signs);
        let losses = pairs.map(|((a, b), t)| (0.42 - t * (a - b)).max(0.0)).collect();
        let (reduction, expected) = s.reduced(losses);
        Ok(Sample::new(vec![x, other], move |x| {
            x[0].margin_ranking_loss(&x[1], sign.to_dtype(x[0].dtype())?, 0.42, reduction)
        })
        .expect(expected))
    },
    order: 2,
};

fn multi_margin(s: &mut crate::testing::Sampler) -> Result<Sample> {
    let (rows, classes) = (s.size(), s.size());
    let x = s.distinct(&Shape::from([rows, classes]))?;
    let target = s.indices(&Shape::from([rows]), classes)?;
    let weight = s.tensor(&Shape::from([classes]), 0.5, 2.0)?;
    let p = 1 + s.below(2) as u32;
    let (values, targets, weights) = (x.to_vec::<f64>()?, target.to_vec::<i64>()?, weight.to_vec::<f64>()?);
    let losses = targets.iter().zip(values.chunks(classes)).map(|(&t, row)| {
        let t = t as usize;
        let missing = |j: usize| if j == t { 0.0 } else { (0.42 - row[t] + row[j]).max(0.0).powi(p as i32) };
        weights[t] * (0..classes).map(missing).sum::<f64>() / classes as f64
    });
    let (reduction, expected) = s.reduced(losses.collect());
    Ok(Sample::new(vec![x], move |x| {
        let weight = weight.to_dtype(x[0].dtype())?;
        let options = MultiMarginOptions { p, margin: 0.42, weight: Some(&weight), reduction };
        x[0].multi_margin_loss(&target, options)
    })
    .expect(expected))
}
