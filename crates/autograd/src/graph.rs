//! The graph: nodes that point to what they were computed from, and nothing that points back.

use crate::checkpoint::Region;
use crate::hook::NodeHook;
use crate::leaf::Leaf;
use crate::op::Op;
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use tensor_core::{DType, Shape, Tensor};

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
    pub shape: Shape,
    pub dtype: DType,
}

/// The values that an operation keeps for its rule, until a backward without `retain_graph` frees them.
#[derive(Clone, Default)]
pub(crate) struct Saved {
    pub inputs: SmallVec<[Tensor; 2]>,
    pub outputs: SmallVec<[Tensor; 1]>,
    pub extra: SmallVec<[Tensor; 1]>,
    /// The checkpoint that computes the values again, and the node's place in it.
    pub region: Option<Box<(Arc<Region>, usize)>>,
    pub freed: bool,
}

impl Saved {
    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.inputs.is_empty() && self.outputs.is_empty() && self.extra.is_empty() && self.region.is_none()
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
    saved: Mutex<Saved>,
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
        let (saved, extras) = (Mutex::new(saved), OnceLock::new());
        Arc::new(Node { sequence, inputs, outputs, location, saved, extras, op })
    }
}

impl<O: ?Sized> Node<O> {
    /// The kept values, locked.
    pub fn saved(&self) -> MutexGuard<'_, Saved> {
        // A panic while the lock was held leaves whole values behind.
        self.saved.lock().unwrap_or_else(PoisonError::into_inner)
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
        let mut orphans: Vec<Arc<Node>> = Vec::new();
        take_nodes(&mut self.inputs, &mut orphans);
        while let Some(mut node) = orphans.pop() {
            // Others may still hold the node; then they free what it holds.
            if let Some(node) = Arc::get_mut(&mut node) {
                take_nodes(&mut node.inputs, &mut orphans);
            }
        }
    }
}

fn take_nodes(inputs: &mut SmallVec<[Input; 2]>, into: &mut Vec<Arc<Node>>) {
    for input in inputs {
        if let Some(Edge::Node(node, _)) = input.edge.take() {
            into.push(node);
        }
    }
}
