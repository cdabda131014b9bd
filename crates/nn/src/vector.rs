//! All parameters as one vector.

use crate::{Error, Result};
use autograd::{Parameter, Tensor, Var};

/// The parameters one after another, each flat: `torch.nn.utils.parameters_to_vector`. Gradients go through.
///
/// ```
/// use nn::prelude::*;
/// use autograd::tensor_core::Rng;
///
/// let layer = Linear::new(2, 3, &Rng::seed(0))?;
/// let vector = nn::parameters_to_vector(&layer.parameters())?.detach();
/// assert_eq!(vector.shape().to_string(), "[9]");
/// nn::vector_to_parameters(&vector.mul_scalar(2.0)?, &layer.parameters())?;
/// let doubled = nn::parameters_to_vector(&layer.parameters())?.detach();
/// assert_eq!(doubled.to_vec::<f32>()?, vector.mul_scalar(2.0)?.to_vec::<f32>()?);
/// # Ok::<(), nn::Error>(())
/// ```
///
/// # Errors
/// If there is no parameter or the dtypes differ.
#[track_caller]
pub fn parameters_to_vector(parameters: &[Parameter]) -> Result<Var> {
    let flat: Vec<Var> =
        parameters.iter().map(|parameter| parameter.var().flatten(0, -1)).collect::<autograd::Result<_>>()?;
    Ok(Var::cat(&flat.iter().collect::<Vec<_>>(), 0)?)
}

/// Sets the parameters to the parts of `vector`, in the order of [`parameters_to_vector`]:
/// `torch.nn.utils.vector_to_parameters`.
///
/// # Errors
/// If the vector has not as many elements as the parameters, or another dtype. The parameters are then unchanged.
#[track_caller]
pub fn vector_to_parameters(vector: &Tensor, parameters: &[Parameter]) -> Result<()> {
    let count: usize = parameters.iter().map(Parameter::numel).sum();
    let fits = parameters.iter().all(|parameter| parameter.dtype() == vector.dtype());
    if vector.shape()[..] != [count] || !fits {
        return Err(Error::Argument {
            op: "vector_to_parameters",
            argument: "the vector",
            value: format!("{} {} for {count} numbers", vector.dtype(), vector.shape()),
            expected: "one dimension, as many elements as all parameters together, and their dtype",
        });
    }
    let mut start = 0;
    for parameter in parameters {
        let part = vector.narrow(0, start as isize, parameter.numel())?.view_as(parameter.shape())?;
        parameter.set_value(part)?;
        start += parameter.numel();
    }
    Ok(())
}
