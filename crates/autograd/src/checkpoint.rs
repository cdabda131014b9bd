//! Checkpointing: a part of the graph that keeps no values and computes them again when backward arrives.
//!
//! The forward writes the graph as ever, so hooks, `grad` and derivatives of any order see nothing unusual, but each
//! node is a stand-in: it has the edges, and in place of the operation and its values a number. When backward first
//! reaches a stand-in, the function runs once more, and the node that it records under the same number lends its rule
//! and its values.

use crate::check::Outputs;
use crate::graph::{Input, Node, Saved};
use crate::mode::{self, Saving};
use crate::op::{Context, Forward, Grads, Op};
use crate::{Error, Result, Var};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tensor_core::{Draws, Tensor};

type Function = Box<dyn Fn(&[Var]) -> Result<Vec<Var>> + Send + Sync>;

/// What one call of [`checkpoint`] needs to compute its values again.
pub(crate) struct Region {
    function: Function,
    /// The inputs, and whether a gradient flows to them. Their history is left out: a chain of regions that held one
    /// another would be dropped by recursion.
    inputs: Vec<(Tensor, bool)>,
    /// What the forward drew; set when it is over.
    draws: OnceLock<Draws>,
    /// How many nodes the forward recorded.
    count: Mutex<usize>,
    /// The nodes of the last computation that no backward has used yet.
    again: Mutex<Vec<Option<Arc<Node>>>>,
    location: &'static Location<'static>,
}

thread_local! {
    /// The region whose forward runs on this thread.
    static REGION: RefCell<Option<Arc<Region>>> = const { RefCell::new(None) };
    /// The nodes that a region's second computation has recorded so far.
    static RECORDED: RefCell<Vec<Arc<Node>>> = const { RefCell::new(Vec::new()) };
}

/// Runs `f` on `inputs` without keeping the values that its operations need for backward; backward runs `f` once more
/// to have them: `torch.utils.checkpoint.checkpoint` (with `use_reentrant=False`). Time for memory: in between, only
/// `inputs` are held.
///
/// What `f` draws from an [`Rng`](tensor_core::Rng) is drawn again, so dropout has the same mask. Parameters that `f`
/// captures receive their gradients as ever; they must keep their values until backward. Pass values that have
/// history as `inputs`. Derivatives of higher order (`create_graph`) work. A checkpoint inside of another is a part of
/// that one.
///
/// ```
/// use autograd::{Tensor, Var, checkpoint};
/// let x = Var::leaf(Tensor::scalar(0.5f64)?)?;
/// let y = checkpoint(|x| x[0].exp()?.tanh(), &[&x])?;
/// y.backward()?;
/// # Ok::<(), autograd::Error>(())
/// ```
///
/// # Errors
/// What `f` refuses. From backward: [`Error::Checkpoint`] if the second run records other operations than the first,
/// refuses, or if `f` itself goes backward through what it is computing.
#[track_caller]
pub fn checkpoint<O, E>(
    f: impl Fn(&[Var]) -> std::result::Result<O, E> + Send + Sync + 'static,
    inputs: &[&Var],
) -> std::result::Result<O, E>
where
    O: Outputs,
    E: std::fmt::Display,
{
    let location = Location::caller();
    let vars: Vec<Var> = inputs.iter().map(|&x| x.clone()).collect();
    let mode = mode::current();
    if !mode.grad || mode.saving != Saving::Node {
        return f(&vars);
    }
    let f = Arc::new(f);
    let again = Arc::clone(&f);
    let function = move |x: &[Var]| match again(x) {
        Ok(outputs) => Ok(outputs.into_vec()),
        Err(error) => Err(Error::Checkpoint { reason: format!("the second run failed: {error}"), location }),
    };
    let region = Arc::new(Region {
        function: Box::new(function),
        inputs: vars.iter().map(|x| (x.detach(), x.requires_grad())).collect(),
        draws: OnceLock::new(),
        count: Mutex::new(0),
        again: Mutex::new(Vec::new()),
        location,
    });
    let _mode = mode::enter(|mode| mode.saving = Saving::Dropped);
    let _region = Restore(REGION.replace(Some(Arc::clone(&region))));
    let (outputs, draws) = Draws::record(|| f(&vars));
    region.draws.get_or_init(|| draws);
    outputs
}

/// Puts the region back that was in force, after a panic too.
struct Restore(Option<Arc<Region>>);

impl Drop for Restore {
    fn drop(&mut self) {
        REGION.set(self.0.take());
    }
}

