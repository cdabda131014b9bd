//! Values joined by a sum, product, mean or extreme where an index tensor points. A sum passes its gradient on to each
//! term, a mean divides it by their number, equal extremes share it; a product passes on the product of the others.

use super::scatter::{Placed, used};
use crate::op::{Context, Forward, Grads, Keep, Op, apply};
use crate::testing::{Row, Sample};
use crate::{Result, Var};
use tensor_core::{ScatterReduce, Tensor};

struct Reduce {
    dim: isize,
    index: Tensor,
    reduce: ScatterReduce,
    include_self: bool,
}

impl Reduce {
    /// The gradients of value and source from those of the places, each times a factor of its own.
    fn shares(&self, g: &Var, of_self: &Var, of_source: &Var) -> Result<(Var, Var)> {
        Ok((g.mul(of_self)?, g.gather(self.dim, &self.index)?.mul(of_source)?))
    }

    fn mean(&self, g: &Var, source: &Var) -> Result<(Var, Var)> {
        let (shape, dtype) = (g.shape(), g.dtype());
        let own = Tensor::full(shape, f64::from(u8::from(self.include_self)), dtype)?;
        let terms = own.scatter_add(self.dim, &self.index, &Tensor::ones(source.shape(), dtype)?)?;
        let share = g.div(&terms.maximum(&Tensor::scalar(1.0f64)?.to_dtype(dtype)?)?.into())?;
        Ok((share.clone(), share.gather(self.dim, &self.index)?))
    }

    fn extreme(&self, g: &Var, x: &Var, source: &Var, y: &Var) -> Result<(Var, Var)> {
        let (x, source, y) = (x.value(), source.value(), y.value());
        let mut own = x.eq(y)?.to_dtype(y.dtype())?;
        if !self.include_self {
            own = own.scatter_value(self.dim, &self.index, 0)?;
        }
        let theirs = source.eq(&y.gather(self.dim, &self.index)?)?.to_dtype(y.dtype())?;
        let winners = own.scatter_add(self.dim, &self.index, &theirs)?;
        self.shares(&g.div(&winners.into())?, &own.into(), &theirs.into())
    }

    /// The product of the others is the product over the factor, but for a factor of 0, in whose stead 1 is
    /// multiplied. (Several zeros in one place leave 0 for each.)
    fn product(&self, g: &Var, x: &Var, source: &Var, y: &Var) -> Result<(Var, Var)> {
        let (dim, index) = (self.dim, &self.index);
        let own_zero = x.value().eq_scalar(0)?;
        let filled = x.masked_fill(&own_zero, 1)?;
        let others = filled.scatter_reduce(dim, index, source, self.reduce, self.include_self)?.div(&filled)?;
        let zero = source.value().eq_scalar(0)?;
        let zeros = Tensor::zeros(x.shape(), x.dtype())?;
        let count = zeros.scatter_add(dim, index, &zero.to_dtype(x.dtype())?)?.gather(dim, index)?;
        let only = zero.where_cond(&count.eq_scalar(1)?, &zero.zeros_like()?)?;
        let without = x.scatter_reduce(dim, index, &source.masked_fill(&only, 1)?, self.reduce, self.include_self)?;
        let rest = y.gather(dim, index)?.div(&source.masked_fill(&zero, 1)?)?;
        self.shares(g, &others, &without.gather(dim, index)?.where_cond(&only, &rest)?)
    }
}

impl Op for Reduce {
    fn name(&self) -> &'static str {
        "scatter_reduce"
    }

    fn keep(&self) -> Keep {
        Keep::Both
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        let Reduce { dim, index, reduce, include_self } = self;
        Ok(inputs[0].scatter_reduce(*dim, index, inputs[1], *reduce, *include_self)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (g, x, source, y) = (ctx.grad(), ctx.input(0), ctx.input(1), ctx.output(0));
        let (mut dx, dsource) = match self.reduce {
            ScatterReduce::Sum => (g.clone(), g.gather(self.dim, &self.index)?),
            ScatterReduce::Mean => self.mean(g, &source)?,
            ScatterReduce::Prod => self.product(g, &x, &source, &y)?,
            ScatterReduce::Amax | ScatterReduce::Amin => self.extreme(g, &x, &source, &y)?,
        };
        if !self.include_self {
            dx = dx.scatter_value(self.dim, &self.index, 0)?;
        }
        Ok(Grads::from_iter([Some(dx), Some(dsource)]))
    }
}

impl Var {
    /// The value with the elements of `source` joined by `reduce` where `index` points: `torch.scatter_reduce`.
    /// Without `include_self` the value's own elements are left out where one arrives. Equal extremes share the
    /// gradient.
    ///
    /// # Errors
    /// If an index is out of range or shapes or dtypes do not fit.
    #[track_caller]
    pub fn scatter_reduce(
        &self,
        dim: isize,
        index: &Tensor,
        source: &Var,
        reduce: ScatterReduce,
        include_self: bool,
    ) -> Result<Var> {
        let source = used(source, index.shape())?;
        apply(Reduce { dim, index: index.clone(), reduce, include_self }, &[self, &source])
    }
}

pub(crate) const ROW: Row = Row {
    name: "scatter_reduce",
    sample: |s| {
        use ScatterReduce::{Amax, Amin, Mean, Prod, Sum};
        let placed = Placed::sample(s, false)?;
        let (reduce, include_self) = ([Sum, Prod, Mean, Amax, Amin][s.below(5)], s.one_in(2));
        // One tensor's values lie between the other's: none tie.
        let x = s.distinct(&placed.shape)?;
        let mut source = s.distinct(&placed.source)?.add_scalar(0.05)?;
        if reduce == Prod && s.one_in(2) {
            // A zero factor or several.
            source = source.clamp(Some(0.0), None)?;
        }
        let mut joined: Vec<Vec<f64>> = x.to_vec::<f64>()?.into_iter().map(|x| vec![x]).collect();
        for (&place, value) in placed.places.iter().zip(placed.used(&source)?) {
            joined[place].push(value);
        }
        let expected = joined.iter().map(|values| {
            let values = if include_self || values.len() == 1 { &values[..] } else { &values[1..] };
            match reduce {
                Sum => values.iter().sum(),
                Prod => values.iter().product(),
                Mean => values.iter().sum::<f64>() / values.len() as f64,
                Amax => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
                Amin => values.iter().copied().fold(f64::INFINITY, f64::min),
            }
        });
        let expected = expected.collect();
        let Placed { dim, index, .. } = placed;
        let call = move |x: &[Var]| x[0].scatter_reduce(dim, &index, &x[1], reduce, include_self);
        Ok(Sample::new(vec![x, source], call).expect(expected))
    },
    order: 1,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn second_derivatives_of_a_product() {
        let x = Tensor::from_vec(vec![2.0f64, 3.0], [2]).unwrap();
        let source = Tensor::from_vec(vec![0.5f64, 4.0, -1.0], [3]).unwrap();
        let index = Tensor::from_vec(vec![0i64, 0, 1], [3]).unwrap();
        for include_self in [true, false] {
            let index = index.clone();
            let call = move |x: &[Var]| x[0].scatter_reduce(0, &index, &x[1], ScatterReduce::Prod, include_self);
            crate::gradgradcheck(call, &[x.clone(), source.clone()]).unwrap();
        }
    }
}
