//! Walking the graph against the arrows.
//!
//! Nothing here recurses and nothing names an operation. Nodes wait in a tree ordered by sequence number; the highest
//! number is visited next, so all gradients of a node's outputs have met before its rule runs.

use crate::graph::{Edge, Extras, Node, Saved};
use crate::hook::NodeHook;
use crate::hooked::Hooked;
use crate::leaf::Leaf;
use crate::mode::{self, Anomaly, Mode};
use crate::op::{Context, Grads, Op, needs};
use crate::pending::{Pending, Queue};
use crate::targets::Targets;
use crate::{Error, Result, Var, anomaly, profile};
use std::panic::Location;
use std::sync::Arc;
use std::time::Instant;
use tensor_core::Tensor;

impl Var {
    /// Adds the gradient of this one-element value to the [`grad`](Var::grad) of every leaf it was computed from, and
    /// frees what the graph kept for it.
    ///
    /// # Errors
    /// If the value has more elements than one or no history, or an earlier backward freed the graph.
    #[track_caller]
    pub fn backward(&self) -> Result<()> {
        backward(&[self], &[None], false)
    }

    /// [`backward`](Var::backward) that leaves the graph whole, so that it can run again.
    #[track_caller]
    pub fn backward_retain(&self) -> Result<()> {
        backward(&[self], &[None], true)
    }

    /// [`backward`](Var::backward) of `Σ seed · self`, for a value of any shape.
    ///
    /// # Errors
    /// As for `backward`; and if the seed has another shape or dtype than the value.
    #[track_caller]
    pub fn backward_with(&self, seed: &Tensor) -> Result<()> {
        backward(&[self], &[Some(seed)], false)
    }
}

/// Backward from several outputs at once: `torch.autograd.backward`. A missing seed means 1 for an output of one
/// element.
///
/// # Errors
/// See [`Var::backward`] and [`Var::backward_with`].
#[track_caller]
pub fn backward(outputs: &[&Var], seeds: &[Option<&Tensor>], retain_graph: bool) -> Result<()> {
    let location = Location::caller();
    let seeds: Vec<Option<Var>> = seeds.iter().map(|s| s.map(Var::from)).collect();
    let mut walk = Walk::new(None, retain_graph, false, location);
    walk.start(outputs, &seeds)?;
    walk.run()
}

/// Options of [`grad`]: `torch.autograd.grad`'s keywords, with its defaults.
#[derive(Clone, Copy, Debug, Default)]
pub struct Grad {
    /// Record the computation of the gradients, so that they can be differentiated again.
    pub create_graph: bool,
    /// Leave the graph whole. PyTorch's default is the value of `create_graph`; so is this one's.
    pub retain_graph: Option<bool>,
    /// An input that the outputs do not depend on gives `None` instead of an error.
    pub allow_unused: bool,
    /// An input that the outputs do not depend on gives zeros.
    pub materialize_grads: bool,
}

impl Grad {
    /// The gradients of `Σ seed · output` with respect to `inputs`, without touching any [`Var::grad`].
    ///
    /// # Errors
    /// As for [`Var::backward_with`]; and if an input is not used and `allow_unused` is false.
    #[track_caller]
    pub fn of(self, outputs: &[&Var], inputs: &[&Var], seeds: &[Option<Var>]) -> Result<Vec<Option<Var>>> {
        let location = Location::caller();
        let mut targets = Targets::find(outputs, inputs, location)?;
        targets.found = vec![None; inputs.len()];
        let retain_graph = self.retain_graph.unwrap_or(self.create_graph);
        let mut walk = Walk::new(Some(targets), retain_graph, self.create_graph, location);
        walk.start(outputs, seeds)?;
        walk.run()?;
        let mut found = walk.targets.map(|t| t.found).unwrap_or_default();
        if self.materialize_grads {
            for (grad, input) in found.iter_mut().zip(inputs).filter(|(grad, _)| grad.is_none()) {
                *grad = Some(input.value().zeros_like()?.into());
            }
        }
        match found.iter().position(Option::is_none) {
            Some(index) if !self.allow_unused => Err(Error::Unused { index, location }),
            _ => Ok(found),
        }
    }
}

/// The gradients of `output` (one element) with respect to `inputs`: `torch.autograd.grad`. With `create_graph` they
/// have history and can be differentiated again. For seeds and other options see [`Grad`].
///
/// ```
/// use autograd::{Tensor, Var, grad};
/// let x = Var::leaf(Tensor::scalar(2.0f64)?)?;
/// let y = x.mul(&x)?.mul(&x)?;
/// let first = grad(&y, &[&x], true)?;
/// let second = grad(&first[0], &[&x], false)?;
/// assert_eq!(first[0].detach().item::<f64>()?, 12.0);
/// assert_eq!(second[0].item::<f64>()?, 12.0);
/// # Ok::<(), autograd::Error>(())
/// ```
///
/// # Errors
/// See [`Grad::of`].
#[track_caller]
pub fn grad(output: &Var, inputs: &[&Var], create_graph: bool) -> Result<Vec<Var>> {
    let found = Grad { create_graph, ..Grad::default() }.of(&[output], inputs, &[None])?;
    Ok(found.into_iter().flatten().collect())
}

