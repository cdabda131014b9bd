//! The variable: a tensor with an optional history.

use crate::graph::{Edge, Node};
use crate::leaf::Leaf;
use crate::{Error, Result, mode, trace};
use std::panic::Location;
use std::sync::Arc;
use tensor_core::{DType, Element, Shape, Tensor};

/// A [`Tensor`] that may take part in a graph.
///
/// A *leaf* ([`Var::leaf`]) gathers a gradient in [`grad`](Var::grad). The result of an operation on tracked values
/// has a history, which [`backward`](Var::backward) follows. A constant (`Var::from(tensor)`) has neither. Cloning
/// copies a handle: both are the same variable.
#[derive(Clone)]
pub struct Var {
    value: Tensor,
    edge: Option<Edge>,
}

impl Var {
    #[inline]
    pub(crate) fn with_edge(value: Tensor, edge: Option<Edge>) -> Self {
        Self { value, edge }
    }

    #[inline]
    pub(crate) fn edge(&self) -> Option<&Edge> {
        self.edge.as_ref()
    }

    /// The value, inside the crate: users go through [`Var::detach`].
    #[inline]
    pub(crate) fn value(&self) -> &Tensor {
        &self.value
    }

    pub(crate) fn into_value(self) -> Tensor {
        self.value
    }

    /// A variable that gathers a gradient: `requires_grad=True`.
    ///
    /// # Errors
    /// If the dtype is not floating-point.
    #[track_caller]
    pub fn leaf(value: Tensor) -> Result<Self> {
        if !value.dtype().is_float() {
            return Err(Error::NotFloat { op: "leaf", found: value.dtype(), location: Location::caller() });
        }
        let edge = Some(Edge::Leaf(Leaf::new(&value)));
        Ok(Self { value, edge })
    }

