//! Where time goes: each operation's forward and backward on this thread, in the manner of `torch.profiler`.

use crate::graph::Node;
use crate::mode::{self, GradMode};
use crate::{Shape, Var};
use smallvec::SmallVec;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tensor_core::Tensor;

/// What one pass of an operation cost, over all its calls.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct PassCost {
    /// How often it ran.
    pub calls: usize,
    /// Time on the thread that called, waiting for others included.
    pub time: Duration,
    /// Floating-point operations of products of matrices and convolutions, a multiply-add counted as two, as PyTorch's
    /// `FlopCounterMode` counts them; 0 for other operations.
    pub flops: f64,
    /// Bytes of the tensors that went in and came out.
    pub bytes: usize,
}

impl PassCost {
    fn add(&mut self, time: Duration, flops: f64, bytes: usize) {
        self.calls += 1;
        self.time += time;
        self.flops += flops;
        self.bytes += bytes;
    }
}

/// What an operation, or a named part of the program, cost while [`profile`] watched.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct OpCost {
    /// The operation, or what [`record_function`] was told.
    pub name: &'static str,
    /// Its forward.
    pub forward: PassCost,
    /// Its rule.
    pub backward: PassCost,
}

thread_local! {
    static COSTS: RefCell<BTreeMap<&'static str, OpCost>> = const { RefCell::new(BTreeMap::new()) };
}

/// Runs `body` and says what each operation cost that it applied on this thread, and each rule that a backward ran, the
/// costliest first. What lies between operations, the engine's own work say, is the rest of the time that `body` took.
///
/// ```
/// use autograd::{DType, Tensor, Var, profile};
/// let x = Var::leaf(Tensor::ones([64, 64], DType::F32)?)?;
/// let (result, costs) = profile(|| x.matmul(&x)?.sum()?.backward());
/// result?;
/// let product = costs.iter().find(|cost| cost.name == "matmul").unwrap();
/// assert_eq!((product.forward.calls, product.forward.flops), (1, 2.0 * 64f64.powi(3)));
/// assert_eq!((product.backward.calls, product.backward.flops), (1, 4.0 * 64f64.powi(3)));
/// # Ok::<(), autograd::Error>(())
/// ```
pub fn profile<R>(body: impl FnOnce() -> R) -> (R, Vec<OpCost>) {
    let outer = Outer { costs: COSTS.take(), _mode: mode::enter(|mode| mode.profiled = true) };
    let result = body();
    let mut costs: Vec<OpCost> = COSTS.take().into_values().collect();
    drop(outer);
    costs.sort_by_key(|cost| std::cmp::Reverse(cost.forward.time + cost.backward.time));
    (result, costs)
}

/// Puts back what a profile around this one has noted, after a panic too.
struct Outer {
    costs: BTreeMap<&'static str, OpCost>,
    _mode: GradMode,
}

impl Drop for Outer {
    fn drop(&mut self) {
        COSTS.set(std::mem::take(&mut self.costs));
    }
}

/// Runs `body`, a part of the program that is no operation, the optimizer's step say: its time stands under `name` in a
/// [`profile`], beside that of operations within it. `torch.profiler.record_function`.
pub fn record_function<R>(name: &'static str, body: impl FnOnce() -> R) -> R {
    if !mode::current().profiled {
        return body();
    }
    let start = Instant::now();
    let result = body();
    note(name, |cost| cost.forward.add(start.elapsed(), 0.0, 0));
    result
}

fn note(name: &'static str, add: impl FnOnce(&mut OpCost)) {
    COSTS.with_borrow_mut(|costs| {
        let (forward, backward) = (PassCost::default(), PassCost::default());
        add(costs.entry(name).or_insert(OpCost { name, forward, backward }));
    });
}

/// Notes a forward that began at `start`.
#[cold]
pub(crate) fn forward(op: &'static str, start: Instant, inputs: &[&Var], outputs: &[Tensor]) {
    let time = start.elapsed();
    let shapes: SmallVec<[&Shape; 4]> = inputs.iter().map(|x| x.shape()).collect();
    let flops = outputs.first().map_or(0.0, |y| flops(op, &shapes, y.shape()));
    let bytes = inputs.iter().map(|x| bytes(x.value())).chain(outputs.iter().map(bytes)).sum();
    note(op, |cost| cost.forward.add(time, flops, bytes));
}

/// Notes a rule that began at `start`, with the gradients that came in and those that it gave.
#[cold]
pub(crate) fn backward(node: &Node, start: Instant, grads: &[Option<Var>], found: &[Option<Var>]) {
    let (time, op) = (start.elapsed(), node.op.name());
    let shapes: SmallVec<[&Shape; 4]> = node.inputs.iter().map(|input| input.shape()).collect();
    let once = grads.iter().flatten().next().map_or(0.0, |g| flops(op, &shapes, g.shape()));
    // Each of the two factors has a gradient of the forward's cost; attention computes four products for two, and its
    // scores once more.
    let factors = found.iter().take(2).flatten().count() as f64;
    let times = if op == "scaled_dot_product_attention" { 2.5 } else { factors };
    let bytes = grads.iter().chain(found).flatten().map(|g| bytes(g.value())).sum();
    note(op, |cost| cost.backward.add(time, times * once, bytes));
}

fn bytes(x: &Tensor) -> usize {
    x.numel() * x.dtype().size()
}

/// Floating-point operations of a forward.
fn flops(op: &str, inputs: &[&Shape], output: &Shape) -> f64 {
    let size = |i: usize| inputs.get(i).map_or(0, |shape| shape.numel()) as f64;
    let last = |i: usize| inputs.get(i).and_then(|shape| shape.last()).copied().unwrap_or(1) as f64;
    let elements = output.numel() as f64;
    match op {
        "matmul" | "linear" => 2.0 * elements * last(0),
        // Every output sums over the weight's other dimensions.
        "conv" => 2.0 * elements * size(1) / inputs.get(1).map_or(1, |w| w[0].max(1)) as f64,
        "conv_transpose" => 2.0 * size(0) * size(1) / inputs.get(1).map_or(1, |w| w[0].max(1)) as f64,
        // Queries by keys, and these by values.
        "scaled_dot_product_attention" => {
            let keys = inputs.get(1).map_or(0, |k| k[k.len().saturating_sub(2)]) as f64;
            2.0 * keys * (size(0) + elements)
        }
        // The gates of every step of every sample.
        "lstm_layer" => 2.0 * size(0) * last(3),
        _ => 0.0,
    }
}