/// A walk over a graph that outlives it: no node is counted on the way.
struct Walk<'g> {
    pending: Queue<'g>,
    /// Where gradients are caught; None when they rest in the leaves.
    targets: Option<Targets>,
    hooked: Hooked,
    anomaly: Anomaly,
    profiled: bool,
    retain_graph: bool,
    create_graph: bool,
    location: &'static Location<'static>,
}

impl<'g> Walk<'g> {
    fn new(
        targets: Option<Targets>,
        retain_graph: bool,
        create_graph: bool,
        location: &'static Location<'static>,
    ) -> Self {
        let (pending, hooked) = (Queue::default(), Hooked::default());
        let Mode { anomaly, profiled, .. } = mode::current();
        Walk { pending, targets, hooked, anomaly, profiled, retain_graph, create_graph, location }
    }

    fn start(&mut self, outputs: &[&'g Var], seeds: &[Option<Var>]) -> Result<()> {
        if seeds.len() != outputs.len() {
            return Err(Error::Argument {
                op: "backward",
                argument: "the number of seeds",
                value: seeds.len().to_string(),
                expected: "one for each output, or None in its place",
                location: self.location,
            });
        }
        for (index, output) in outputs.iter().enumerate() {
            let Some(edge) = output.edge() else {
                return Err(Error::NoHistory { index, location: self.location });
            };
            let seed = self.seed(index, output, seeds.get(index).and_then(Option::as_ref))?;
            self.accumulate(edge, seed)?;
        }
        Ok(())
    }

    fn seed(&self, index: usize, output: &Var, seed: Option<&Var>) -> Result<Var> {
        let location = self.location;
        match seed {
            None if output.numel() == 1 => Ok(output.value().ones_like()?.into()),
            None => Err(Error::NotScalar { shape: output.shape().clone(), location }),
            Some(seed) if seed.shape() == output.shape() && seed.dtype() == output.dtype() => {
                Ok(seed.clone())
            }
            Some(seed) => Err(Error::SeedMismatch {
                index,
                seed: seed.shape().clone(),
                seed_dtype: seed.dtype(),
                output: output.shape().clone(),
                output_dtype: output.dtype(),
                location,
            }),
        }
    }

    fn run(&mut self) -> Result<()> {
        // What a rule computes on its way is the rule's own affair: the engine checks what comes out.
        let _mode = mode::enter(|mode| *mode = Mode { grad: self.create_graph, ..Mode::START });
        // An output may be a leaf itself.
        self.settle(u64::MAX)?;
        while let Some(Pending { node, mut grads }) = self.pending.pop() {
            if let Some(extras) = node.known_extras() {
                notify(node, extras, &mut grads)?;
            }
            if let Some(targets) = &mut self.targets {
                targets.catch(node, &grads);
            }
            // Without targets every node has an input that wants its gradient, or it would not exist.
            if self.targets.is_some() && !node.inputs.iter().any(|input| needs(input, self.targets.as_ref()))
            {
                continue;
            }
            let input_grads = self.apply_rule(node, &grads)?;
            // Gradients that the rule shared, and this node's handles on them, are gone before they meet others, so
            // that a sum can be made in place.
            drop(grads);
            for (i, (input, grad)) in node.inputs.iter().zip(input_grads).enumerate() {
                let (Some(edge), Some(mut grad)) = (&input.edge, grad) else { continue };
                if self.targets.as_ref().is_some_and(|targets| !targets.leads_to(edge)) {
                    continue;
                }
                if !input.metadata.fits(grad.value()) {
                    grad = fit(node, i, grad)?;
                }
                self.accumulate(edge, grad)?;
            }
            if !self.hooked.is_empty() {
                self.settle(node.sequence)?;
            }
        }
        self.settle(0)
    }

    /// Runs a node's rule, and frees what the node kept unless the graph stays.
    fn apply_rule(&self, node: &Arc<Node>, grads: &[Option<Var>]) -> Result<Grads> {
        let (targets, create_graph) = (self.targets.as_ref(), self.create_graph);
        let run = |op: &dyn Op, values: &[Option<Tensor>]| {
            let ctx = Context { node, values, grads, targets, create_graph };
            let start = self.profiled.then(Instant::now);
            let found = op.backward(&ctx).map_err(|e| e.at(node.location))?;
            if let Some(start) = start {
                profile::backward(node, start, grads, &found);
            }
            Ok::<Grads, Error>(found)
        };
        let freed = || {
            let (op, created) = (node.op.name(), node.location);
            Err(Error::Freed { op, created, location: self.location })
        };
        // No lock is held while the rule runs: a rule may apply operations, and its hooks go backward again.
        let input_grads = match node.saved(self.retain_graph) {
            Saved::Values(values) => run(&node.op, &values)?,
            Saved::Region(place) => {
                let again = place.0.take(place.1, node)?;
                match again.saved(false) {
                    Saved::Values(values) => run(&again.op, &values)?,
                    _ => return freed(),
                }
            }
            Saved::Freed => return freed(),
        };
        if self.anomaly != Anomaly::Nothing {
            anomaly::check_gradients(self.anomaly, node.op.name(), &input_grads, node.location)?;
        }
        if input_grads.len() != node.inputs.len() {
            return Err(Error::GradCount {
                op: node.op.name(),
                expected: node.inputs.len(),
                found: input_grads.len(),
                created: node.location,
            });
        }
        Ok(input_grads)
    }

    /// Where gradients meet: the first is moved in, later ones are added.
    fn accumulate(&mut self, edge: &'g Edge, grad: Var) -> Result<()> {
        match edge {
            Edge::Leaf(leaf) => self.accumulate_leaf(leaf, grad),
            Edge::Node(node, output) => add_to(&mut self.pending.grads(node)[*output as usize], grad),
        }
    }

    fn accumulate_leaf(&mut self, leaf: &Arc<Leaf>, grad: Var) -> Result<()> {
        if leaf.hooks().is_empty() { self.deposit(leaf, grad) } else { self.hooked.add(leaf, grad) }
    }

    /// Runs the hooks of leaves whose gradients are complete, now that node `sequence` has been visited.
    fn settle(&mut self, sequence: u64) -> Result<()> {
        if self.hooked.is_empty() {
            return Ok(());
        }
        for (leaf, mut grad) in self.hooked.complete(sequence, self.pending.nodes()) {
            let hooks = leaf.hooks().grad.clone();
            for (_, hook) in hooks {
                grad = replaced(&grad, hook(&grad), &leaf.shape, self.location)?;
            }
            self.deposit(&leaf, grad)?;
            if self.targets.is_none() {
                let hooks = leaf.hooks().accumulated.clone();
                for (_, hook) in hooks {
                    hook().map_err(|e| Error::Hook { reason: e.to_string(), location: self.location })?;
                }
            }
        }
        Ok(())
    }

    /// Where a gradient comes to rest: with the caller of `grad`, or in the leaf.
    fn deposit(&mut self, leaf: &Arc<Leaf>, grad: Var) -> Result<()> {
        match &mut self.targets {
            Some(targets) => targets.catch_leaf(leaf, grad),
            None => {
                let mut slot = leaf.grad();
                match &mut *slot {
                    // A gradient that shares its storage, with the seed say, is copied when it is next written to.
                    None => *slot = Some(grad.into_value()),
                    Some(sum) => sum.add_assign(grad.value())?,
                }
                Ok(())
            }
        }
    }
}

/// Undoes a broadcast, and a change of dtype, of the gradient of input `index`: here for all rules.
fn fit(node: &Node, index: usize, grad: Var) -> Result<Var> {
    let input = &node.inputs[index];
    let mut grad = grad;
    if grad.dtype() != input.dtype() {
        grad = grad.to_dtype(input.dtype())?;
    }
    if grad.shape() == input.shape() {
        return Ok(grad);
    }
    if input.shape().broadcasts_to(grad.shape()) {
        return grad.sum_to(input.shape());
    }
    Err(Error::GradShape {
        op: node.op.name(),
        index,
        found: grad.shape().clone(),
        expected: input.shape().clone(),
        created: node.location,
    })
}

/// Adds to a gradient: in place where no graph is recorded and nobody else holds it.
pub(crate) fn add_to(slot: &mut Option<Var>, grad: Var) -> Result<()> {
    let Some(sum) = slot.take() else {
        *slot = Some(grad);
        return Ok(());
    };
    let sum = match sum {
        sum if sum.requires_grad() || grad.requires_grad() => sum.add(&grad)?,
        sum => {
            let mut sum = sum.into_value();
            sum.add_assign(grad.value())?;
            sum.into()
        }
    };
    *slot = Some(sum);
    Ok(())
}

/// Runs hooks on the gradients of a node's outputs and keeps those that were asked for.
#[cold]
fn notify(node: &Node, extras: &Extras, grads: &mut [Option<Var>]) -> Result<()> {
    let hooks = extras.hooks().clone();
    for NodeHook { output, hook, .. } in hooks {
        if let Some(grad) = &mut grads[output as usize] {
            let shape = grad.shape().clone();
            *grad = replaced(grad, hook(grad), &shape, node.location)?;
        }
    }
    let mut retained = extras.retained();
    for (output, kept) in retained.iter_mut() {
        if let Some(grad) = &grads[*output as usize] {
            match kept {
                None => *kept = Some(grad.value().clone()),
                Some(sum) => sum.add_assign(grad.value())?,
            }
        }
    }
    Ok(())
}

/// What a hook made of a gradient, checked.
fn replaced(
    grad: &Var,
    new: Option<Var>,
    shape: &tensor_core::Shape,
    location: &'static Location<'static>,
) -> Result<Var> {
    let Some(new) = new else { return Ok(grad.clone()) };
    if new.shape() == shape && new.dtype() == grad.dtype() {
        return Ok(new);
    }
    Err(Error::GradMismatch {
        op: "register_hook",
        found: new.shape().clone(),
        found_dtype: new.dtype(),
        expected: shape.clone(),
        expected_dtype: grad.dtype(),
        location,
    })
}
