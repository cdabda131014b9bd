//! One step of a recurrent layer.

use crate::error::OfModule;
use crate::{Error, Module, Result, Walk};
use autograd::tensor_core::{Activation, Rng};
use autograd::{DType, Parameter, Tensor, Var};
use std::marker::PhantomData;

/// Which recurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Tanh,
    Relu,
    Lstm,
    Gru,
}

impl Mode {
    /// Rows of weights for each hidden unit.
    pub fn gates(self) -> usize {
        match self {
            Mode::Tanh | Mode::Relu => 1,
            Mode::Gru => 3,
            Mode::Lstm => 4,
        }
    }
}

/// What a step hands on: the output, and the cell of an LSTM. Where there is no cell, it is the output too.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub h: Var,
    pub c: Var,
}

impl From<Var> for State {
    fn from(h: Var) -> Self {
        Self { c: h.clone(), h }
    }
}

/// The weights of one step: PyTorch's `weight_ih`, `weight_hh`, `bias_ih`, `bias_hh` and `weight_hr`.
#[derive(Debug)]
pub(crate) struct Weights {
    pub mode: Mode,
    input_hidden: Parameter,
    hidden_hidden: Parameter,
    biases: Option<(Parameter, Parameter)>,
    projection: Option<Parameter>,
}

/// What [`Weights`] are made of.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub input: usize,
    pub hidden: usize,
    /// 0 for none.
    pub projection: usize,
    pub bias: bool,
    pub dtype: DType,
}

impl Weights {
    /// All uniform in ±1/√hidden, drawn in PyTorch's order.
    pub fn new(mode: Mode, sizes: Sizes, rng: &Rng) -> Result<Self> {
        let Sizes { input, hidden, projection, bias, dtype } = sizes;
        let bound = if hidden > 0 { 1.0 / (hidden as f64).sqrt() } else { 0.0 };
        let draw = |shape: &[usize]| -> Result<Parameter> {
            Ok(Parameter::new(rng.uniform(shape, -bound, bound, dtype)?)?)
        };
        let rows = mode.gates().checked_mul(hidden).ok_or_else(|| Error::Argument {
            op: "recurrent",
            argument: "hidden_size",
            value: hidden.to_string(),
            expected: "a size whose gates can be addressed",
        })?;
        let output = if projection > 0 { projection } else { hidden };
        Ok(Self {
            mode,
            input_hidden: draw(&[rows, input])?,
            hidden_hidden: draw(&[rows, output])?,
            biases: if bias { Some((draw(&[rows])?, draw(&[rows])?)) } else { None },
            projection: if projection > 0 { Some(draw(&[projection, hidden])?) } else { None },
        })
    }

    /// Walks the parameters, with `suffix` behind their names.
    pub fn visit(&self, walk: &mut Walk<'_>, suffix: &str) {
        let Self { mode: _, input_hidden, hidden_hidden, biases, projection } = self;
        walk.child(&format!("weight_ih{suffix}"), input_hidden);
        walk.child(&format!("weight_hh{suffix}"), hidden_hidden);
        if let Some((input, hidden)) = biases {
            walk.child(&format!("bias_ih{suffix}"), input);
            walk.child(&format!("bias_hh{suffix}"), hidden);
        }
        walk.child(&format!("weight_hr{suffix}"), projection);
    }

    /// Numbers in all weight matrices: the multiplications of a step.
    pub fn products(&self) -> usize {
        let projection = self.projection.as_ref().map_or(0, Parameter::numel);
        self.input_hidden.numel() + self.hidden_hidden.numel() + projection
    }

    /// The sizes of h and c.
    pub fn state_sizes(&self) -> [usize; 2] {
        let output = self.hidden_hidden.shape()[1];
        let cell = self.hidden_hidden.shape()[0] / self.mode.gates();
        [output, if self.mode == Mode::Lstm { cell } else { output }]
    }

    /// What the inputs `[.., input]` add to the gates, for all steps at once.
    #[track_caller]
    pub fn gates(&self, x: &Var) -> Result<Var> {
        let bias = self.biases.as_ref().map(|(bias, _)| bias.var());
        Ok(x.linear(&self.input_hidden.var(), bias.as_ref(), Activation::Identity)?)
    }

