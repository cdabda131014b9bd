//! Operations on each element by itself, in a few lines each.

use crate::op::{Context, Forward, Grads, Keep, Op};
use crate::{Result, Scalar, Var};
use tensor_core::Tensor;

/// `y[i] = f(x[i])` with `dx[i] = g[i] · f'`, the derivative written with [`Var`] methods of the one kept value.
#[derive(Clone, Copy)]
pub(crate) struct Pointwise {
    pub name: &'static str,
    /// What the derivative is computed from: the input or the output.
    pub keep: Keep,
    pub forward: fn(&Tensor) -> tensor_core::Result<Tensor>,
    /// f' from the kept value.
    pub derivative: fn(&Var) -> Result<Var>,
    /// g · f' from g and the kept value in one pass, where there is such a kernel.
    pub fused: Option<fn(&Tensor, &Tensor) -> tensor_core::Result<Tensor>>,
}

impl Op for Pointwise {
    fn name(&self) -> &'static str {
        self.name
    }

    fn keep(&self) -> Keep {
        self.keep
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok((self.forward)(inputs[0])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let kept = if self.keep == Keep::Output { ctx.output(0) } else { ctx.input(0) };
        let dx = match self.fused {
            Some(fused) if !ctx.create_graph() => fused(ctx.grad().value(), kept.value())?.into(),
            _ => ctx.grad().mul(&(self.derivative)(&kept)?)?,
        };
        Ok(Grads::from_iter([Some(dx)]))
    }
}

/// Methods of [`Var`] by [`Pointwise`]: `name, what is kept, |kept| derivative;`, the tensor's method of the same name
/// being the forward.
macro_rules! pointwise_methods {
    ($($(#[$doc:meta])* $name:ident, $keep:ident, |$x:ident| $derivative:expr;)*) => {
        impl $crate::Var {
            $(
                $(#[$doc])*
                #[track_caller]
                pub fn $name(&self) -> $crate::Result<$crate::Var> {
                    const OP: $crate::pointwise::Pointwise = $crate::pointwise::Pointwise {
                        name: stringify!($name),
                        keep: $crate::Keep::$keep,
                        forward: $crate::Tensor::$name,
                        derivative: |$x| $derivative,
                        fused: None,
                    };
                    $crate::apply(OP, &[self])
                }
            )*
        }
    };
}

/// f' from the input and the parameters.
pub(crate) type Derivative<const N: usize> = fn(&Var, [f64; N]) -> Result<Var>;

/// As [`Pointwise`], for a function with `N` parameters and a kernel for its gradient.
#[derive(Clone, Copy)]
pub(crate) struct Parametric<const N: usize> {
    pub name: &'static str,
    pub parameters: [f64; N],
    pub forward: fn(&Tensor, [f64; N]) -> tensor_core::Result<Tensor>,
    /// g · f' from g and the input.
    pub fused: fn(&Tensor, &Tensor, [f64; N]) -> tensor_core::Result<Tensor>,
    /// f' from the input; None where it is constant piece by piece, so that the kernel gives it.
    pub derivative: Option<Derivative<N>>,
}

impl<const N: usize> Op for Parametric<N> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn keep(&self) -> Keep {
        Keep::Inputs
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok((self.forward)(inputs[0], self.parameters)?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let (g, x) = (ctx.grad(), ctx.input(0));
        let kernel =
            |g: &Tensor| Ok::<Var, crate::Error>((self.fused)(g, x.value(), self.parameters)?.into());
        let dx = match self.derivative {
            _ if !ctx.create_graph() => kernel(g.value())?,
            Some(derivative) => g.mul(&derivative(&x, self.parameters)?)?,
            None => g.mul(&kernel(&x.value().ones_like()?)?)?,
        };
        Ok(Grads::from_iter([Some(dx)]))
    }
}

/// ∂f/∂a or ∂f/∂b from what was kept.
pub(crate) type Partial = fn(&Context) -> Result<Var>;

/// `y[i] = f(a[i], b[i])`, shapes broadcast, with `da[i] = g[i] · ∂f/∂a` and `db` alike.
#[derive(Clone, Copy)]
pub(crate) struct Pair {
    pub name: &'static str,
    /// What the derivatives are computed from.
    pub keep: Keep,
    pub forward: fn(&Tensor, &Tensor) -> tensor_core::Result<Tensor>,
    /// ∂f/∂a and ∂f/∂b; None for one that is 0 everywhere.
    pub derivatives: [Option<Partial>; 2],
}

impl Op for Pair {
    fn name(&self) -> &'static str {
        self.name
    }

    fn keep(&self) -> Keep {
        self.keep
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok((self.forward)(inputs[0], inputs[1])?.into())
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        let mut grads = Grads::new();
        for (i, derivative) in self.derivatives.iter().enumerate() {
            grads.push(match derivative {
                _ if !ctx.needs_grad(i) => None,
                Some(derivative) => Some(ctx.grad().mul(&derivative(ctx)?)?),
                None => Some(Tensor::zeros(ctx.shape(i), ctx.dtype(i))?.into()),
            });
        }
        Ok(grads)
    }
}

impl Var {
    /// This variable in the dtype that it has beside the number, and the number as a 0-d constant of it
    /// (`torch.result_type`).
    #[track_caller]
    pub fn beside(&self, other: impl Into<Scalar>) -> Result<(Var, Var)> {
        let (x, other) = self.value().beside(other)?;
        Ok((self.to_dtype(x.dtype())?, other.into()))
    }
}

pub(crate) use pointwise_methods;
