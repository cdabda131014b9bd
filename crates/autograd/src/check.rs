//! Checking a rule against finite differences.

use crate::{Error, Grad, Result, Tensor, Var};
use tensor_core::DType;

/// What a checked function may return: one variable or several.
pub trait Outputs {
    /// All of them.
    fn into_vec(self) -> Vec<Var>;
}

impl Outputs for Var {
    fn into_vec(self) -> Vec<Var> {
        vec![self]
    }
}

impl Outputs for Vec<Var> {
    fn into_vec(self) -> Vec<Var> {
        self
    }
}

/// Step and tolerances of a check. The defaults are those of `torch.autograd.gradcheck`.
#[derive(Clone, Copy, Debug)]
pub struct GradCheck {
    /// Step of the central differences. Default 1e-6.
    pub eps: f64,
    /// Absolute tolerance. Default 1e-5.
    pub atol: f64,
    /// Relative tolerance, of the numerical value. Default 1e-3.
    pub rtol: f64,
}

impl Default for GradCheck {
    fn default() -> Self {
        Self { eps: 1e-6, atol: 1e-5, rtol: 1e-3 }
    }
}

/// Checks the gradients of `f` at `inputs` against central differences: `torch.autograd.gradcheck`. Floating-point
/// inputs must be f64; others are passed as constants.
///
/// ```
/// use autograd::{Tensor, gradcheck, gradgradcheck};
/// let x = Tensor::from_vec(vec![0.3f64, -1.2, 2.0], [3])?;
/// gradcheck(|x| x[0].tanh(), &[x.clone()])?;
/// gradgradcheck(|x| x[0].tanh(), &[x])?;
/// # Ok::<(), autograd::Error>(())
/// ```
///
/// # Errors
/// [`Error::GradCheck`] for the first element that differs, what `f` refuses, or a float input that is not f64.
#[track_caller]
pub fn gradcheck<O: Outputs>(f: impl Fn(&[Var]) -> Result<O>, inputs: &[Tensor]) -> Result<()> {
    GradCheck::default().first(f, inputs)
}

/// Checks the gradients of the gradients of `f`: `torch.autograd.gradgradcheck`.
///
/// # Errors
/// See [`gradcheck`].
#[track_caller]
pub fn gradgradcheck<O: Outputs>(f: impl Fn(&[Var]) -> Result<O>, inputs: &[Tensor]) -> Result<()> {
    GradCheck::default().second(f, inputs)
}

impl GradCheck {
    /// [`gradcheck`] with these tolerances.
    ///
    /// # Errors
    /// See [`gradcheck`].
    #[track_caller]
    pub fn first<O: Outputs>(self, f: impl Fn(&[Var]) -> Result<O>, inputs: &[Tensor]) -> Result<()> {
        expect_f64(inputs)?;
        let vars = inputs.iter().map(tracked).collect::<Result<Vec<_>>>()?;
        let outputs = f(&vars)?.into_vec();
        for (o, output) in outputs.iter().enumerate().filter(|(_, y)| y.requires_grad()) {
            for (i, input) in vars.iter().enumerate().filter(|(_, x)| x.requires_grad()) {
                let analytical = analytical_jacobian(output, input)?;
                let numerical = self.numerical_jacobian(&f, inputs, i, o)?;
                self.compare(inputs, (o, output.numel()), (i, input.numel()), &numerical, &analytical)?;
            }
        }
        Ok(())
    }

    /// [`gradgradcheck`] with these tolerances.
    ///
    /// # Errors
    /// See [`gradcheck`].
    #[track_caller]
    pub fn second<O: Outputs>(self, f: impl Fn(&[Var]) -> Result<O>, inputs: &[Tensor]) -> Result<()> {
        expect_f64(inputs)?;
        let vars = inputs.iter().map(tracked).collect::<Result<Vec<_>>>()?;
        let outputs = f(&vars)?.into_vec();
        let seeds = outputs.iter().filter(|y| y.requires_grad()).map(|y| spread(y.value()));
        let seeds = seeds.collect::<Result<Vec<_>>>()?;
        let all: Vec<Tensor> = inputs.iter().cloned().chain(seeds).collect();
        let count = inputs.len();
        let gradients = |vars: &[Var]| -> Result<Vec<Var>> {
            let outputs = f(&vars[..count])?.into_vec();
            let outputs: Vec<&Var> = outputs.iter().filter(|y| y.requires_grad()).collect();
            let wanted: Vec<&Var> = vars[..count].iter().filter(|x| x.requires_grad()).collect();
            let seeds: Vec<Option<Var>> = vars[count..].iter().cloned().map(Some).collect();
            let options = Grad { create_graph: true, allow_unused: true, ..Grad::default() };
            Ok(options.of(&outputs, &wanted, &seeds)?.into_iter().flatten().collect())
        };
        self.first(gradients, &all)
    }

