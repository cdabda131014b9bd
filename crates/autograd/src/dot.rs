//! The graph as text for Graphviz.

use crate::Var;
use crate::graph::{Edge, Node};
use crate::leaf::Leaf;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::panic::Location;
use std::sync::Arc;
use tensor_core::{DType, Shape};

/// The graph behind `outputs` in Graphviz's DOT language: each operation with the shapes of its outputs and the source
/// line that applied it, each leaf with its name from `names`, dtype and shape; arrows run with the computation.
///
/// ```
/// use autograd::{DType, Parameter, Tensor, Var, graph_to_dot};
/// let w = Parameter::new(Tensor::ones([3, 2], DType::F32)?)?;
/// let x = Var::from(Tensor::ones([5, 3], DType::F32)?);
/// let text = graph_to_dot(&[&x.matmul(&w.var())?], &[("weight", w.var())]);
/// assert!(text.contains("matmul\\n[5, 2]") && text.contains("weight\\nf32 [3, 2]"));
/// # Ok::<(), autograd::Error>(())
/// ```
pub fn graph_to_dot(outputs: &[&Var], names: &[(&str, Var)]) -> String {
    let mut drawing = Drawing::default();
    for (i, output) in outputs.iter().enumerate() {
        if let Some(edge) = output.edge() {
            let from = drawing.meet(edge, output.shape(), output.dtype());
            let label = label(&[&format!("output {i}"), &format!("{} {}", output.dtype(), output.shape())]);
            drawing
                .results
                .push(format!("  out{i} [label=\"{label}\", style=rounded];\n  {from} -> out{i};\n"));
        }
    }
    while let Some(node) = drawing.stack.pop() {
        for input in &node.inputs {
            if let Some(edge) = &input.edge {
                let from = drawing.meet(edge, input.shape(), input.dtype());
                drawing.arrows.insert((node.sequence, from));
            }
        }
    }
    drawing.text(names)
}

#[derive(Default)]
struct Drawing<'a> {
    stack: Vec<&'a Arc<Node>>,
    /// By number, so that the text is the same for the same program: operation, line, shapes of its used outputs.
    nodes: BTreeMap<u64, (&'static str, &'static Location<'static>, BTreeMap<u32, &'a Shape>)>,
    /// In the order in which they were met.
    leaves: Vec<(&'a Arc<Leaf>, &'a Shape, DType)>,
    arrows: BTreeSet<(u64, String)>,
    results: Vec<String>,
}

impl<'a> Drawing<'a> {
    /// Notes what an edge comes from, and gives the name of that in the text.
    fn meet(&mut self, edge: &'a Edge, shape: &'a Shape, dtype: DType) -> String {
        match edge {
            Edge::Leaf(leaf) => {
                let known = self.leaves.iter().position(|(other, ..)| Arc::ptr_eq(other, leaf));
                let number = known.unwrap_or_else(|| {
                    self.leaves.push((leaf, shape, dtype));
                    self.leaves.len() - 1
                });
                format!("leaf{number}")
            }
            Edge::Node(node, output) => {
                let entry = self.nodes.entry(node.sequence).or_insert_with(|| {
                    self.stack.push(node);
                    (node.op.name(), node.location, BTreeMap::new())
                });
                entry.2.insert(*output, shape);
                format!("op{}", node.sequence)
            }
        }
    }

    fn text(self, names: &[(&str, Var)]) -> String {
        let mut text = String::from("digraph {\n  node [shape=box, fontname=monospace];\n");
        for (i, (leaf, shape, dtype)) in self.leaves.iter().enumerate() {
            let is_named =
                |var: &Var| matches!(var.edge(), Some(Edge::Leaf(other)) if Arc::ptr_eq(other, leaf));
            let name = names.iter().find(|(_, var)| is_named(var)).map_or("leaf", |(name, _)| name);
            let label = label(&[name, &format!("{dtype} {shape}")]);
            let _ = writeln!(text, "  leaf{i} [label=\"{label}\", style=filled, fillcolor=lightblue];");
        }
        for (number, (op, location, shapes)) in &self.nodes {
            let shapes: Vec<String> = shapes.values().map(ToString::to_string).collect();
            let label = label(&[op, &shapes.join(" "), &format!("{}:{}", location.file(), location.line())]);
            let _ = writeln!(text, "  op{number} [label=\"{label}\"];");
        }
        for (to, from) in &self.arrows {
            let _ = writeln!(text, "  {from} -> op{to};");
        }
        text.extend(self.results);
        text + "}\n"
    }
}

/// Lines of a label, with what DOT gives a meaning to escaped.
fn label(lines: &[&str]) -> String {
    lines.iter().map(|line| line.replace('\\', "\\\\").replace('"', "\\\"")).collect::<Vec<_>>().join("\\n")
}
