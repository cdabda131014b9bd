//! One step of one parameter, as its rule sees it.

use super::Slot;
use crate::{Error, Result};
use tensor_core::step::Real;
use tensor_core::{Shape, Tensor};

/// What is kept for one parameter between steps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kept {
    pub(crate) numbers: Vec<(&'static str, f64)>,
    pub(crate) buffers: Vec<(&'static str, Tensor)>,
}

impl Kept {
    /// Whether the parameter was never stepped.
    pub(crate) fn is_empty(&self) -> bool {
        self.numbers.is_empty() && self.buffers.is_empty()
    }
}

/// A parameter's elements, those of its gradient and those of buffers, in row-major order.
pub struct Parts<'a, F, const N: usize> {
    /// The parameter.
    pub param: &'a mut [F],
    /// The gradient.
    pub grad: &'a [F],
    /// The buffers that were asked for, in that order.
    pub buffers: [&'a mut [F]; N],
}

/// One step of one parameter: the value, its gradient and what is kept for it.
pub struct Step<'a, F> {
    pub(crate) param: &'a mut [F],
    pub(crate) grad: &'a [F],
    pub(crate) shape: &'a Shape,
    pub(crate) kept: &'a mut Kept,
    pub(crate) optimizer: &'static str,
    pub(crate) slots: &'static [Slot],
}

impl<F: Real> Step<'_, F> {
    /// The parameter's elements, in row-major order.
    pub fn param(&self) -> &[F] {
        self.param
    }

    /// The gradient's elements, in row-major order.
    pub fn grad(&self) -> &[F] {
        self.grad
    }

    /// The parameter's shape.
    pub fn shape(&self) -> &Shape {
        self.shape
    }

    /// Counts this step: 1 in the first one. The count is kept as `step`.
    pub fn count(&mut self) -> f64 {
        let step = self.number("step", 0.0);
        *step += 1.0;
        *step
    }

    /// The kept number `name`, `initial` before the first step.
    pub fn number(&mut self, name: &'static str, initial: f64) -> &mut f64 {
        let numbers = &mut self.kept.numbers;
        let place = numbers.iter().position(|(known, _)| *known == name).unwrap_or_else(|| {
            numbers.push((name, initial));
            numbers.len() - 1
        });
        &mut numbers[place].1
    }

    /// Makes the buffer `name`, full of `value` and of the parameter's shape, if it is not kept yet; true if it was
    /// made now.
    ///
    /// # Errors
    /// If memory runs out, or the rule does not declare the buffer.
    pub fn init(&mut self, name: &'static str, value: f64) -> Result<bool> {
        let shape = self.shape.clone();
        self.init_shape(name, value, &shape)
    }

    /// As [`init`](Step::init), for a buffer of another shape.
    ///
    /// # Errors
    /// If memory runs out, or the rule does not declare the buffer.
    pub fn init_shape(&mut self, name: &'static str, value: f64, shape: &Shape) -> Result<bool> {
        if self.kept.buffers.iter().any(|(known, _)| *known == name) {
            return Ok(false);
        }
        if !self.slots.contains(&Slot::Buffer(name)) {
            return Err(Error::Undeclared { optimizer: self.optimizer, name });
        }
        self.kept.buffers.push((name, Tensor::full(shape, value, F::DTYPE)?));
        Ok(true)
    }

    /// The parameter, the gradient and the buffers `names`, for a rule that is more than one pass over elements.
    /// Buffers that are not kept yet start as zeros.
    ///
    /// # Errors
    /// If memory runs out, or a name comes twice or is not declared.
    pub fn parts<const N: usize>(&mut self, names: [&'static str; N]) -> Result<Parts<'_, F, N>> {
        let mut places = [0; N];
        for (place, name) in places.iter_mut().zip(names) {
            if !self.kept.buffers.iter().any(|(known, _)| *known == name) {
                self.init(name, 0.0)?;
            }
            *place = self.kept.buffers.iter().position(|(known, _)| *known == name).unwrap_or(0);
        }
        let twice =
            Error::Undeclared { optimizer: self.optimizer, name: names.first().copied().unwrap_or("") };
        let buffers = self.kept.buffers.get_disjoint_mut(places).map_err(|_| twice)?;
        let mut slices: [&mut [F]; N] = std::array::from_fn(|_| Default::default());
        for (slice, (_, buffer)) in slices.iter_mut().zip(buffers) {
            *slice = buffer.as_slice_mut()?;
        }
        Ok(Parts { param: self.param, grad: self.grad, buffers: slices })
    }

    /// Replaces each element of the parameter and of the buffers `names` by what `body(p, g, buffers)` makes of the
    /// elements at its place, in one pass. Buffers that are not kept yet start as zeros.
    ///
    /// # Errors
    /// If memory runs out, or a name comes twice or is not declared.
    pub fn each<const N: usize>(
        &mut self,
        names: [&'static str; N],
        body: impl Fn(F, F, [F; N]) -> (F, [F; N]) + Sync,
    ) -> Result<()> {
        let Parts { param, grad, buffers } = self.parts(names)?;
        Ok(tensor_core::step::update(param, grad, buffers, body)?)
    }
}