    /// Rows: elements of output `o`; columns: elements of input `i`.
    fn numerical_jacobian<O: Outputs>(
        &self,
        f: impl Fn(&[Var]) -> Result<O>,
        inputs: &[Tensor],
        i: usize,
        o: usize,
    ) -> Result<Vec<Vec<f64>>> {
        let values = inputs[i].to_vec::<f64>()?;
        let mut columns = Vec::with_capacity(values.len());
        for j in 0..values.len() {
            let at = |x: f64| -> Result<Vec<f64>> {
                let mut moved = values.clone();
                moved[j] = x;
                // The check of f needs its gradients recorded in f itself (second order), so every input is tracked.
                let mut all = inputs.iter().map(tracked).collect::<Result<Vec<_>>>()?;
                all[i] = Var::leaf(Tensor::from_vec(moved, inputs[i].shape())?)?;
                Ok(f(&all)?.into_vec()[o].value().to_vec::<f64>()?)
            };
            let (above, below) = (at(values[j] + self.eps)?, at(values[j] - self.eps)?);
            columns
                .push(above.iter().zip(&below).map(|(a, b)| (a - b) / (2.0 * self.eps)).collect::<Vec<_>>());
        }
        let rows = columns.first().map_or(0, Vec::len);
        Ok((0..rows).map(|r| columns.iter().map(|c| c[r]).collect()).collect())
    }

    fn compare(
        &self,
        inputs: &[Tensor],
        (output, rows): (usize, usize),
        (input, columns): (usize, usize),
        numerical: &[Vec<f64>],
        analytical: &[Vec<f64>],
    ) -> Result<()> {
        for row in 0..if columns == 0 { 0 } else { rows } {
            for column in 0..columns {
                let (n, a) = (numerical[row][column], analytical[row][column]);
                let near = (n - a).abs() <= self.atol + self.rtol * n.abs() || (n.is_nan() && a.is_nan());
                if !near {
                    let report = inputs.iter().map(|x| format!("{x:?}\n")).collect();
                    return Err(Error::GradCheck {
                        output,
                        input,
                        row,
                        column,
                        numerical: n,
                        analytical: a,
                        report,
                    });
                }
            }
        }
        Ok(())
    }
}

#[track_caller]
fn expect_f64(inputs: &[Tensor]) -> Result<()> {
    match inputs.iter().find(|x| x.dtype().is_float() && x.dtype() != DType::F64) {
        None => Ok(()),
        Some(x) => Err(Error::Argument {
            op: "gradcheck",
            argument: "the dtype of an input",
            value: x.dtype().to_string(),
            expected: "f64: finite differences need its precision",
            location: std::panic::Location::caller(),
        }),
    }
}

fn tracked(value: &Tensor) -> Result<Var> {
    if value.dtype().is_float() { Var::leaf(value.clone()) } else { Ok(value.into()) }
}

/// One backward for each element of the output.
fn analytical_jacobian(output: &Var, input: &Var) -> Result<Vec<Vec<f64>>> {
    let options = Grad { retain_graph: Some(true), allow_unused: true, ..Grad::default() };
    (0..output.numel())
        .map(|row| {
            let mut seed = vec![0.0f64; output.numel()];
            seed[row] = 1.0;
            let seed = Tensor::from_vec(seed, output.shape())?;
            let found = options.of(&[output], &[input], &[Some(seed.into())])?;
            match &found[0] {
                Some(grad) => Ok(grad.value().to_vec::<f64>()?),
                None => Ok(vec![0.0; input.numel()]),
            }
        })
        .collect()
}

/// A seed with a different value for each element, so that mixed-up elements are noticed.
fn spread(like: &Tensor) -> Result<Tensor> {
    let values = (0..like.numel()).map(|i| ((i * 7 + 3) % 11) as f64 / 8.0 - 0.6).collect();
    Ok(Tensor::from_vec(values, like.shape())?)
}
