//! Recurrent layers.

pub mod cell;

use crate::error::OfModule;
use crate::{Error, Module, Result, Training, Walk};
use autograd::tensor_core::Rng;
use autograd::{DType, Var};
use cell::{Mode, Sizes, State, Weights, check_state};
use std::marker::PhantomData;

/// Layers of cells in one or two directions: what [`LSTM`], [`GRU`] and [`RNN`] have in common.
#[derive(Debug)]
struct Stack {
    settings: Settings,
    /// Layer by layer, in each the way forward, then the way back.
    weights: Vec<Weights>,
    training: Training,
    rng: Rng,
}

#[derive(Clone, Copy, Debug)]
struct Settings {
    mode: Mode,
    sizes: Sizes,
    num_layers: usize,
    batch_first: bool,
    dropout: f64,
    bidirectional: bool,
}

impl Settings {
    fn directions(&self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    fn check(&self, op: &'static str) -> Result<()> {
        let refuse =
            |argument, value: String, expected| Err(Error::Argument { op, argument, value, expected });
        let Sizes { hidden, projection, .. } = self.sizes;
        if self.num_layers == 0 {
            return refuse("num_layers", "0".into(), "at least 1");
        }
        if hidden == 0 {
            return refuse("hidden_size", "0".into(), "at least 1");
        }
        if projection >= hidden {
            return refuse("proj_size", projection.to_string(), "a size below hidden_size");
        }
        if !(0.0..=1.0).contains(&self.dropout) {
            return refuse("dropout", self.dropout.to_string(), "a probability, 0 to 1");
        }
        Ok(())
    }
}

impl Stack {
    fn new(op: &'static str, settings: Settings, rng: &Rng) -> Result<Self> {
        settings.check(op)?;
        let (sizes, directions) = (settings.sizes, settings.directions());
        let output = if sizes.projection > 0 { sizes.projection } else { sizes.hidden };
        let weights = (0..settings.num_layers * directions).map(|i| {
            let input = if i < directions { sizes.input } else { output.saturating_mul(directions) };
            Weights::new(settings.mode, Sizes { input, ..sizes }, rng)
        });
        let weights = weights.collect::<Result<_>>()?;
        Ok(Self { settings, weights, training: Training::default(), rng: rng.clone() })
    }

    fn visit(&self, walk: &mut Walk<'_>) {
        let directions = self.settings.directions();
        for (i, weights) in self.weights.iter().enumerate() {
            let back = if i % directions == 1 { "_reverse" } else { "" };
            weights.visit(walk, &format!("_l{}{back}", i / directions));
        }
        walk.child("training", &self.training);
    }

    fn repr(&self) -> String {
        let Settings { sizes, num_layers, batch_first, dropout, bidirectional, .. } = self.settings;
        let mut text = format!("{}, {}", sizes.input, sizes.hidden);
        if sizes.projection > 0 {
            text.push_str(&format!(", proj_size={}", sizes.projection));
        }
        if num_layers > 1 {
            text.push_str(&format!(", num_layers={num_layers}"));
        }
        if !sizes.bias {
            text.push_str(", bias=false");
        }
        if batch_first {
            text.push_str(", batch_first=true");
        }
        if dropout > 0.0 {
            text.push_str(&format!(", dropout={dropout}"));
        }
        if bidirectional {
            text.push_str(", bidirectional=true");
        }
        text
    }

    /// Output and last states, for an input with or without a batch.
    #[track_caller]
    fn forward(&self, op: &'static str, x: &Var, state: Option<State>) -> Result<(Var, State)> {
        let batched = x.rank() == 3;
        if !batched && x.rank() != 2 {
            return Err(shape_error(op, x, "[L, input_size], or three dimensions with the batch"));
        }
        let first = batched && self.settings.batch_first;
        let x = match (batched, first) {
            (true, true) => x.transpose(0, 1)?,
            (true, false) => x.clone(),
            (false, _) => x.unsqueeze(1)?,
        };
        if x.shape()[0] == 0 {
            return Err(shape_error(op, &x, "a sequence of at least one step"));
        }
        let state = self.initial(op, &x, state, batched)?;
        let (y, states) = self.run(&x, &state)?;
        let join = |part: fn(&State) -> &Var| -> Result<Var> {
            let last = Var::stack(&states.iter().map(part).collect::<Vec<_>>(), 0)?;
            Ok(if batched { last } else { last.squeeze(1)? })
        };
        let y = match (batched, first) {
            (true, true) => y.transpose(0, 1)?,
            (true, false) => y,
            (false, _) => y.squeeze(1)?,
        };
        Ok((y, State { h: join(|state| &state.h)?, c: join(|state| &state.c)? }))
    }

