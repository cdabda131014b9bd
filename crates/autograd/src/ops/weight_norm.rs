//! A weight as a length times a direction.

use crate::testing::{Row, Sample};
use crate::{Result, Shape, Var};

impl Var {
    /// `g · v / ‖v‖`, this value being v, with the Euclidean norm over all dimensions but `dim`: `torch._weight_norm`,
    /// what `torch.nn.utils.parametrizations.weight_norm` computes. `g` has size 1 in every other dimension.
    ///
    /// # Errors
    /// If there is no such dimension, `g` does not broadcast with v, or the dtypes are not one float dtype.
    #[track_caller]
    pub fn weight_norm(&self, g: &Var, dim: isize) -> Result<Var> {
        let kept = self.shape().dim("weight_norm", dim)? as isize;
        let dims: Vec<isize> = (0..self.rank() as isize).filter(|&d| d != kept).collect();
        let norm = if dims.is_empty() { self.abs()? } else { self.mul(self)?.sum_dim(&dims[..], true)?.sqrt()? };
        self.mul(&g.div(&norm)?)
    }
}

pub(crate) const ROW: Row = Row {
    name: "weight_norm",
    sample: |s| {
        let rank = 1 + s.below(3);
        let shape = s.shape_of_rank(rank);
        let dim = s.dim(rank);
        let at = shape.dim("sample", dim)?;
        let g: Shape = (0..rank).map(|d| if d == at { shape[d] } else { 1 }).collect();
        let (v, g) = (s.distinct(&shape)?, s.tensor(&g, 0.5, 2.0)?);
        let (values, lengths) = (v.to_vec::<f64>()?, g.to_vec::<f64>()?);
        let inner: usize = shape[at + 1..].iter().product();
        let row = |i: usize| i / inner % shape[at];
        let mut squares = vec![0.0; shape[at]];
        values.iter().enumerate().for_each(|(i, v)| squares[row(i)] += v * v);
        let expected = values.iter().enumerate().map(|(i, v)| v * lengths[row(i)] / squares[row(i)].sqrt());
        let expected = expected.collect();
        Ok(Sample::new(vec![v, g], move |x| x[0].weight_norm(&x[1], dim)).expect(expected))
    },
    order: 2,
};
