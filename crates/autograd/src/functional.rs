//! Products with a Jacobian or a Hessian, and these whole: `torch.autograd.functional`.
//!
//! Everything takes the function and plain tensors, and gives plain tensors. An input on which an output does not
//! depend has zeros there (`strict=False`).

use crate::check::Outputs;
use crate::{Error, Grad, Result, Tensor, Var};
use std::panic::Location;

/// `f(inputs)`, and `vᵀ J`, the gradient of `Σ v · f`, for each input: `torch.autograd.functional.vjp`. `v` has a tensor
/// of the shape and dtype of each output.
///
/// ```
/// use autograd::{Tensor, vjp};
/// let x = Tensor::from_vec(vec![1.0f64, 2.0], [2])?;
/// let v = Tensor::from_vec(vec![10.0f64, 1.0], [2])?;
/// let (y, product) = vjp(|x| x[0].mul(&x[0]), &[x], &[v])?;
/// assert_eq!(y[0].to_vec::<f64>()?, [1.0, 4.0]);
/// assert_eq!(product[0].to_vec::<f64>()?, [20.0, 4.0]);
/// # Ok::<(), autograd::Error>(())
/// ```
///
/// # Errors
/// What `f` refuses; an input that is no float; a `v` that does not fit.
#[track_caller]
pub fn vjp<O: Outputs>(
    f: impl Fn(&[Var]) -> Result<O>,
    inputs: &[Tensor],
    v: &[Tensor],
) -> Result<(Vec<Tensor>, Vec<Tensor>)> {
    let location = Location::caller();
    let inputs = leaves(inputs)?;
    let outputs = f(&inputs)?.into_vec();
    expect_count("vjp", v.len(), outputs.len(), "as many as the function has outputs", location)?;
    let product = pull(&outputs, &inputs, v, false).map_err(|e| e.called_at(location))?;
    Ok((plain(&outputs), plain(&product)))
}

/// `f(inputs)`, and `J v`, the directional derivative along `v`, for each output: `torch.autograd.functional.jvp`, by
/// differentiating `vᵀ J` twice. `v` has a tensor of the shape and dtype of each input.
///
/// ```
/// use autograd::{Tensor, jvp};
/// let x = Tensor::from_vec(vec![1.0f64, 2.0], [2])?;
/// let v = Tensor::from_vec(vec![1.0f64, 0.5], [2])?;
/// let (_, product) = jvp(|x| x[0].mul(&x[0])?.sum(), &[x], &[v])?;
/// assert_eq!(product[0].item::<f64>()?, 2.0 * 1.0 + 4.0 * 0.5);
/// # Ok::<(), autograd::Error>(())
/// ```
///
/// # Errors
/// See [`vjp`].
#[track_caller]
pub fn jvp<O: Outputs>(
    f: impl Fn(&[Var]) -> Result<O>,
    inputs: &[Tensor],
    v: &[Tensor],
) -> Result<(Vec<Tensor>, Vec<Tensor>)> {
    let location = Location::caller();
    expect_count("jvp", v.len(), inputs.len(), "as many as the function has inputs", location)?;
    let inputs = leaves(inputs)?;
    let outputs = f(&inputs)?.into_vec();
    // uᵀ J is linear in u, so its derivative with respect to u along v is J v, at any u.
    let zeros = outputs.iter().map(|y| Ok(y.value().zeros_like()?)).collect::<Result<Vec<_>>>()?;
    let u = leaves(&zeros)?;
    let seeds: Vec<Option<Var>> = u.iter().cloned().map(Some).collect();
    let pulled = pull_vars(&outputs, &inputs, &seeds, true)?;
    let product = pull(&pulled, &u, v, false).map_err(|e| e.called_at(location))?;
    Ok((plain(&outputs), plain(&product)))
}

/// `f(inputs)` (one element) and `H v`, for each input: `torch.autograd.functional.hvp`. See [`vhp`], which is cheaper
/// and the same wherever `f` is twice continuously differentiable.
///
/// # Errors
/// See [`hessian`] and [`vjp`].
#[track_caller]
pub fn hvp(
    f: impl Fn(&[Var]) -> Result<Var>,
    inputs: &[Tensor],
    v: &[Tensor],
) -> Result<(Tensor, Vec<Tensor>)> {
    let value = f(&leaves(inputs)?)?.detach();
    Ok((value, jvp(gradient_of(f), inputs, v)?.1))
}

/// `f(inputs)` (one element) and `vᵀ H`, for each input: `torch.autograd.functional.vhp`.
///
/// ```
/// use autograd::{Tensor, vhp};
/// let x = Tensor::from_vec(vec![1.0f64, 2.0], [2])?;
/// let v = Tensor::from_vec(vec![1.0f64, -1.0], [2])?;
/// let (value, product) = vhp(|x| x[0].pow_scalar(3)?.sum(), &[x], &[v])?;
/// assert_eq!(value.item::<f64>()?, 9.0);
/// assert_eq!(product[0].to_vec::<f64>()?, [6.0, -12.0]);
/// # Ok::<(), autograd::Error>(())
/// ```
///
/// # Errors
/// See [`hessian`] and [`vjp`].
#[track_caller]
pub fn vhp(
    f: impl Fn(&[Var]) -> Result<Var>,
    inputs: &[Tensor],
    v: &[Tensor],
) -> Result<(Tensor, Vec<Tensor>)> {
    let value = f(&leaves(inputs)?)?.detach();
    Ok((value, vjp(gradient_of(f), inputs, v)?.1))
}

