//! What an operation is to the engine, and the one function through which the graph grows.

use crate::graph::{Edge, Input, Node, Saved, Values};
use crate::mode::{self, Anomaly, Saving};
use crate::targets::Targets;
use crate::{Error, Result, Var, anomaly, checkpoint, profile, trace};
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;
use tensor_core::{DType, Shape, Tensor};

/// What an operation keeps of its values until backward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Nothing: the rule needs shapes at most, and backward may run twice without `retain_graph`.
    Nothing,
    /// The inputs.
    Inputs,
    /// Each input that the gradient of another one needs: what the rule of a product reads. An input is left out if no
    /// other one is tracked.
    Others,
    /// The outputs.
    Output,
    /// Both.
    Both,
}

impl Keep {
    fn inputs(self) -> bool {
        matches!(self, Keep::Inputs | Keep::Others | Keep::Both)
    }

    fn outputs(self) -> bool {
        matches!(self, Keep::Output | Keep::Both)
    }

    /// What of an operation's values the rule will read, in the order of [`Values`].
    fn values(self, inputs: &[&Var], outputs: &[Tensor], extra: Vec<Tensor>) -> Values {
        let mut values = Values::new();
        if self == Keep::Nothing && extra.is_empty() {
            return values;
        }
        if self.inputs() {
            let tracked = inputs.iter().filter(|x| x.requires_grad()).count();
            for x in inputs {
                let others = tracked - usize::from(x.requires_grad());
                let kept = self != Keep::Others || others > 0;
                values.push(if kept { Some(x.value().clone()) } else { None });
            }
        }
        if self.outputs() {
            values.extend(outputs.iter().cloned().map(Some));
        }
        if !extra.is_empty() {
            values.extend(extra.into_iter().map(Some));
        }
        values
    }
}

/// What a forward computes: its outputs, and tensors that only its rule will read.
#[derive(Debug)]
pub struct Forward {
    outputs: SmallVec<[Tensor; 1]>,
    extra: Vec<Tensor>,
}

impl Forward {
    /// Several outputs.
    pub fn many(outputs: impl IntoIterator<Item = Tensor>) -> Self {
        Self { outputs: outputs.into_iter().collect(), extra: Vec::new() }
    }

    /// Also keeps `tensor` for the rule, which reads it with [`Context::extra`].
    pub fn with_extra(mut self, tensor: Tensor) -> Self {
        self.extra.push(tensor);
        self
    }
}

impl From<Tensor> for Forward {
    fn from(output: Tensor) -> Self {
        Self { outputs: SmallVec::from_buf([output]), extra: Vec::new() }
    }
}

/// Gradients of an operation's inputs, in their order; `None` where there is none.
#[derive(Debug, Default)]
pub struct Grads(SmallVec<[Option<Var>; 2]>);

impl Grads {
    /// None yet.
    #[inline]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the gradient of the next input.
    #[inline]
    pub fn push(&mut self, grad: Option<Var>) {
        self.0.push(grad);
    }
}

impl FromIterator<Option<Var>> for Grads {
    // Pushed one by one: for the few there are, a collected list is compiled to twice as much.
    #[inline]
    fn from_iter<I: IntoIterator<Item = Option<Var>>>(grads: I) -> Self {
        let mut list = Self::new();
        for grad in grads {
            list.push(grad);
        }
        list
    }
}

impl From<[Option<Var>; 2]> for Grads {
    /// The gradients of two inputs, without a push for each.
    #[inline]
    fn from(grads: [Option<Var>; 2]) -> Self {
        Self(SmallVec::from_buf(grads))
    }
}

impl std::ops::Deref for Grads {
    type Target = [Option<Var>];

    #[inline]
    fn deref(&self) -> &[Option<Var>] {
        &self.0
    }
}

impl IntoIterator for Grads {
    type Item = Option<Var>;
    type IntoIter = smallvec::IntoIter<[Option<Var>; 2]>;

    #[inline]
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A differentiable operation: its forward on plain tensors, and its rule in differentiable methods of [`Var`], so
/// that derivatives of any order exist.
///
/// ```
/// use autograd::{Context, Forward, Grads, Keep, Op, Result, Tensor, Var, apply, gradcheck};
///
/// /// y = x³
/// struct Cube;
///
/// impl Op for Cube {
///     fn name(&self) -> &'static str { "cube" }
///     fn keep(&self) -> Keep { Keep::Inputs }
///     fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
///         Ok(inputs[0].pow_scalar(3)?.into())
///     }
///     fn backward(&self, ctx: &Context) -> Result<Grads> {
///         let x = ctx.input(0);
///         Ok([Some(ctx.grad().mul(&x)?.mul(&x)?.mul_scalar(3)?)].into_iter().collect())
///     }
/// }
///
/// let x = Tensor::from_vec(vec![0.5f64, -2.0], [2])?;
/// gradcheck(|x| apply(Cube, &[&x[0]]), &[x])?;
/// # Ok::<(), autograd::Error>(())
/// ```
pub trait Op: Send + Sync + 'static {
    /// The name in messages and in the graph.
    fn name(&self) -> &'static str;