    /// The initial state `[layers · directions, N, size]`, checked; zeros if none was given.
    fn initial(&self, op: &'static str, x: &Var, state: Option<State>, batched: bool) -> Result<State> {
        let (count, batch) = (self.weights.len(), x.shape()[1]);
        let Some(state) = state else { return self.weights[0].zero_state(&[count, batch]) };
        let [h, c] = self.weights[0].state_sizes();
        let check = |part: &Var, size: usize| -> Result<Var> {
            let shape = if batched { vec![count, batch, size] } else { vec![count, size] };
            check_state(op, part, &shape)?;
            Ok(if batched { part.clone() } else { part.unsqueeze(1)? })
        };
        Ok(State { h: check(&state.h, h)?, c: check(&state.c, c)? })
    }

    /// Output `[L, N, directions · size]` and the last state of each direction of each layer.
    fn run(&self, x: &Var, state: &State) -> Result<(Var, Vec<State>)> {
        let directions = self.settings.directions();
        let (mut x, mut last) = (x.clone(), Vec::new());
        for (layer, weights) in self.weights.chunks(directions).enumerate() {
            let p = self.settings.dropout;
            if layer > 0 && p > 0.0 && self.training.get() {
                x = x.dropout(p, self.rng.next_u64())?;
            }
            let mut outputs = Vec::new();
            for (direction, weights) in weights.iter().enumerate() {
                let at = (layer * directions + direction) as isize;
                let start = State { h: state.h.select(0, at)?, c: state.c.select(0, at)? };
                let (y, end) = sequence(weights, &x, start, direction == 1)?;
                outputs.push(y);
                last.push(end);
            }
            x = match outputs.as_slice() {
                [y] => y.clone(),
                both => Var::cat(&both.iter().collect::<Vec<_>>(), -1)?,
            };
        }
        Ok((x, last))
    }

    /// Products of all weights with each step of each sample; `[L, N, ..]` or `[N, L, ..]` or `[L, ..]`.
    fn cost(&self, input: &autograd::Shape) -> usize {
        let steps: usize = input[..input.len().saturating_sub(1)].iter().product();
        self.weights.iter().map(|weights| weights.products().saturating_mul(steps)).sum()
    }
}

/// The outputs of one direction at all steps, and its last state.
fn sequence(weights: &Weights, x: &Var, start: State, back: bool) -> Result<(Var, State)> {
    let gates = weights.gates(x)?;
    if let Some(whole) = weights.all_steps(&gates, &start, back)? {
        return Ok(whole);
    }
    let length = x.shape()[0];
    let (mut state, mut outputs) = (start, Vec::with_capacity(length));
    for step in 0..length {
        let at = if back { length - 1 - step } else { step };
        state = weights.step(&gates.select(0, at as isize)?, &state)?;
        outputs.push(state.h.clone());
    }
    if back {
        outputs.reverse();
    }
    Ok((Var::stack(&outputs.iter().collect::<Vec<_>>(), 0)?, state))
}

#[track_caller]
fn shape_error(op: &'static str, x: &Var, expected: &str) -> Error {
    let (argument, found, expected) = ("the input", x.shape().clone(), expected.to_string());
    let kind = autograd::tensor_core::ErrorKind::ShapeMismatch { argument, found, expected };
    autograd::tensor_core::Error::new(op, kind).into()
}

/// Settings of an [`LSTM`], [`GRU`] or [`RNN`].
#[derive(Debug)]
#[must_use = "build makes the layer"]
pub struct RecurrentOptions<M> {
    settings: Settings,
    layer: PhantomData<fn() -> M>,
}

// Derived, both would ask the same of the layer.
impl<M> Clone for RecurrentOptions<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M> Copy for RecurrentOptions<M> {}

impl<M> RecurrentOptions<M> {
    /// How many layers, each on the outputs of the one before; default 1.
    pub fn num_layers(mut self, num_layers: usize) -> Self {
        self.settings.num_layers = num_layers;
        self
    }