/// A node as the mode of this thread has it: whole, or the stand-in of a checkpoint.
pub(crate) fn node<O: Op>(
    op: O,
    inputs: SmallVec<[Input; 2]>,
    outputs: u32,
    saved: Saved,
    location: &'static Location<'static>,
    saving: Saving,
) -> Arc<Node> {
    match (saving, REGION.with_borrow(Option::clone)) {
        (Saving::Dropped, Some(region)) => {
            let number = region.number();
            let saved = Saved::Region(Box::new((region, number)));
            Node::create(StandIn(op.name()), inputs, outputs, saved, location)
        }
        (Saving::Recomputed, _) => {
            let node = Node::create(op, inputs, outputs, saved, location);
            RECORDED.with_borrow_mut(|recorded| recorded.push(Arc::clone(&node)));
            node
        }
        _ => Node::create(op, inputs, outputs, saved, location),
    }
}

impl Region {
    fn count(&self) -> MutexGuard<'_, usize> {
        self.count.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of the node that is being recorded.
    fn number(&self) -> usize {
        let mut count = self.count();
        *count += 1;
        *count - 1
    }

    fn again(&self) -> MutexGuard<'_, Vec<Option<Arc<Node>>>> {
        self.again.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The node behind `stand_in`, with its values. It is handed out once; a later backward computes it anew.
    pub fn take(&self, number: usize, stand_in: &Node) -> Result<Arc<Node>> {
        let known = self.again().get_mut(number).and_then(Option::take);
        let node = match known {
            Some(node) => node,
            None => self.recompute(number)?,
        };
        let same = node.op.name() == stand_in.op.name()
            && node.outputs == stand_in.outputs
            && node.inputs.len() == stand_in.inputs.len()
            && node
                .inputs
                .iter()
                .zip(&stand_in.inputs)
                .all(|(a, b)| a.shape() == b.shape() && a.dtype() == b.dtype());
        if same {
            return Ok(node);
        }
        Err(self.failed(format!(
            "operation {number} was {} in the original forward and is {} in the recomputation",
            described(stand_in),
            described(&node)
        )))
    }

    /// Runs the function again, keeps its nodes, and hands out number `number`.
    fn recompute(&self, number: usize) -> Result<Arc<Node>> {
        let Some(draws) = self.draws.get() else {
            return Err(self.failed("the function goes backward through what it is itself computing".into()));
        };
        let inputs = self
            .inputs
            .iter()
            .map(|(value, tracked)| if *tracked { Var::leaf(value.clone()) } else { Ok(value.into()) });
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        let outer = Recording(RECORDED.take());
        let result = {
            let _mode = mode::enter(|mode| (mode.grad, mode.saving) = (true, Saving::Recomputed));
            draws.replay(|| (self.function)(&inputs))
        };
        let recorded = RECORDED.take();
        drop(outer);
        result?;
        let (expected, found) = (*self.count(), recorded.len());
        if expected != found {
            return Err(self.failed(format!(
                "a different number of operations was recorded during the original forward and recomputation \
                 ({expected} vs {found}); the function must do the same each time"
            )));
        }
        let mut again = self.again();
        *again = recorded.into_iter().map(Some).collect();
        match again.get_mut(number).and_then(Option::take) {
            Some(node) => Ok(node),
            None => Err(self.failed(format!("no operation {number} in the recomputation"))),
        }
    }

    fn failed(&self, reason: String) -> Error {
        Error::Checkpoint { reason, location: self.location }
    }
}

/// Puts the nodes back that a computation around this one has recorded, after a panic too.
struct Recording(Vec<Arc<Node>>);

impl Drop for Recording {
    fn drop(&mut self) {
        RECORDED.set(std::mem::take(&mut self.0));
    }
}

/// "mul([3], [3])"
fn described(node: &Node) -> String {
    let inputs: Vec<String> =
        node.inputs.iter().map(|input| format!("{} {}", input.dtype(), input.shape())).collect();
    format!("{}({})", node.op.name(), inputs.join(", "))
}

/// What a node of a checkpoint has in place of its operation.
struct StandIn(&'static str);

impl Op for StandIn {
    fn name(&self) -> &'static str {
        self.0
    }

    fn forward(&self, inputs: &[&Tensor]) -> Result<Forward> {
        Ok(Forward::many(inputs.iter().map(|&x| x.clone())))
    }

    fn backward(&self, ctx: &Context) -> Result<Grads> {
        // Reached only where the values were freed, which the engine reports before.
        Ok(ctx.node.inputs.iter().map(|_| None).collect())
    }
}