    /// What the rule reads. Default: nothing.
    fn keep(&self) -> Keep {
        Keep::Nothing
    }

    /// Computes the outputs.
    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward>;

    /// The gradient of each input, given those of the outputs. A gradient may have the broadcast shape of its input,
    /// and may be left out (`None`) where [`Context::needs_grad`] is false.
    fn backward(&self, ctx: &Context) -> Result<Grads>;
}

/// What a rule knows when it runs.
pub struct Context<'a> {
    pub(crate) node: &'a Arc<Node>,
    pub(crate) values: &'a [Option<Tensor>],
    pub(crate) grads: &'a [Option<Var>],
    /// None where gradients rest in the leaves.
    pub(crate) targets: Option<&'a Targets>,
    pub(crate) create_graph: bool,
}

impl Context<'_> {
    /// The gradient of the only output.
    pub fn grad(&self) -> &Var {
        // The engine visits a node only with at least one gradient; an operation of one output has this one.
        match self.grads {
            [Some(g), ..] => g,
            _ => unreachable_grad(self.grads),
        }
    }

    /// The gradient of output `index`; `None` where nothing downstream used it.
    pub fn output_grad(&self, index: usize) -> Option<&Var> {
        self.grads.get(index)?.as_ref()
    }

    /// Input `index` as it was in the forward. It has history only while a graph is being created.
    ///
    /// # Panics
    /// If [`Op::keep`] did not ask for inputs or there is no such input: the rule is wrong.
    #[track_caller]
    pub fn input(&self, index: usize) -> Var {
        let edge = if self.create_graph { self.node.inputs[index].edge.clone() } else { None };
        Var::with_edge(self.value(index).clone(), edge)
    }

    /// The value of input `index`, for a rule that has a shorter way where no graph is created.
    #[track_caller]
    pub(crate) fn input_value(&self, index: usize) -> &Tensor {
        self.value(index)
    }

    /// Output `index` as the forward returned it. It has history only while a graph is being created.
    ///
    /// # Panics
    /// If [`Op::keep`] did not ask for outputs or there is no such output: the rule is wrong.
    #[track_caller]
    pub fn output(&self, index: usize) -> Var {
        let edge = self.create_graph.then(|| Edge::Node(Arc::clone(self.node), index as u32));
        Var::with_edge(self.value(self.kept_inputs() + index).clone(), edge)
    }

    /// Tensor `index` of those that the forward kept with [`Forward::with_extra`].
    ///
    /// # Panics
    /// If there is no such tensor: the rule is wrong.
    #[track_caller]
    pub fn extra(&self, index: usize) -> &Tensor {
        let outputs = if self.node.op.keep().outputs() { self.node.outputs as usize } else { 0 };
        self.value(self.kept_inputs() + outputs + index)
    }

    #[track_caller]
    #[expect(clippy::panic, reason = "a rule that reads what it did not ask for is a bug of the rule")]
    fn value(&self, index: usize) -> &Tensor {
        match self.values.get(index) {
            Some(Some(value)) => value,
            _ => panic!("{}: the rule reads a value that `keep` did not ask for", self.node.op.name()),
        }
    }

    /// How many inputs stand before the kept outputs.
    fn kept_inputs(&self) -> usize {
        if self.node.op.keep().inputs() { self.node.inputs.len() } else { 0 }
    }

    /// Whether anyone wants the gradient of input `index`.
    pub fn needs_grad(&self, index: usize) -> bool {
        self.node.inputs.get(index).is_some_and(|input| needs(input, self.targets))
    }

    /// The shape of input `index`.
    ///
    /// # Panics
    /// If there is no such input: the rule is wrong.
    #[track_caller]
    pub fn shape(&self, index: usize) -> &Shape {
        self.node.inputs[index].shape()
    }

    /// The shape of input `index`; `None` past the last.
    pub fn input_shape(&self, index: usize) -> Option<&Shape> {
        self.node.inputs.get(index).map(Input::shape)
    }

    /// The dtype of input `index`.
    ///
    /// # Panics
    /// If there is no such input: the rule is wrong.
    #[track_caller]
    pub fn dtype(&self, index: usize) -> DType {
        self.node.inputs[index].dtype()
    }

    /// Whether the rule's own operations are recorded, for a derivative of the next order. A rule with a fused
    /// kernel uses it only when this is false.
    pub fn create_graph(&self) -> bool {
        self.create_graph
    }
}

/// Whether the gradient of an input goes anywhere.
pub(crate) fn needs(input: &Input, targets: Option<&Targets>) -> bool {
    match (&input.edge, targets) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(edge), Some(targets)) => targets.leads_to(edge),
    }
}

