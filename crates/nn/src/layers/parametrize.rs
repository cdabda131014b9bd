//! Layers whose weight is computed anew in each forward.

use crate::{Buffer, Error, Layer, Module, Result, Training, Walk, repr};
use autograd::tensor_core::Rng;
use autograd::{Parameter, Shape, Tensor, Var};

/// A layer that can compute with another weight than its own: what [`WeightNorm`] and [`SpectralNorm`] work on.
pub trait Weighted: Module {
    /// The weight's dimension that counts outputs.
    const OUTPUTS: usize = 0;

    /// The weight.
    fn weight(&self) -> &Parameter;

    /// The bias; None without.
    fn bias(&self) -> Option<&Parameter>;

    /// The output for the input `x`, with `weight` in place of the layer's own.
    ///
    /// # Errors
    /// If the shape or dtype of `x` does not fit.
    #[track_caller]
    fn compute_with(&self, weight: &Var, x: &Var) -> Result<Var>;
}

fn no_dim<T>(op: &'static str, dim: usize) -> Result<T> {
    let expected = "a dimension of the weight";
    Err(Error::Argument { op, argument: "dim", value: dim.to_string(), expected })
}

/// A layer whose weight is a learned length g times the direction of a learned v, `g · v / ‖v‖`:
/// `torch.nn.utils.parametrizations.weight_norm(layer)` (<https://arxiv.org/abs/1602.07868>). There is a length for each
/// place in dimension `dim` of the weight. g and v are saved as `parametrizations.weight.original0` and `original1`, and
/// start so that the weight is what it was.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor, tensor_core::Rng};
///
/// let layer = WeightNorm::new(Linear::new(4, 2, &Rng::seed(0))?)?;
/// layer.forward(&Tensor::ones([1, 4], DType::F32)?.into())?.sum()?.backward()?;
/// let names: Vec<String> = layer.named_parameters().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["bias", "parametrizations.weight.original0", "parametrizations.weight.original1"]);
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Debug)]
pub struct WeightNorm<L> {
    layer: L,
    length: Parameter,
    dim: Option<usize>,
}

impl<L: Weighted> WeightNorm<L> {
    /// A length for each place in dimension 0.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(layer: L) -> Result<Self> {
        Self::with_dim(layer, Some(0))
    }

    /// A length for each place in this dimension; None: one for the whole weight.
    ///
    /// # Errors
    /// If the weight has no such dimension or memory does not suffice.
    pub fn with_dim(layer: L, dim: Option<usize>) -> Result<Self> {
        let weight = layer.weight().value();
        let length = match dim {
            Some(dim) if dim >= weight.rank() => return no_dim("WeightNorm", dim),
            Some(dim) => {
                let dims: Vec<isize> = (0..weight.rank()).filter(|&d| d != dim).map(|d| d as isize).collect();
                weight.vector_norm(2.0, &dims[..], true)?
            }
            None => weight.flatten(0, -1)?.vector_norm(2.0, 0, false)?,
        };
        Ok(Self { layer, length: Parameter::new(length)?, dim })
    }
}

impl<L: Weighted> Module for WeightNorm<L> {
    fn visit(&self, walk: &mut Walk<'_>) {
        // Every field is named, so that a new one cannot be left out unseen.
        let Self { layer, length, dim: _ } = self;
        walk.module(self, |walk| {
            if let Some(bias) = layer.bias() {
                walk.child("bias", bias);
            }
            walk.child("parametrizations.weight.original0", length);
            walk.child("parametrizations.weight.original1", layer.weight());
        });
    }

    fn extra_repr(&self) -> String {
        format!("{}, dim={:?}", repr::line(&self.layer), self.dim)
    }

    fn multiply_adds(&self, input: &Shape, output: &Shape) -> usize {
        self.layer.multiply_adds(input, output)
    }
}

impl<L: Weighted> Layer for WeightNorm<L> {
    fn compute(&self, x: &Var) -> Result<Var> {
        let (v, g) = (self.layer.weight().var(), self.length.var());
        let weight = match self.dim {
            Some(dim) => v.weight_norm(&g, dim as isize)?,
            None => v.mul(&g.div(&v.flatten(0, -1)?.vector_norm(2.0, 0, false)?)?)?,
        };
        self.layer.compute_with(&weight, x)
    }
}

/// A layer whose weight is divided by its largest singular value: `torch.nn.utils.parametrizations.spectral_norm(layer)`
/// (<https://arxiv.org/abs/1802.05957>). The value is estimated by `u · W v`, of vectors u and v that each training
/// forward takes a step towards the singular ones. The weight before the division is saved as
/// `parametrizations.weight.original`, the vectors as `parametrizations.weight.0._u` and `_v`.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor, tensor_core::Rng};
///
/// let rng = Rng::seed(0);
/// let layer = SpectralNorm::new(Linear::options(2, 2).bias(false).build(&rng)?, &rng)?;
/// // Now no input grows by more than its length.
/// let x = rng.randn([100, 2], DType::F32)?;
/// let y = layer.forward(&(&x).into())?.detach();
/// let (y, x) = (y.vector_norm(2.0, 1, false)?.to_vec::<f32>()?, x.vector_norm(2.0, 1, false)?.to_vec::<f32>()?);
/// assert!(y.iter().zip(x).all(|(y, x)| *y < 1.01 * x));
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Debug)]
pub struct SpectralNorm<L> {
    layer: L,
    u: Buffer,
    v: Buffer,
    training: Training,
    n_power_iterations: usize,
    eps: f64,
    dim: usize,
}