    /// The value without history, sharing storage: what to read, log, or hand to other code.
    ///
    /// ```
    /// use autograd::{Tensor, Var};
    /// let x = Var::leaf(Tensor::scalar(3.0f32)?)?;
    /// let y = x.mul(&x)?;
    /// assert_eq!(y.detach().item::<f32>()?, 9.0);
    /// // Used again, the detached value is a constant: no gradient flows through it.
    /// y.mul(&y.detach().into())?.backward()?;
    /// assert_eq!(x.grad().unwrap().item::<f32>()?, 9.0 * 6.0);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn detach(&self) -> Tensor {
        if mode::current().traced {
            trace::detach(&self.value, Location::caller());
        }
        self.value.clone()
    }

    /// The sizes of the dimensions.
    #[inline]
    pub fn shape(&self) -> &Shape {
        self.value.shape()
    }

    /// The number of dimensions.
    pub fn rank(&self) -> usize {
        self.value.rank()
    }

    /// The number of elements.
    pub fn numel(&self) -> usize {
        self.value.numel()
    }

    /// The size of dimension `dim`, counted from the right if negative.
    #[track_caller]
    pub fn size(&self, dim: isize) -> Result<usize> {
        Ok(self.value.size(dim)?)
    }

    /// The type of the elements.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.value.dtype()
    }

    /// Whether gradients flow here: a leaf that gathers one, or a result with history.
    pub fn requires_grad(&self) -> bool {
        self.edge.is_some()
    }

    /// Whether this is not the result of a recorded operation.
    pub fn is_leaf(&self) -> bool {
        !matches!(self.edge, Some(Edge::Node(..)))
    }

    /// The name of the operation that made this value; `None` for a leaf or constant.
    pub fn grad_fn(&self) -> Option<&'static str> {
        match &self.edge {
            Some(Edge::Node(node, _)) => Some(node.op.name()),
            _ => None,
        }
    }

    /// The gradient gathered so far: of a leaf, or of a result after [`retain_grad`](Var::retain_grad).
    /// `None` before the first backward and after [`zero_grad`](Var::zero_grad).
    pub fn grad(&self) -> Option<Tensor> {
        match &self.edge {
            Some(Edge::Leaf(leaf)) => leaf.grad().clone(),
            Some(Edge::Node(node, output)) => {
                let retained = node.known_extras()?.retained();
                retained.iter().find(|(o, _)| o == output).and_then(|(_, g)| g.clone())
            }
            None => None,
        }
    }

    /// Sets or clears the gradient of a leaf.
    ///
    /// # Errors
    /// If this is no tracked leaf, or the shape or dtype differs from the value's.
    #[track_caller]
    pub fn set_grad(&self, grad: Option<Tensor>) -> Result<()> {
        let location = Location::caller();
        let Some(Edge::Leaf(leaf)) = &self.edge else {
            return Err(Error::NotTracked { op: "set_grad", location });
        };
        set_leaf_grad(leaf, grad, "set_grad", location)
    }

    /// Clears the gradient of a leaf: the next backward starts from nothing.
    pub fn zero_grad(&self) {
        if let Some(Edge::Leaf(leaf)) = &self.edge {
            *leaf.grad() = None;
        }
    }

    /// Keeps the gradient of this result for [`grad`](Var::grad) when backward passes through.
    ///
    /// # Errors
    /// If no gradient flows here.
    #[track_caller]
    pub fn retain_grad(&self) -> Result<()> {
        match &self.edge {
            Some(Edge::Leaf(_)) => Ok(()),
            Some(Edge::Node(node, output)) => {
                let mut retained = node.extras().retained();
                if !retained.iter().any(|(o, _)| o == output) {
                    retained.push((*output, None));
                }
                Ok(())
            }
            None => Err(Error::NotTracked { op: "retain_grad", location: Location::caller() }),
        }
    }

    /// The one element of an untracked variable.
    ///
    /// # Errors
    /// If the variable is tracked (call `detach().item()`), has more elements than one, or another dtype.
    #[track_caller]
    pub fn item<T: Element>(&self) -> Result<T> {
        Ok(self.untracked("item")?.item()?)
    }

    /// The elements of an untracked variable in row-major order.
    ///
    /// # Errors
    /// If the variable is tracked (call `detach().to_vec()`) or has another dtype.
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        Ok(self.untracked("to_vec")?.to_vec()?)
    }

    /// The elements of an untracked, contiguous variable, borrowed.
    ///
    /// # Errors
    /// If the variable is tracked (call `detach()`, then `as_slice()`), is not contiguous or has another dtype.
    #[track_caller]
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        Ok(self.untracked("as_slice")?.as_slice()?)
    }

    #[track_caller]
    fn untracked(&self, op: &'static str) -> Result<&Tensor> {
        match self.edge {
            None => Ok(&self.value),
            Some(_) => Err(Error::Tracked { op, location: Location::caller() }),
        }
    }

    /// The node that made this value, with the number of the output.
    pub(crate) fn node(&self) -> Option<(&Arc<Node>, u32)> {
        match &self.edge {
            Some(Edge::Node(node, output)) => Some((node, *output)),
            _ => None,
        }
    }
}

/// Sets a leaf's gradient after checking that it fits.
pub(crate) fn set_leaf_grad(
    leaf: &Leaf,
    grad: Option<Tensor>,
    op: &'static str,
    location: &'static Location<'static>,
) -> Result<()> {
    if let Some(g) = &grad
        && (*g.shape() != leaf.shape || g.dtype() != leaf.dtype)
    {
        return Err(Error::GradMismatch {
            op,
            found: g.shape().clone(),
            found_dtype: g.dtype(),
            expected: leaf.shape.clone(),
            expected_dtype: leaf.dtype,
            location,
        });
    }
    *leaf.grad() = grad;
    Ok(())
}

impl From<Tensor> for Var {
    /// A constant: no gradient flows into it.
    fn from(value: Tensor) -> Self {
        Self { value, edge: None }
    }
}

impl From<&Tensor> for Var {
    fn from(value: &Tensor) -> Self {
        Self { value: value.clone(), edge: None }
    }
}

impl From<&Var> for Var {
    /// The same variable, for arguments that may be tensors too.
    fn from(var: &Var) -> Self {
        var.clone()
    }
}

impl std::fmt::Display for Var {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.value.to_string();
        let open = text.strip_suffix(')').unwrap_or(&text);
        match &self.edge {
            None => f.write_str(&text),
            Some(Edge::Leaf(_)) => write!(f, "{open}, requires_grad=true)"),
            Some(Edge::Node(node, _)) => write!(f, "{open}, grad_fn=<{}>)", node.op.name()),
        }
    }
}

impl std::fmt::Debug for Var {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}