    /// The state after a step: `gates` are those of the step's input.
    #[track_caller]
    pub fn step(&self, gates: &Var, state: &State) -> Result<State> {
        let State { h, c } = state;
        let bias = self.biases.as_ref().map(|(_, bias)| bias.var());
        let recurrent = h.linear(&self.hidden_hidden.var(), bias.as_ref(), Activation::Identity)?;
        let size = self.hidden_hidden.shape()[0] / self.mode.gates();
        let part = |gates: &Var, i: usize| gates.narrow(-1, (i * size) as isize, size);
        match self.mode {
            Mode::Tanh => Ok(gates.add(&recurrent)?.tanh()?.into()),
            Mode::Relu => Ok(gates.add(&recurrent)?.relu()?.into()),
            Mode::Gru => {
                let both = |i| -> Result<Var> { Ok(part(gates, i)?.add(&part(&recurrent, i)?)?.sigmoid()?) };
                let (reset, update) = (both(0)?, both(1)?);
                let new = part(gates, 2)?.add(&reset.mul(&part(&recurrent, 2)?)?)?.tanh()?;
                Ok(h.sub(&new)?.mul(&update)?.add(&new)?.into())
            }
            Mode::Lstm => {
                let gates = gates.add(&recurrent)?;
                let (input, forget) = (part(&gates, 0)?.sigmoid()?, part(&gates, 1)?.sigmoid()?);
                let (cell, output) = (part(&gates, 2)?.tanh()?, part(&gates, 3)?.sigmoid()?);
                let c = forget.mul(c)?.add(&input.mul(&cell)?)?;
                let h = output.mul(&c.tanh()?)?;
                let h = match &self.projection {
                    Some(weight) => h.linear(&weight.var(), None, Activation::Identity)?,
                    None => h,
                };
                Ok(State { h, c })
            }
        }
    }

    /// The outputs at all steps and the last state, where one operation has them: an LSTM without projection.
    #[track_caller]
    pub fn all_steps(&self, gates: &Var, start: &State, back: bool) -> Result<Option<(Var, State)>> {
        if self.mode != Mode::Lstm || self.projection.is_some() {
            return Ok(None);
        }
        let bias = self.biases.as_ref().map(|(_, bias)| bias.var());
        let (y, c) = gates.lstm_layer(&start.h, &start.c, &self.hidden_hidden.var(), bias.as_ref(), back)?;
        let h = y.select(0, if back { 0 } else { -1 })?;
        Ok(Some((y, State { h, c })))
    }

    /// A state of zeros for inputs whose leading dimensions are `lead`.
    pub fn zero_state(&self, lead: &[usize]) -> Result<State> {
        let zeros = |size: usize| -> Result<Var> {
            Ok(Tensor::zeros([lead, &[size]].concat(), self.input_hidden.dtype())?.into())
        };
        let [h, c] = self.state_sizes();
        Ok(State { h: zeros(h)?, c: zeros(c)? })
    }
}

/// An error unless `state` has this shape.
pub(crate) fn check_state(op: &'static str, state: &Var, expected: &[usize]) -> Result<()> {
    if state.shape()[..] == *expected {
        return Ok(());
    }
    let kind = autograd::tensor_core::ErrorKind::ShapeMismatch {
        argument: "the initial state",
        found: state.shape().clone(),
        expected: format!("{expected:?}"),
    };
    Err(autograd::tensor_core::Error::new(op, kind).into())
}

/// Settings of an [`LSTMCell`], [`GRUCell`] or [`RNNCell`].
#[derive(Debug)]
#[must_use = "build makes the cell"]
pub struct CellOptions<C> {
    mode: Mode,
    sizes: Sizes,
    cell: PhantomData<fn() -> C>,
}

impl<C> CellOptions<C> {
    /// Whether there are biases; default true.
    pub fn bias(mut self, bias: bool) -> Self {
        self.sizes.bias = bias;
        self
    }

    /// The dtype of the parameters; default f32.
    pub fn dtype(mut self, dtype: DType) -> Self {
        self.sizes.dtype = dtype;
        self
    }
}

