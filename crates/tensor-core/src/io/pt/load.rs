//! From what a pickle has built to values.

use super::pickle::{Built, Id, Node};
use crate::Result;
use crate::io::value::Value;
use std::collections::BTreeMap;

/// Deeper than any state nests.
const MAX_DEPTH: usize = 64;
/// A pickle may refer to one thing many times, where a [`Value`] holds it as often. All values together may not take
/// more bytes than this for each byte of the pickle: a dictionary of one entry, which takes most for what it has in a
/// file (10 bytes), stays below.
const MAX_GROWTH: u64 = 128;
/// And this much in any case.
const FREE: u64 = 1 << 16;
/// Entries that a dictionary has room for from its first on: those of a leaf of the standard library's B-tree.
const LEAF: usize = 11;

/// The value of a pickle's root.
pub(super) fn load(built: Built<'_>) -> Result<Value> {
    let mut left = built.input.position().saturating_mul(MAX_GROWTH).saturating_add(FREE);
    built.value(built.root, 0, &mut left)
}

/// Bytes that the value of a node takes, without those in it.
fn cost(node: &Node) -> usize {
    let held = match node {
        Node::Str(text) => text.len(),
        // A leaf is half full at least.
        Node::Dict(entries) if !entries.is_empty() => {
            LEAF.max(2 * entries.len()) * size_of::<(String, Value)>()
        }
        _ => 0,
    };
    size_of::<Value>() + held
}

impl Built<'_> {
    fn value(&self, id: Id, depth: usize, left: &mut u64) -> Result<Value> {
        if depth > MAX_DEPTH {
            return self.fault(format!("values nested deeper than {MAX_DEPTH}, or one in itself"));
        }
        let node = &self.nodes[id];
        let Some(rest) = left.checked_sub(cost(node) as u64) else {
            return self.fault("values repeated far beyond the size of the file");
        };
        *left = rest;
        let mut all =
            |ids: &[Id]| ids.iter().map(|&id| self.value(id, depth + 1, left)).collect::<Result<_>>();
        Ok(match node {
            Node::None => Value::None,
            Node::Bool(x) => Value::Bool(*x),
            Node::Int(x) => Value::Int(*x),
            Node::Float(x) => Value::Float(*x),
            Node::Str(x) => Value::Str(x.clone()),
            Node::Tensor(x) => Value::Tensor(x.clone()),
            Node::List(items) => Value::List(all(items)?),
            Node::Tuple(items) => Value::Tuple(all(items)?),
            Node::Dict(entries) => self.dict(entries, depth, left)?,
            Node::Storage(_) | Node::Global(_) => {
                return self.fault(format!("{} where a value is expected", node.kind()));
            }
        })
    }

    fn dict(&self, entries: &[(Id, Id)], depth: usize, left: &mut u64) -> Result<Value> {
        let (mut names, mut numbers) = (BTreeMap::new(), BTreeMap::new());
        for &(key, value) in entries {
            let value = self.value(value, depth + 1, left)?;
            // As in Python, the last of equal keys counts.
            match self.value(key, depth + 1, left)? {
                Value::Str(name) => drop(names.insert(name, value)),
                Value::Int(number) => drop(numbers.insert(number, value)),
                other => {
                    return self.fault(format!("{} as a key, expected text or an integer", other.kind()));
                }
            }
        }
        match (names.is_empty(), numbers.is_empty()) {
            (_, true) => Ok(Value::Dict(names)),
            (true, false) => Ok(Value::IntDict(numbers)),
            (false, false) => self.fault("a dictionary with keys of text and integers"),
        }
    }

    fn fault<T>(&self, reason: impl Into<String>) -> Result<T> {
        Err(self.input.error(self.input.position(), reason))
    }
}
