//! What `grad` looks for: the inputs it was asked about, and which nodes lead to them.

use crate::backward::add_to;
use crate::graph::{Edge, Node};
use crate::leaf::Leaf;
use crate::{Error, Result, Var};
use std::collections::{BTreeMap, HashSet};
use std::panic::Location;
use std::sync::Arc;

/// The inputs that `grad` was asked about, and the part of the graph that leads to them.
pub(crate) struct Targets {
    /// Input `i` is a leaf.
    leaves: Vec<(Arc<Leaf>, usize)>,
    /// Input `i` is this output of the node with this number.
    nodes: Vec<(u64, u32, usize)>,
    /// Numbers of the nodes through which a target is reached.
    path: HashSet<u64>,
    /// The gradients caught so far.
    pub found: Vec<Option<Var>>,
}

impl Targets {
    pub fn find(outputs: &[&Var], inputs: &[&Var], location: &'static Location<'static>) -> Result<Targets> {
        let mut targets =
            Targets { leaves: Vec::new(), nodes: Vec::new(), path: HashSet::new(), found: Vec::new() };
        for (index, input) in inputs.iter().enumerate() {
            match input.edge() {
                Some(Edge::Leaf(leaf)) => targets.leaves.push((Arc::clone(leaf), index)),
                Some(Edge::Node(node, output)) => targets.nodes.push((node.sequence, *output, index)),
                None => return Err(Error::NoHistory { index, location }),
            }
        }
        // Ascending numbers: when a node is looked at, all that it was computed from has been.
        let mut reachable: BTreeMap<u64, &Arc<Node>> = BTreeMap::new();
        let mut stack: Vec<&Arc<Node>> =
            outputs.iter().filter_map(|y| y.node().map(|(node, _)| node)).collect();
        while let Some(node) = stack.pop() {
            if reachable.insert(node.sequence, node).is_none() {
                stack.extend(node.inputs.iter().filter_map(|input| match &input.edge {
                    Some(Edge::Node(node, _)) => Some(node),
                    _ => None,
                }));
            }
        }
        for (sequence, node) in reachable {
            if node.inputs.iter().filter_map(|i| i.edge.as_ref()).any(|edge| targets.leads_to(edge)) {
                targets.path.insert(sequence);
            }
        }
        Ok(targets)
    }

    pub fn leads_to(&self, edge: &Edge) -> bool {
        match edge {
            Edge::Leaf(leaf) => self.leaves.iter().any(|(target, _)| Arc::ptr_eq(target, leaf)),
            Edge::Node(node, output) => {
                self.path.contains(&node.sequence)
                    || self.nodes.iter().any(|&(target, o, _)| target == node.sequence && o == *output)
            }
        }
    }

    pub fn catch(&mut self, node: &Node, grads: &[Option<Var>]) {
        for &(sequence, output, index) in &self.nodes {
            if sequence == node.sequence {
                self.found[index].clone_from(&grads[output as usize]);
            }
        }
    }

    pub fn catch_leaf(&mut self, leaf: &Arc<Leaf>, grad: Var) -> Result<()> {
        for (target, index) in &self.leaves {
            if Arc::ptr_eq(target, leaf) {
                add_to(&mut self.found[*index], grad.clone())?;
            }
        }
        Ok(())
    }
}