    /// Whether there are biases; default true.
    pub fn bias(mut self, bias: bool) -> Self {
        self.settings.sizes.bias = bias;
        self
    }

    /// Whether inputs and outputs are `[N, L, ..]` in place of `[L, N, ..]`; states are not concerned. Default false.
    pub fn batch_first(mut self, batch_first: bool) -> Self {
        self.settings.batch_first = batch_first;
        self
    }

    /// The probability of [dropout](crate::Dropout) between two layers; default 0.
    pub fn dropout(mut self, dropout: f64) -> Self {
        self.settings.dropout = dropout;
        self
    }

    /// Whether a second set of cells runs from the end to the beginning, its outputs beside the first's; default false.
    pub fn bidirectional(mut self, bidirectional: bool) -> Self {
        self.settings.bidirectional = bidirectional;
        self
    }

    /// The dtype of the parameters; default f32.
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.settings.sizes.dtype = dtype;
        self
    }
}

impl RecurrentOptions<LSTM> {
    /// The size to which a matrix takes h after each step; default 0, none.
    pub fn proj_size(mut self, proj_size: usize) -> Self {
        self.settings.sizes.projection = proj_size;
        self
    }
}

impl RecurrentOptions<RNN> {
    /// With max(·, 0) in place of tanh: `nonlinearity='relu'`.
    pub fn relu(mut self) -> Self {
        self.settings.mode = Mode::Relu;
        self
    }
}

macro_rules! recurrent {
    ($(#[$doc:meta])* $name:ident, $op:literal, $mode:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            stack: Stack,
        }

        impl $name {
            /// One layer in one direction, with biases, in f32.
            ///
            /// # Errors
            /// If memory does not suffice.
            pub fn new(input_size: usize, hidden_size: usize, rng: &Rng) -> Result<Self> {
                Self::options(input_size, hidden_size).build(rng)
            }

            /// Settings beyond the common ones.
            pub fn options(input_size: usize, hidden_size: usize) -> RecurrentOptions<Self> {
                let (input, hidden, dtype) = (input_size, hidden_size, DType::F32);
                let sizes = Sizes { input, hidden, projection: 0, bias: true, dtype };
                let (num_layers, batch_first, dropout, bidirectional) = (1, false, 0.0, false);
                let mode = $mode;
                let settings = Settings { mode, sizes, num_layers, batch_first, dropout, bidirectional };
                RecurrentOptions { settings, layer: PhantomData }
            }
        }

        impl RecurrentOptions<$name> {
            /// Draws the parameters and makes the layer.
            ///
            /// # Errors
            /// If a setting is outside its range, the dtype is not floating-point or memory does not suffice.
            pub fn build(self, rng: &Rng) -> Result<$name> {
                Ok($name { stack: Stack::new($op, self.settings, rng)? })
            }
        }

        impl Module for $name {
            fn visit(&self, walk: &mut Walk<'_>) {
                walk.module(self, |walk| self.stack.visit(walk));
            }

            fn extra_repr(&self) -> String {
                self.stack.repr()
            }

            fn multiply_adds(&self, input: &autograd::Shape, _: &autograd::Shape) -> usize {
                self.stack.cost(input)
            }
        }
    };
}