/// All first derivatives: `jacobian[o][i]` has the shape of output `o` followed by that of input `i`:
/// `torch.autograd.functional.jacobian`. One backward for each element of the outputs.
///
/// ```
/// use autograd::{Tensor, jacobian};
/// let x = Tensor::from_vec(vec![1.0f64, 2.0], [2])?;
/// let found = jacobian(|x| x[0].mul(&x[0]), &[x])?;
/// assert_eq!(found[0][0].shape().to_string(), "[2, 2]");
/// assert_eq!(found[0][0].to_vec::<f64>()?, [2.0, 0.0, 0.0, 4.0]);
/// # Ok::<(), autograd::Error>(())
/// ```
///
/// # Errors
/// What `f` refuses; an input that is no float.
#[track_caller]
pub fn jacobian<O: Outputs>(f: impl Fn(&[Var]) -> Result<O>, inputs: &[Tensor]) -> Result<Vec<Vec<Tensor>>> {
    let inputs = leaves(inputs)?;
    let outputs = f(&inputs)?.into_vec();
    outputs.iter().map(|output| rows(output, &inputs)).collect()
}

/// All second derivatives of a function of one element: `hessian[i][j]` has the shape of input `i` followed by that of
/// input `j`: `torch.autograd.functional.hessian`.
///
/// ```
/// use autograd::{Tensor, hessian};
/// let x = Tensor::from_vec(vec![1.0f64, 2.0], [2])?;
/// let found = hessian(|x| x[0].pow_scalar(3)?.sum(), &[x])?;
/// assert_eq!(found[0][0].to_vec::<f64>()?, [6.0, 0.0, 0.0, 12.0]);
/// # Ok::<(), autograd::Error>(())
/// ```
///
/// # Errors
/// What `f` refuses; an input that is no float; a result of several elements.
#[track_caller]
pub fn hessian(f: impl Fn(&[Var]) -> Result<Var>, inputs: &[Tensor]) -> Result<Vec<Vec<Tensor>>> {
    jacobian(gradient_of(f), inputs)
}

/// The function that gives the gradients of `f`.
#[track_caller]
fn gradient_of(f: impl Fn(&[Var]) -> Result<Var>) -> impl Fn(&[Var]) -> Result<Vec<Var>> {
    let location = Location::caller();
    move |inputs| pull_vars(&[f(inputs)?], inputs, &[None], true).map_err(|e| e.called_at(location))
}

fn leaves(inputs: &[Tensor]) -> Result<Vec<Var>> {
    inputs.iter().map(|x| Var::leaf(x.clone())).collect()
}

fn plain(vars: &[Var]) -> Vec<Tensor> {
    vars.iter().map(Var::detach).collect()
}

fn pull(outputs: &[Var], inputs: &[Var], seeds: &[Tensor], create_graph: bool) -> Result<Vec<Var>> {
    let seeds: Vec<Option<Var>> = seeds.iter().map(|v| Some(v.into())).collect();
    pull_vars(outputs, inputs, &seeds, create_graph)
}

/// The gradients of `Σ seed · output`, zeros where there are none.
fn pull_vars(outputs: &[Var], inputs: &[Var], seeds: &[Option<Var>], create_graph: bool) -> Result<Vec<Var>> {
    let tracked = || outputs.iter().zip(seeds).filter(|(y, _)| y.requires_grad());
    let outputs: Vec<&Var> = tracked().map(|(y, _)| y).collect();
    let seeds: Vec<Option<Var>> = tracked().map(|(_, seed)| seed.clone()).collect();
    let inputs: Vec<&Var> = inputs.iter().collect();
    let options = Grad { create_graph, retain_graph: Some(true), materialize_grads: true, ..Grad::default() };
    Ok(options.of(&outputs, &inputs, &seeds)?.into_iter().flatten().collect())
}

/// The Jacobian of one output with respect to each input.
fn rows(output: &Var, inputs: &[Var]) -> Result<Vec<Tensor>> {
    let n = output.numel();
    let mut rows: Vec<Vec<Tensor>> = vec![Vec::with_capacity(n); inputs.len()];
    for i in 0..n {
        let one_hot = (0..n).map(|j| f64::from(i == j)).collect();
        let seed = Tensor::from_vec::<f64>(one_hot, output.shape())?.to_dtype(output.dtype())?;
        let gradients = pull(std::slice::from_ref(output), inputs, &[seed], false)?;
        for (rows, gradient) in rows.iter_mut().zip(gradients) {
            rows.push(gradient.detach().unsqueeze(0)?);
        }
    }
    rows.iter()
        .zip(inputs)
        .map(|(rows, input)| {
            let shape = output.shape().iter().chain(input.shape().iter()).copied().collect();
            let rows: Vec<&Tensor> = rows.iter().collect();
            Ok(if rows.is_empty() {
                Tensor::zeros(&shape, input.dtype())?
            } else {
                Tensor::cat(&rows, 0)?.view_as(&shape)?
            })
        })
        .collect()
}

fn expect_count(
    op: &'static str,
    found: usize,
    count: usize,
    expected: &'static str,
    location: &'static Location<'static>,
) -> Result<()> {
    if found == count {
        return Ok(());
    }
    let argument = "the number of tensors in v";
    Err(Error::Argument { op, argument, value: found.to_string(), expected, location })
}
