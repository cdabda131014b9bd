//! The graph: nodes that point to what they were computed from, and nothing that points back.

use crate::Var;
use crate::checkpoint::Region;
use crate::hook::NodeHook;
use crate::leaf::Leaf;
use crate::op::Op;
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tensor_core::{DType, Metadata, Shape, Tensor};

/// Where a value came from: the leaf it is, or an output of an operation.
#[derive(Clone)]
pub(crate) enum Edge {
    Leaf(Arc<Leaf>),
    Node(Arc<Node>, u32),
}

/// One input of an applied operation. Shapes are always at hand, so reductions and views keep nothing.
pub(crate) struct Input {
    /// None where the input is not tracked.
    pub edge: Option<Edge>,
    pub metadata: Metadata,
}

impl Input {
    #[inline]
    pub fn of(var: &Var) -> Self {
        Self { edge: var.edge().cloned(), metadata: var.value().metadata() }
    }

    pub fn shape(&self) -> &Shape {
        self.metadata.shape()
    }

    pub fn dtype(&self) -> DType {
        self.metadata.dtype()
    }
}

/// Kept inputs, then outputs, then extra tensors; [`Keep`](crate::Keep) says which there are.
pub(crate) type Values = SmallVec<[Option<Tensor>; 2]>;

/// What a node holds for its rule, until a backward without `retain_graph` frees it.
#[derive(Clone)]
pub(crate) enum Saved {
    Values(Values),
    /// The checkpoint that computes the values again, and the node's place in it.
    Region(Box<(Arc<Region>, usize)>),
    Freed,
}

impl Saved {
    /// Whether nothing is kept.
    fn is_empty(&self) -> bool {
        matches!(self, Saved::Values(values) if values.is_empty())
    }
}

/// What few nodes have: hooks and kept gradients, by output.
#[derive(Default)]
pub(crate) struct Extras {
    hooks: Mutex<Vec<NodeHook>>,
    retained: Mutex<Vec<(u32, Option<Tensor>)>>,
}

// A panic while one of the locks was held leaves whole values behind.
impl Extras {
    /// The hooks, locked.
    pub fn hooks(&self) -> MutexGuard<'_, Vec<NodeHook>> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The kept gradients, locked.
    pub fn retained(&self) -> MutexGuard<'_, Vec<(u32, Option<Tensor>)>> {
        self.retained.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An applied operation.
pub(crate) struct Node<O: ?Sized = dyn Op> {
    /// Larger than the number of every node it was computed from: descending numbers are a topological order.
    pub sequence: u64,
    pub inputs: SmallVec<[Input; 2]>,
    pub outputs: u32,
    pub location: &'static Location<'static>,
    /// None where the operation keeps nothing.
    saved: Option<Mutex<Saved>>,
    extras: OnceLock<Box<Extras>>,
    pub op: O,
}

static SEQUENCE: AtomicU64 = AtomicU64::new(0);

impl<O: Op> Node<O> {
    pub fn create(
        op: O,
        inputs: SmallVec<[Input; 2]>,
        outputs: u32,
        saved: Saved,
        location: &'static Location<'static>,
    ) -> Arc<Node> {
        let sequence = SEQUENCE.fetch_add(1, Ordering::Relaxed);
        let saved = if saved.is_empty() { None } else { Some(Mutex::new(saved)) };
        let extras = OnceLock::new();
        Arc::new(Node { sequence, inputs, outputs, location, saved, extras, op })
    }
}

impl<O: ?Sized> Node<O> {
    /// What the node holds for its rule. It is then freed, unless it is to be retained.
    pub fn saved(&self, retain: bool) -> Saved {
        let Some(saved) = &self.saved else { return Saved::Values(Values::new()) };
        // A panic while the lock was held leaves whole values behind.
        let mut saved = saved.lock().unwrap_or_else(PoisonError::into_inner);
        if retain { saved.clone() } else { std::mem::replace(&mut *saved, Saved::Freed) }
    }

    /// Hooks and kept gradients, made on first use.
    pub fn extras(&self) -> &Extras {
        self.extras.get_or_init(Box::default)
    }

    /// Hooks and kept gradients, if there are any.
    pub fn known_extras(&self) -> Option<&Extras> {
        self.extras.get().map(|e| &**e)
    }
}

/// Frees a chain of any length without recursion: a node that is about to go hands its inputs to a list first.
impl<O: ?Sized> Drop for Node<O> {
    fn drop(&mut self) {
        let mut next = None;
        // Stays empty, and without memory of its own, along a chain.
        let mut others: Vec<Arc<Node>> = Vec::new();
        take_nodes(&mut self.inputs, &mut next, &mut others);
        while let Some(mut node) = next.take().or_else(|| others.pop()) {
            // Others may still hold the node; then they free what it holds.
            if let Some(node) = Arc::get_mut(&mut node) {
                take_nodes(&mut node.inputs, &mut next, &mut others);
            }
        }
    }
}

/// Moves the nodes of `inputs` to `next`, if it is free, and to `others`.
fn take_nodes(inputs: &mut [Input], next: &mut Option<Arc<Node>>, others: &mut Vec<Arc<Node>>) {
    for input in inputs {
        if matches!(input.edge, Some(Edge::Node(..)))
            && let Some(Edge::Node(node, _)) = input.edge.take()
        {
            if next.is_none() {
                *next = Some(node);
            } else {
                others.push(node);
            }
        }
    }
}