impl<L: Weighted> SpectralNorm<L> {
    /// One step in each forward, eps 1e-12, outputs against all else.
    ///
    /// # Errors
    /// If memory does not suffice.
    pub fn new(layer: L, rng: &Rng) -> Result<Self> {
        Self::options(layer).build(rng)
    }

    /// Settings beyond the common ones.
    pub fn options(layer: L) -> SpectralNormOptions<L> {
        SpectralNormOptions { layer, n_power_iterations: 1, eps: 1e-12, dim: L::OUTPUTS }
    }

    fn steps(&self, count: usize) -> Result<()> {
        let matrix = matrix(&self.layer.weight().var(), self.dim)?.detach();
        let unit = |x: Tensor| -> Result<Tensor> {
            Ok(x.div(&x.vector_norm(2.0, 0, true)?.clamp(Some(self.eps), None)?)?)
        };
        for _ in 0..count {
            self.u.set_value(unit(matrix.matmul(&self.v.value())?)?)?;
            self.v.set_value(unit(matrix.transpose(0, 1)?.matmul(&self.u.value())?)?)?;
        }
        Ok(())
    }
}

/// The weight as a matrix, whose rows are the places in `dim`.
fn matrix(weight: &Var, dim: usize) -> Result<Var> {
    let rest = (0..weight.rank()).filter(|&d| d != dim);
    let order: Vec<isize> = std::iter::once(dim).chain(rest).map(|d| d as isize).collect();
    Ok(weight.permute(order)?.flatten(1, -1)?)
}

impl<L: Weighted> Module for SpectralNorm<L> {
    fn visit(&self, walk: &mut Walk<'_>) {
        // Every field is named, so that a new one cannot be left out unseen.
        let Self { layer, u, v, training, n_power_iterations: _, eps: _, dim: _ } = self;
        walk.module(self, |walk| {
            if let Some(bias) = layer.bias() {
                walk.child("bias", bias);
            }
            walk.child("parametrizations.weight.original", layer.weight());
            walk.child("parametrizations.weight.0._u", u);
            walk.child("parametrizations.weight.0._v", v);
            walk.child("training", training);
        });
    }

    fn extra_repr(&self) -> String {
        let Self { layer, n_power_iterations, eps, dim, .. } = self;
        format!("{}, n_power_iterations={n_power_iterations}, eps={eps:e}, dim={dim}", repr::line(layer))
    }

    fn multiply_adds(&self, input: &Shape, output: &Shape) -> usize {
        self.layer.multiply_adds(input, output)
    }
}

impl<L: Weighted> Layer for SpectralNorm<L> {
    fn compute(&self, x: &Var) -> Result<Var> {
        if self.training.get() {
            self.steps(self.n_power_iterations)?;
        }
        let weight = self.layer.weight().var();
        let (u, v): (Var, Var) = (self.u.value().into(), self.v.value().into());
        let largest = u.mul(&matrix(&weight, self.dim)?.matmul(&v)?)?.sum()?;
        self.layer.compute_with(&weight.div(&largest)?, x)
    }
}

/// Settings of a [`SpectralNorm`].
#[derive(Debug)]
#[must_use = "build makes the layer"]
pub struct SpectralNormOptions<L> {
    layer: L,
    n_power_iterations: usize,
    eps: f64,
    dim: usize,
}

impl<L: Weighted> SpectralNormOptions<L> {
    /// Steps of each training forward, at least 1; default 1.
    pub fn n_power_iterations(self, n_power_iterations: usize) -> Self {
        Self { n_power_iterations, ..self }
    }

    /// The least norm of a vector; default 1e-12.
    pub fn eps(self, eps: f64) -> Self {
        Self { eps, ..self }
    }

    /// The dimension that counts the rows of the weight as a matrix; default that of the outputs.
    pub fn dim(self, dim: usize) -> Self {
        Self { dim, ..self }
    }

    /// Draws the vectors, takes the first steps and makes the layer.
    ///
    /// # Errors
    /// If there is no step, the weight has no such dimension or memory does not suffice.
    pub fn build(self, rng: &Rng) -> Result<SpectralNorm<L>> {
        let Self { layer, n_power_iterations, eps, dim } = self;
        if n_power_iterations == 0 {
            let (value, expected) = ("0".to_string(), "at least 1");
            let argument = "n_power_iterations";
            return Err(Error::Argument { op: "SpectralNorm", argument, value, expected });
        }
        let weight = layer.weight().value();
        let Some(&rows) = weight.shape().get(dim) else { return no_dim("SpectralNorm", dim) };
        let columns = weight.numel() / rows.max(1);
        let draw = |size: usize| -> Result<Buffer> {
            let x = rng.normal([size], 0.0, 1.0, weight.dtype())?;
            Ok(Buffer::new(x.div(&x.vector_norm(2.0, 0, true)?.clamp(Some(eps), None)?)?))
        };
        let (u, v) = (draw(rows)?, draw(columns)?);
        let made = SpectralNorm { layer, u, v, training: Training::default(), n_power_iterations, eps, dim };
        // As in PyTorch: 15, and those of the forward by which it tries the new layer.
        made.steps(15 + n_power_iterations)?;
        Ok(made)
    }
}