impl CellOptions<RNNCell> {
    /// With max(·, 0) in place of tanh: `nonlinearity='relu'`.
    pub fn relu(mut self) -> Self {
        self.mode = Mode::Relu;
        self
    }
}

macro_rules! cell {
    ($(#[$doc:meta])* $name:ident, $op:literal, $mode:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            weights: Weights,
        }

        impl $name {
            /// With biases, in f32.
            ///
            /// # Errors
            /// If memory does not suffice.
            pub fn new(input_size: usize, hidden_size: usize, rng: &Rng) -> Result<Self> {
                Self::options(input_size, hidden_size).build(rng)
            }

            /// Settings beyond the common ones.
            pub fn options(input_size: usize, hidden_size: usize) -> CellOptions<Self> {
                let sizes =
                    Sizes { input: input_size, hidden: hidden_size, projection: 0, bias: true, dtype: DType::F32 };
                CellOptions { mode: $mode, sizes, cell: PhantomData }
            }

            fn step(&self, x: &Var, state: Option<State>) -> Result<State> {
                let lead = &x.shape()[..x.rank().saturating_sub(1)];
                let state = match state {
                    None => self.weights.zero_state(lead)?,
                    Some(state) => {
                        let [h, c] = self.weights.state_sizes();
                        check_state($op, &state.h, &[lead, &[h]].concat())?;
                        check_state($op, &state.c, &[lead, &[c]].concat())?;
                        state
                    }
                };
                self.weights.step(&self.weights.gates(x)?, &state)
            }
        }

        impl CellOptions<$name> {
            /// Draws the parameters and makes the cell.
            ///
            /// # Errors
            /// If the dtype is not floating-point or memory does not suffice.
            pub fn build(self, rng: &Rng) -> Result<$name> {
                Ok($name { weights: Weights::new(self.mode, self.sizes, rng)? })
            }
        }

        impl Module for $name {
            fn visit(&self, walk: &mut Walk<'_>) {
                walk.module(self, |walk| self.weights.visit(walk, ""));
            }

            fn extra_repr(&self) -> String {
                let [rows, inputs] = [0, 1].map(|dim| self.weights.input_hidden.shape()[dim]);
                format!("{inputs}, {}", rows / self.weights.mode.gates())
            }
        }
    };
}

cell! {
    /// One step of an LSTM: `nn.LSTMCell`. Input `[N, input_size]` or `[input_size]`; the states h and c are
    /// `[N, hidden_size]`. See [`LSTM`](crate::LSTM) for the formulas and names.
    LSTMCell, "LSTMCell", Mode::Lstm
}
cell! {
    /// One step of a gated recurrent unit: `nn.GRUCell`. Input `[N, input_size]` or `[input_size]`; the state is
    /// `[N, hidden_size]`. See [`GRU`](crate::GRU) for the formulas and names.
    GRUCell, "GRUCell", Mode::Gru
}
cell! {
    /// One step of Elman's network, h' = tanh(W_ih x + b_ih + W_hh h + b_hh): `nn.RNNCell`. Input `[N, input_size]` or
    /// `[input_size]`; the state is `[N, hidden_size]`.
    RNNCell, "RNNCell", Mode::Tanh
}

impl LSTMCell {
    /// The states (h, c) after the step; `state` is zeros if not given.
    ///
    /// # Errors
    /// If the shapes or dtypes do not fit.
    #[track_caller]
    pub fn forward(&self, x: &Var, state: Option<(&Var, &Var)>) -> Result<(Var, Var)> {
        let state = state.map(|(h, c)| State { h: h.clone(), c: c.clone() });
        let State { h, c } = self.step(x, state).of(self)?;
        Ok((h, c))
    }
}

macro_rules! single_state {
    ($($name:ident),*) => {$(
        impl $name {
            /// The state after the step; `state` is zeros if not given.
            ///
            /// # Errors
            /// If the shapes or dtypes do not fit.
            #[track_caller]
            pub fn forward(&self, x: &Var, state: Option<&Var>) -> Result<Var> {
                Ok(self.step(x, state.cloned().map(State::from)).of(self)?.h)
            }
        }
    )*};
}
single_state!(GRUCell, RNNCell);
