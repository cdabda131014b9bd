//! Calls that may refuse and must not panic.

use autograd::tensor_core::memory;
use autograd::{DType, Tensor, Var, backward};
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

/// What an operation may hand out.
pub trait Values {
    fn vars(self) -> Vec<Var>;
}

impl Values for Var {
    fn vars(self) -> Vec<Var> {
        vec![self]
    }
}

impl Values for Tensor {
    fn vars(self) -> Vec<Var> {
        vec![self.into()]
    }
}

impl Values for bool {
    fn vars(self) -> Vec<Var> {
        Vec::new()
    }
}

impl<T: Values> Values for Vec<T> {
    fn vars(self) -> Vec<Var> {
        self.into_iter().flat_map(Values::vars).collect()
    }
}

impl<A: Values, B: Values> Values for (A, B) {
    fn vars(self) -> Vec<Var> {
        [self.0.vars(), self.1.vars()].concat()
    }
}

impl<A: Values, B: Values, C: Values> Values for (A, B, C) {
    fn vars(self) -> Vec<Var> {
        [self.0.vars(), self.1.vars(), self.2.vars()].concat()
    }
}

thread_local! {
    /// The text of the panic of an attempt that is running.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// What went wrong in a series of calls.
pub struct Log {
    panics: Vec<String>,
    calls: usize,
    refused: usize,
}

impl Log {
    pub fn new() -> Self {
        static QUIET: Once = Once::new();
        QUIET.call_once(|| {
            let usual = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |info| {
                let attempt =
                    PANIC.with_borrow_mut(|text| text.as_mut().map(|text| *text = info.to_string()));
                // What is outside of an attempt is an assertion of the test.
                attempt.unwrap_or_else(|| usual(info));
            }));
            memory::set_limit(1 << 28);
        });
        Self { panics: Vec::new(), calls: 0, refused: 0 }
    }

    /// Runs a call, and goes backward through what it returns.
    pub fn attempt<T: Values, E: std::fmt::Display>(
        &mut self,
        what: &dyn Fn() -> String,
        call: impl FnOnce() -> Result<T, E>,
    ) {
        self.calls += 1;
        let mut refused = false;
        PANIC.set(Some(String::new()));
        let outcome = catch_unwind(AssertUnwindSafe(|| match call() {
            Ok(values) => go_back(&values.vars()),
            Err(error) => {
                refused = true;
                let text = error.to_string();
                assert!(text.contains("called at"), "{text:?} names no line");
            }
        }));
        let panic = PANIC.take().unwrap_or_default();
        self.refused += usize::from(refused);
        if outcome.is_err() && self.panics.len() < 40 {
            self.panics.push(format!("{}\n    {}", what(), panic.replace('\n', " ")));
        }
    }

    /// Fails with all that panicked.
    #[track_caller]
    pub fn finish(self) {
        assert!(self.panics.is_empty(), "{}", self.panics.join("\n"));
        assert!(self.calls > 0 && self.refused > 0, "{} calls, {} refused", self.calls, self.refused);
    }
}

fn go_back(outputs: &[Var]) {
    for y in outputs.iter().filter(|y| y.requires_grad()) {
        // One element, for values that are larger than memory.
        let seed = Tensor::ones([], y.dtype()).unwrap().broadcast_to(y.shape()).unwrap();
        // A rule may refuse too, where memory has no room.
        let _ = backward(&[y], &[Some(&seed)], true);
    }
}

/// Attempts each expression, named by its text.
#[macro_export]
macro_rules! attempts {
    ($log:expr, $context:expr; $($call:expr),* $(,)?) => {
        $($log.attempt(&|| format!("{} with {}", stringify!($call), $context), || $call);)*
    };
}

/// Tensors of many ranks, sizes and dtypes, with NaN, infinities and the ends of the integers among the values.
pub fn odd_tensors() -> Vec<Tensor> {
    let shapes: [&[usize]; 11] = [
        &[],
        &[0],
        &[1],
        &[3],
        &[2, 3],
        &[3, 3],
        &[0, 3],
        &[3, 0],
        &[2, 3, 4],
        &[1, 2, 5, 5],
        &[1, 1, 2, 3, 4],
    ];
    let mut tensors = Vec::new();
    for shape in shapes {
        let n: usize = shape.iter().product();
        let odd = [1.0, f64::NAN, -2.5, f64::INFINITY, 0.0, f64::NEG_INFINITY, 1e300, -0.0];
        let values: Vec<f64> = (0..n).map(|i| odd[i % odd.len()]).collect();
        let floats = Tensor::from_vec(values, shape).unwrap();
        for dtype in [DType::F64, DType::F32, DType::F16, DType::Bool, DType::U8] {
            tensors.push(floats.to_dtype(dtype).unwrap());
        }
        let ends = [0, -1, i64::MAX, i64::MIN, 1, 2];
        tensors.push(
            Tensor::from_vec((0..n).map(|i| ends[i % ends.len()]).collect::<Vec<i64>>(), shape).unwrap(),
        );
        if shape.len() == 2 {
            tensors.push(floats.t().unwrap());
        }
    }
    // No elements, and more rows or columns than could be counted one by one.
    for shape in [[0, 1 << 45], [1 << 45, 0]] {
        tensors.push(Tensor::zeros(shape, DType::F32).unwrap());
    }
    tensors
}

/// Tracked where the dtype allows it.
pub fn var(value: &Tensor) -> Var {
    if value.dtype().is_float() { Var::leaf(value.clone()).unwrap() } else { value.into() }
}

pub fn described(x: &Tensor) -> String {
    format!("{} {}", x.dtype(), x.shape())
}
