//! Heat in a rod: u_t = α u_xx for x from 0 to 1, with both ends held at 0 and sin πx at the start. The solution is
//! exp(−α π² t) sin πx; the network never sees it.

use std::f64::consts::PI;
use train::autograd::grad;
use train::prelude::*;

/// α.
const DIFFUSIVITY: f64 = 0.1;

/// Where the conditions are checked: x in the first column, t in the second.
pub struct Points {
    inside: Tensor,
    start: Tensor,
    ends: Tensor,
}

impl Points {
    /// `n` points inside and a quarter of it on each border, drawn evenly from 0 ≤ x, t ≤ 1.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn draw(n: usize, rng: &Rng) -> Result<Self> {
        let column = |n: usize| rng.rand([n, 1], DType::F32);
        let (border, x) = (n / 4, column(n / 4)?);
        let left = Tensor::zeros([border, 1], DType::F32)?;
        let right = Tensor::ones([border, 1], DType::F32)?;
        let ends = Tensor::cat(&[&left, &right], 0)?;
        Ok(Self {
            inside: rng.rand([n, 2], DType::F32)?,
            start: Tensor::cat(&[&x, &x.zeros_like()?], 1)?,
            ends: Tensor::cat(&[&ends, &column(2 * border)?], 1)?,
        })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        [&self.inside, &self.start, &self.ends].iter().map(|points| points.shape()[0]).sum()
    }
}

/// By how much the network misses the equation and both conditions, in squares.
///
/// # Errors
/// If the model does not map `[N, 2]` to `[N, 1]`.
pub fn loss(model: &dyn Layer, points: &Points) -> Result<Var> {
    let equation = residual(model, &points.inside)?;
    let start = model.forward(&(&points.start).into())?.sub(&exact(&points.start)?.into())?;
    let ends = model.forward(&(&points.ends).into())?;
    let square = |misses: Var| misses.mul(&misses)?.mean();
    Ok(square(equation)?.add(&square(start)?)?.add(&square(ends)?)?)
}

/// u_t − α u_xx. The derivatives come from backward passes that are themselves recorded (`create_graph`), so that the
/// loss made of them can go backward to the weights.
fn residual(model: &dyn Layer, points: &Tensor) -> Result<Var> {
    let (x, t) = (Var::leaf(points.narrow(1, 0, 1)?)?, Var::leaf(points.narrow(1, 1, 1)?)?);
    let u = model.forward(&Var::cat(&[&x, &t], 1)?)?;
    // A point's u depends on its own x and t alone: the gradient of the sum is the derivative at each point.
    let first = grad(&u.sum()?, &[&x, &t], true)?;
    let second = grad(&first[0].sum()?, &[&x], true)?;
    Ok(first[1].sub(&second[0].mul_scalar(DIFFUSIVITY)?)?)
}

/// exp(−α π² t) sin πx at each point, `[N, 1]`.
fn exact(points: &Tensor) -> Result<Tensor> {
    let decay = (-DIFFUSIVITY * PI * PI) as f32;
    let solution = |point: &[f32]| (decay * point[1]).exp() * (PI as f32 * point[0]).sin();
    let values = points.to_vec::<f32>()?.chunks(2).map(solution).collect();
    Ok(Tensor::from_vec(values, [points.shape()[0], 1])?)
}

/// ‖u − solution‖ / ‖solution‖ on a grid of `n` by `n` points.
///
/// # Errors
/// If the model refuses the points.
pub fn relative_error(model: &dyn Layer, n: usize) -> Result<f64> {
    let axis = Tensor::linspace(0.0, 1.0, n, DType::F32)?;
    let points = Tensor::stack(&[&axis.repeat([n])?, &axis.repeat_interleave(n, None)?], 1)?;
    let exact = exact(&points)?;
    let misses = no_grad(|| model.forward(&points.into()))?.detach().sub(&exact)?;
    let norm = |x: &Tensor| x.norm(2.0, [], false)?.item::<f32>();
    Ok(f64::from(norm(&misses)? / norm(&exact)?))
}