#[cold]
#[expect(clippy::panic, reason = "a rule that asks for a gradient it may not have is a bug of the rule")]
fn unreachable_grad(grads: &[Option<Var>]) -> ! {
    panic!("Context::grad: output 0 of {} has no gradient; use output_grad(index)", grads.len())
}

/// Applies an operation of one output: the one place where the graph grows.
///
/// # Errors
/// What the forward refuses, reported for the caller's line.
#[track_caller]
pub fn apply<O: Op>(op: O, inputs: &[&Var]) -> Result<Var> {
    let location = Location::caller();
    let (mut outputs, node) = record(op, inputs, location)?;
    let edge = node.map(|node| Edge::Node(node, 0));
    match outputs.pop() {
        Some(value) => Ok(Var::with_edge(value, edge)),
        None => Err(wrong_count(0, "1", location)),
    }
}

/// Applies an operation of `N` outputs.
///
/// # Errors
/// What the forward refuses, reported for the caller's line, or another number of outputs.
#[track_caller]
pub fn apply_array<O: Op, const N: usize>(op: O, inputs: &[&Var]) -> Result<[Var; N]> {
    let outputs = apply_multi(op, inputs)?;
    let found = outputs.len();
    outputs.try_into().map_err(|_| wrong_count(found, "as many as the caller takes", Location::caller()))
}

#[cold]
fn wrong_count(found: usize, expected: &'static str, location: &'static Location<'static>) -> Error {
    let (op, argument, value) = ("apply", "the number of outputs", found.to_string());
    Error::Argument { op, argument, value, expected, location }
}

/// Applies an operation of several outputs.
///
/// # Errors
/// What the forward refuses, reported for the caller's line.
#[track_caller]
pub fn apply_multi<O: Op>(op: O, inputs: &[&Var]) -> Result<Vec<Var>> {
    let (outputs, node) = record(op, inputs, Location::caller())?;
    let edge = |i| node.as_ref().map(|node| Edge::Node(Arc::clone(node), i as u32));
    // An integer output, an index say, has no gradient.
    let var = |(i, value): (usize, Tensor)| {
        let edge = if value.dtype().is_float() { edge(i) } else { None };
        Var::with_edge(value, edge)
    };
    Ok(outputs.into_iter().enumerate().map(var).collect())
}

type Recorded = (SmallVec<[Tensor; 1]>, Option<Arc<Node>>);

fn record<O: Op>(op: O, inputs: &[&Var], location: &'static Location<'static>) -> Result<Recorded> {
    let (one, two, many): ([&Tensor; 1], [&Tensor; 2], SmallVec<[&Tensor; 4]>);
    let values: &[&Tensor] = match inputs {
        [x] => {
            one = [x.value()];
            &one
        }
        [a, b] => {
            two = [a.value(), b.value()];
            &two
        }
        _ => {
            many = inputs.iter().map(|x| x.value()).collect();
            &many
        }
    };
    let mode = mode::current();
    let start = mode.profiled.then(Instant::now);
    let Forward { outputs, extra } = op.forward(values).map_err(|e| e.at(location))?;
    if let Some(start) = start {
        profile::forward(op.name(), start, inputs, &outputs);
    }
    if mode.anomaly != Anomaly::Nothing {
        anomaly::check_outputs(mode.anomaly, op.name(), &outputs, location)?;
    }
    if mode.traced {
        trace::call(op.name(), inputs, &outputs, location);
    }
    let tracked = mode.grad
        && inputs.iter().any(|x| x.edge().is_some())
        && outputs.iter().any(|y| y.dtype().is_float());
    if !tracked {
        return Ok((outputs, None));
    }
    let saved = Saved::Values(op.keep().values(inputs, &outputs, extra));
    let inputs = match inputs {
        [a, b] => SmallVec::from_buf([Input::of(a), Input::of(b)]),
        _ => inputs.iter().map(|x| Input::of(x)).collect(),
    };
    let count = outputs.len() as u32;
    let node = match mode.saving {
        Saving::Node => Node::create(op, inputs, count, saved, location),
        saving => checkpoint::node(op, inputs, count, saved, location, saving),
    };
    Ok((outputs, Some(node)))
}

impl Error {
    /// The same error, reported for the operation `op`: for methods built from other operations.
    pub(crate) fn of(self, op: &'static str) -> Self {
        match self {
            Error::Tensor(error) => Error::Tensor(error.of(op)),
            other => other,
        }
    }

    /// The same error, reported for the user's line.
    pub(crate) fn at(self, location: &'static Location<'static>) -> Self {
        match self {
            Error::Tensor(error) => Error::Tensor(error.at(location)),
            other => other,
        }
    }

    /// The same error of a backward, reported for the line that called the function around it.
    pub(crate) fn called_at(mut self, caller: &'static Location<'static>) -> Self {
        if let Error::SeedMismatch { location, .. } | Error::NotScalar { location, .. } = &mut self {
            *location = caller;
        }
        self
    }
}
