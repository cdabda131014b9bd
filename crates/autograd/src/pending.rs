//! The nodes whose rules have yet to run, the one with the highest number first.

use crate::Var;
use crate::graph::Node;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A node whose rule has yet to run, with the gradients of its outputs so far.
pub(crate) struct Pending<'g> {
    pub node: &'g Arc<Node>,
    pub grads: SmallVec<[Option<Var>; 1]>,
}

impl<'g> Pending<'g> {
    fn new(node: &'g Arc<Node>) -> Self {
        let mut grads = SmallVec::from_buf([None]);
        if node.outputs != 1 {
            grads.resize_with(node.outputs as usize, || None);
        }
        Self { node, grads }
    }
}

/// Pending nodes by sequence number. The highest stands beside the tree: along a chain it is the only one, and there is
/// no tree to build.
#[derive(Default)]
pub(crate) struct Queue<'g> {
    /// Higher than all in the tree.
    first: Option<Pending<'g>>,
    rest: BTreeMap<u64, Pending<'g>>,
}

impl<'g> Queue<'g> {
    /// Takes the node with the highest number.
    pub fn pop(&mut self) -> Option<Pending<'g>> {
        self.first.take().or_else(|| self.rest.pop_last().map(|(_, pending)| pending))
    }

    /// The gradients of a node's outputs, none at first.
    pub fn grads(&mut self, node: &'g Arc<Node>) -> &mut [Option<Var>] {
        let number = node.sequence;
        let highest = match &self.first {
            Some(first) => Some(first.node.sequence),
            None => self.rest.last_key_value().map(|(&highest, _)| highest),
        };
        let pending = if highest.is_none_or(|highest| number > highest) {
            if let Some(lower) = self.first.take() {
                self.rest.insert(lower.node.sequence, lower);
            }
            self.first.insert(Pending::new(node))
        } else {
            match &mut self.first {
                Some(first) if first.node.sequence == number => first,
                _ => self.rest.entry(number).or_insert_with(|| Pending::new(node)),
            }
        };
        &mut pending.grads
    }

    /// All nodes, in any order.
    pub fn nodes(&self) -> impl Iterator<Item = &'g Arc<Node>> {
        self.first.iter().chain(self.rest.values()).map(|pending| pending.node)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

    use super::*;
    use tensor_core::{DType, Rng, Tensor};

    #[test]
    fn nodes_come_in_descending_order_whatever_the_order_in_which_they_are_met() {
        let x = Var::leaf(Tensor::ones([1], DType::F32).unwrap()).unwrap();
        let results: Vec<Var> = (0..20).map(|_| x.neg().unwrap()).collect();
        let node = |i: i64| results[i as usize].node().unwrap().0;
        let draws = Rng::seed(0).randint(0, 20, [5000]).unwrap().to_vec::<i64>().unwrap();
        let (mut queue, mut naive) = (Queue::default(), Vec::new());
        for pair in draws.chunks(2) {
            queue.grads(node(pair[0]))[0] = Some(x.clone());
            naive.push(node(pair[0]).sequence);
            naive.sort_unstable();
            naive.dedup();
            if pair[1] < 8 {
                let pending = queue.pop();
                assert_eq!(pending.map(|p| (p.node.sequence, p.grads.len())), naive.pop().map(|n| (n, 1)));
            }
            assert_eq!(queue.nodes().count(), naive.len());
        }
    }
}