recurrent! {
    /// Long short-term memory: `nn.LSTM`. With σ the sigmoid and ∘ the product of elements, each step does
    ///
    /// ```text
    /// i = σ(W_ii x + b_ii + W_hi h + b_hi)    f = σ(W_if x + b_if + W_hf h + b_hf)
    /// g = tanh(W_ig x + b_ig + W_hg h + b_hg)  o = σ(W_io x + b_io + W_ho h + b_ho)
    /// c = f ∘ c + i ∘ g                        h = o ∘ tanh(c), times W_hr where there is a projection
    /// ```
    ///
    /// Layer k has `weight_ih_lk` (W_ii, W_if, W_ig, W_io above each other: `[4 hidden, input]`), `weight_hh_lk`, `bias_ih_lk`,
    /// `bias_hh_lk` and `weight_hr_lk`, those of the way back with `_reverse` behind. All start uniform in ±1/√hidden,
    /// bit for bit what PyTorch draws. Hochreiter and Schmidhuber, "Long Short-Term Memory" (1997).
    ///
    /// ```
    /// use nn::prelude::*;
    /// use autograd::{DType, Tensor, tensor_core::Rng};
    ///
    /// let lstm = LSTM::options(8, 16).num_layers(2).bidirectional(true).batch_first(true).build(&Rng::seed(0))?;
    /// let x = Tensor::zeros([4, 10, 8], DType::F32)?.into();
    /// let (output, (h, c)) = lstm.forward(&x, None)?;
    /// assert_eq!(output.shape().to_string(), "[4, 10, 32]");
    /// assert_eq!((h.shape().to_string(), c.shape()), ("[4, 4, 16]".to_string(), h.shape()));
    /// # Ok::<(), nn::Error>(())
    /// ```
    LSTM, "LSTM", Mode::Lstm
}
recurrent! {
    /// Gated recurrent units: `nn.GRU`. With σ the sigmoid and ∘ the product of elements, each step does
    ///
    /// ```text
    /// r = σ(W_ir x + b_ir + W_hr h + b_hr)    z = σ(W_iz x + b_iz + W_hz h + b_hz)
    /// n = tanh(W_in x + b_in + r ∘ (W_hn h + b_hn))
    /// h = (1 − z) ∘ n + z ∘ h
    /// ```
    ///
    /// Names and initial values as for [`LSTM`], with `[3 hidden, ..]` for r, z, n. The reset gate is inside, as in PyTorch
    /// and cuDNN, not before the product with W_hn as in the first paper: Cho et al. (2014).
    GRU, "GRU", Mode::Gru
}
recurrent! {
    /// Elman's network: `nn.RNN`. Each step does h = tanh(W_ih x + b_ih + W_hh h + b_hh). Names and initial values as for
    /// [`LSTM`], with `[hidden, ..]`.
    RNN, "RNN", Mode::Tanh
}

impl LSTM {
    /// Outputs `[L, N, directions · size]` of the last layer at all steps, and the last states (h, c) of all layers and
    /// directions, `[layers · directions, N, size]`; `state` is zeros if not given. N is left out if `x` has none.
    ///
    /// # Errors
    /// If the shapes or dtypes do not fit, or there is no step.
    #[track_caller]
    pub fn forward(&self, x: &Var, state: Option<(&Var, &Var)>) -> Result<(Var, (Var, Var))> {
        let state = state.map(|(h, c)| State { h: h.clone(), c: c.clone() });
        let (y, State { h, c }) = self.stack.forward("LSTM", x, state).of(self)?;
        Ok((crate::hook::show(self, x, y), (h, c)))
    }
}

macro_rules! single_state {
    ($($name:ident $op:literal),*) => {$(
        impl $name {
            /// Outputs `[L, N, directions · size]` of the last layer at all steps, and the last states of all layers and
            /// directions, `[layers · directions, N, size]`; `state` is zeros if not given. N is left out if `x` has none.
            ///
            /// # Errors
            /// If the shapes or dtypes do not fit, or there is no step.
            #[track_caller]
            pub fn forward(&self, x: &Var, state: Option<&Var>) -> Result<(Var, Var)> {
                let (y, last) = self.stack.forward($op, x, state.cloned().map(State::from)).of(self)?;
                Ok((crate::hook::show(self, x, y), last.h))
            }
        }
    )*};
}
single_state!(GRU "GRU", RNN "RNN");
