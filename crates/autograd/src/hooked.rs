//! Leaves with hooks during a backward: a hook sees the whole gradient once, as soon as nothing more can be added.

use crate::backward::add_to;
use crate::graph::{Edge, Node};
use crate::leaf::Leaf;
use crate::{Result, Var};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

#[derive(Default)]
pub(crate) struct Hooked {
    waiting: Vec<(Arc<Leaf>, Option<Var>)>,
    /// The lowest number of a node that uses the leaf. The graph is searched for it when the first leaf with hooks is
    /// met; numbers descend in a backward, so the leaf is complete when that node has been visited.
    last_use: Option<HashMap<*const Leaf, u64>>,
}

impl Hooked {
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub fn add(&mut self, leaf: &Arc<Leaf>, grad: Var) -> Result<()> {
        match self.waiting.iter_mut().find(|(waiting, _)| Arc::ptr_eq(waiting, leaf)) {
            Some((_, sum)) => add_to(sum, grad),
            None => {
                self.waiting.push((Arc::clone(leaf), Some(grad)));
                Ok(())
            }
        }
    }

    /// The leaves that node `sequence`, which has been visited, completes; `pending` nodes are yet to be visited.
    pub fn complete<'a>(
        &mut self,
        sequence: u64,
        pending: impl Iterator<Item = &'a Arc<Node>>,
    ) -> Vec<(Arc<Leaf>, Var)> {
        let last_use = self.last_use.get_or_insert_with(|| last_uses(pending.collect()));
        let mut complete = Vec::new();
        self.waiting.retain_mut(|(leaf, grad)| {
            let waits = last_use.get(&Arc::as_ptr(leaf)).is_some_and(|&last| last < sequence);
            if !waits {
                complete.extend(grad.take().map(|grad| (Arc::clone(leaf), grad)));
            }
            waits
        });
        complete
    }
}

/// Each leaf's lowest user among the nodes from which `stack` was computed, and these.
fn last_uses(mut stack: Vec<&Arc<Node>>) -> HashMap<*const Leaf, u64> {
    let mut uses = HashMap::new();
    let mut seen = HashSet::new();
    while let Some(node) = stack.pop() {
        if !seen.insert(node.sequence) {
            continue;
        }
        for input in &node.inputs {
            match &input.edge {
                Some(Edge::Node(node, _)) => stack.push(node),
                Some(Edge::Leaf(leaf)) => {
                    let last = uses.entry(Arc::as_ptr(leaf)).or_insert(u64::MAX);
                    *last = node.sequence.min(*last);
                }
                None => {}
            }
        }
    }
    uses
}
