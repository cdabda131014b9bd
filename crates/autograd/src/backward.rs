//! Walking the graph against the arrows.
//!
//! Nothing here recurses and nothing names an operation. Nodes wait in a tree ordered by sequence number; the highest
//! number is visited next, so all gradients of a node's outputs have met before its rule runs.

use crate::graph::{Edge, Input, Node, Saved};
use crate::hook::NodeHook;
use crate::hooked::Hooked;
use crate::leaf::Leaf;
use crate::mode::{self, Anomaly, Mode};
use crate::op::{Context, Grads, Op};
use crate::targets::Targets;
use crate::{Error, Result, Var, anomaly};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::panic::Location;
use std::sync::Arc;
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

/// A node whose rule has yet to run, with the gradients of its outputs so far.
struct Pending {
    node: Arc<Node>,
    grads: SmallVec<[Option<Var>; 1]>,
}

struct Walk {
    pending: BTreeMap<u64, Pending>,
    /// Where gradients are caught; None when they rest in the leaves.
    targets: Option<Targets>,
    hooked: Hooked,
    anomaly: Anomaly,
    retain_graph: bool,
    create_graph: bool,
    location: &'static Location<'static>,
}

impl Walk {
    fn new(
        targets: Option<Targets>,
        retain_graph: bool,
        create_graph: bool,
        location: &'static Location<'static>,
    ) -> Self {
        let (pending, hooked, anomaly) = (BTreeMap::new(), Hooked::default(), mode::current().anomaly);
        Walk { pending, targets, hooked, anomaly, retain_graph, create_graph, location }
    }

    fn start(&mut self, outputs: &[&Var], seeds: &[Option<Var>]) -> Result<()> {
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
            let meta =
                Input { edge: Some(edge.clone()), shape: output.shape().clone(), dtype: output.dtype() };
            self.accumulate(&meta, seed)?;
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
        while let Some((sequence, Pending { node, mut grads })) = self.pending.pop_last() {
            notify(&node, &mut grads)?;
            if let Some(targets) = &mut self.targets {
                targets.catch(&node, &grads);
            }
            let needs: SmallVec<[bool; 4]> = node.inputs.iter().map(|input| self.needs(input)).collect();
            if !needs.contains(&true) {
                continue;
            }
            let input_grads = self.apply_rule(&node, &grads, &needs)?;
            // Gradients that the rule shared, and this node's handles on them, are gone before they meet others, so
            // that a sum can be made in place.
            drop(grads);
            for (i, (input, grad)) in node.inputs.iter().zip(input_grads).enumerate() {
                if let Some(grad) = grad.filter(|_| needs[i]) {
                    let grad = self.fit(&node, i, input, grad)?;
                    self.accumulate(input, grad)?;
                }
            }
            self.settle(sequence)?;
        }
        self.settle(0)
    }

    /// Whether the gradient of an input goes anywhere.
    fn needs(&self, input: &Input) -> bool {
        match (&input.edge, &self.targets) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(edge), Some(targets)) => targets.leads_to(edge),
        }
    }

    /// Runs a node's rule, and frees what the node kept unless the graph stays.
    fn apply_rule(&self, node: &Arc<Node>, grads: &[Option<Var>], needs: &[bool]) -> Result<Grads> {
        let mut saved = node.saved();
        if saved.freed {
            let (op, created) = (node.op.name(), node.location);
            return Err(Error::Freed { op, created, location: self.location });
        }
        // The lock is not held while the rule runs: a rule may apply operations, and its hooks go backward again.
        let kept = if self.retain_graph {
            saved.clone()
        } else {
            let kept = std::mem::take(&mut *saved);
            saved.freed = !kept.is_empty();
            kept
        };
        drop(saved);
        let run = |op: &dyn Op, saved: &Saved| {
            let ctx = Context { node, saved, grads, needs, create_graph: self.create_graph };
            op.backward(&ctx).map_err(|e| e.at(node.location))
        };
        let input_grads = match &kept.region {
            None => run(&node.op, &kept)?,
            Some(place) => {
                let again = place.0.take(place.1, node)?;
                let kept = std::mem::take(&mut *again.saved());
                run(&again.op, &kept)?
            }
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

    /// Undoes a broadcast, and a change of dtype, of an input's gradient: here for all rules.
    fn fit(&self, node: &Arc<Node>, index: usize, input: &Input, grad: Var) -> Result<Var> {
        let mut grad = grad;
        if grad.dtype() != input.dtype {
            grad = grad.to_dtype(input.dtype)?;
        }
        if *grad.shape() == input.shape {
            return Ok(grad);
        }
        if input.shape.broadcasts_to(grad.shape()) {
            return grad.sum_to(&input.shape);
        }
        Err(Error::GradShape {
            op: node.op.name(),
            index,
            found: grad.shape().clone(),
            expected: input.shape.clone(),
            created: node.location,
        })
    }

    /// Where gradients meet: the first is moved in, later ones are added.
    fn accumulate(&mut self, input: &Input, grad: Var) -> Result<()> {
        match &input.edge {
            None => Ok(()),
            Some(Edge::Leaf(leaf)) => self.accumulate_leaf(leaf, grad),
            Some(Edge::Node(node, output)) => {
                let pending = self.pending.entry(node.sequence).or_insert_with(|| Pending {
                    node: Arc::clone(node),
                    grads: SmallVec::from_elem(None, node.outputs as usize),
                });
                add_to(&mut pending.grads[*output as usize], grad)
            }
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
        for (leaf, mut grad) in self.hooked.complete(sequence, self.pending.values().map(|p| &p.node)) {
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

/// Adds to a gradient: in place where no graph is recorded and nobody else holds it.
pub(crate) fn add_to(slot: &mut Option<Var>, grad: Var) -> Result<()> {
    *slot = Some(match slot.take() {
        None => grad,
        Some(sum) if sum.requires_grad() || grad.requires_grad() => sum.add(&grad)?,
        Some(sum) => {
            let mut sum = sum.into_value();
            sum.add_assign(grad.value())?;
            sum.into()
        }
    });
    Ok(())
}

/// Runs hooks on the gradients of a node's outputs and keeps those that were asked for.
fn notify(node: &Arc<Node>, grads: &mut [Option<Var>]) -> Result<()> {
    let Some(extras) = node.known_extras() else { return Ok(()) };
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
