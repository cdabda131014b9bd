//! `−w[t] x[t]`, the negative log-likelihood of class indices, by a gather.

use crate::testing::{Row, Sample};
use crate::{CrossEntropyOptions, DType, Error, Reduction, Result, Shape, Var};
use tensor_core::Tensor;

impl Var {
    /// The mean, sum or each of `−weight[t] x[t]` for log-probabilities (`[C]`, `[N, C]` or `[N, C, d…]`) and class
    /// indices t (i64, the same shape without C): `torch.nn.functional.nll_loss`. The mean divides by the sum of the
    /// weights; targets of `ignore_index` (default −100) count nothing. `label_smoothing` must be 0: it is
    /// [`cross_entropy_with`](Var::cross_entropy_with)'s alone.
    ///
    /// # Errors
    /// If shapes or dtypes do not fit, or a target is neither a class nor `ignore_index`.
    #[track_caller]
    pub fn nll_loss(
        &self,
        target: &Tensor,
        weight: Option<&Tensor>,
        options: CrossEntropyOptions,
    ) -> Result<Var> {
        let location = std::panic::Location::caller();
        let refuse = |argument, value, expected| {
            Err(Error::Argument { op: "nll_loss", argument, value, expected, location })
        };
        let dim = if self.rank() == 1 { 0 } else { 1 };
        let mut lead = self.shape().to_vec();
        if lead.is_empty() {
            return refuse("the input's shape", "[]".to_string(), "[C], [N, C] or [N, C, d1, ..]");
        }
        let classes = lead.remove(dim as usize);
        if target.dtype() != DType::I64 || target.shape()[..] != lead[..] {
            let value = format!("{} {} for input {}", target.dtype(), target.shape(), self.shape());
            return refuse("the target", value, "i64, of the input's shape without the classes");
        }
        if options.label_smoothing != 0.0 {
            return refuse("label_smoothing", options.label_smoothing.to_string(), "0");
        }
        let ignored = target.eq_scalar(options.ignore_index)?;
        let class = target.masked_fill(&ignored, 0)?;
        // A gather would count a negative class from the end.
        if class.lt_scalar(0)?.any()? {
            return refuse("a target", "negative".to_string(), "a class or ignore_index");
        }
        let weights = match weight {
            Some(w) if *w.shape() != [classes] => {
                return refuse("the shape of the weight", w.shape().to_string(), "[C], one for each class");
            }
            Some(w) if class.numel() > 0 => {
                w.index_select(0, &class.flatten(0, -1)?)?.view_as(class.shape())?
            }
            _ => Tensor::ones(class.shape(), self.dtype())?,
        };
        let weights: Var = weights.masked_fill(&ignored, 0.0)?.into();
        let loss = self.gather(dim, &class.unsqueeze(dim)?)?.squeeze(dim)?.masked_fill(&ignored, 0.0)?;
        let loss = loss.mul(&weights)?.neg()?;
        match options.reduction {
            Reduction::None => Ok(loss),
            Reduction::Sum => loss.sum(),
            Reduction::Mean => loss.sum()?.div(&weights.sum()?),
        }
    }
}

pub(crate) const ROW: Row = Row {
    name: "nll_loss",
    sample: |s| {
        let classes = 1 + s.size();
        let lead = s.shape_of_rank(2);
        let x = s.tensor(&Shape::from([lead[0], classes, lead[1]]), -2.0, 0.0)?;
        let target = s.indices(&lead, classes)?;
        let weight = s.tensor(&Shape::from([classes]), 0.2, 2.0)?;
        let reduction = [Reduction::Sum, Reduction::None][s.below(2)];
        let options = CrossEntropyOptions { ignore_index: 1, reduction, ..CrossEntropyOptions::default() };
        Ok(Sample::new(vec![x], move |x| {
            x[0].nll_loss(&target, Some(&weight.to_dtype(x[0].dtype())?), options)
        }))
    },
    order: 2,
};
