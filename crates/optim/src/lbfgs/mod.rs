//! L-BFGS.

mod flat;
mod line_search;
mod saved;

use crate::group::NamedParameter;
use crate::hook::{Hooks, When};
use crate::{Dict, Error, Invalid, Optimizer, OptionValue, Options, Result, StateDict, Value};
use flat::Flat;
use line_search::{Point, strong_wolfe};
use std::panic::Location;
use tensor_core::Tensor;

const NAME: &str = "LBFGS";

crate::options! {
    /// Options of [`LBFGS`].
    pub struct LBFGSOptions {
        /// Learning rate: the length of a step along the direction, or where the line search begins.
        lr: f64 = 1.0,
        /// Most iterations of a step.
        max_iter: usize = 20,
        /// Most evaluations of the closure in a step; `None` for `max_iter * 5 / 4`.
        max_eval: Option<usize> = None,
        /// The largest absolute gradient at which a step ends.
        tolerance_grad: f64 = 1e-7,
        /// The change of loss or parameters at which a step ends.
        tolerance_change: f64 = 1e-9,
        /// Number of earlier directions that shape the next.
        history_size: usize = 100,
        /// How the length of a step is found; `None` takes `lr`.
        line_search_fn: Option<LineSearch> = None,
        /// Whether to climb.
        maximize: bool = false,
    }
}

/// How [`LBFGS`] finds the length of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineSearch {
    /// `strong_wolfe`: until loss and slope fall enough.
    StrongWolfe,
}

impl OptionValue for LineSearch {
    const EXPECTED: &'static str = "strong_wolfe";

    fn to_value(&self) -> Value {
        Value::Str("strong_wolfe".into())
    }

    fn from_value(value: &Value) -> Option<Self> {
        matches!(value, Value::Str(name) if name == "strong_wolfe").then_some(Self::StrongWolfe)
    }
}

/// L-BFGS: `torch.optim.LBFGS`. It steps along `-H g`, where `H`, an estimate of the inverse of the Hessian, is the
/// product of the last `history_size` changes of point (`s`) and gradient (`y`):
///
/// ```text
/// q = -g;  newest to oldest:  α = s·q / y·s,  q = q - α y
/// d = q * (y·s / y·y of the newest);  oldest to newest:  d = d + s (α - y·d / y·s)
/// x = x + t d
/// ```
///
/// A step makes up to `max_iter` of these and evaluates the closure at each point, so it needs
/// [`step_with`](Optimizer::step_with). The vectors run over all parameters together, which must have one dtype; there
/// is one group. Keeps under the first parameter what PyTorch keeps. Liu and Nocedal, "On the limited memory BFGS
/// method for large scale optimization" (1989); the line search: Nocedal and Wright, "Numerical Optimization",
/// algorithms 3.5 and 3.6, as in minFunc.
///
/// ```
/// use autograd::{Parameter, Tensor};
/// use optim::{LBFGS, LBFGSOptions, LineSearch, Optimizer};
///
/// let w = Parameter::new(Tensor::from_vec(vec![1.5f64, 1.5], [2])?)?;
/// let search = Some(LineSearch::StrongWolfe);
/// let mut opt = LBFGS::new([w.clone()], LBFGSOptions { line_search_fn: search, ..Default::default() })?;
/// for _ in 0..3 {
///     opt.step_with(|| -> optim::Result<_> {
///         w.zero_grad();
///         let loss = w.var().sub_scalar(1.0)?.pow_scalar(4.0)?.sum()?;
///         loss.backward()?;
///         Ok(loss)
///     })?;
/// }
/// assert!(w.value().to_vec::<f64>()?.iter().all(|w| (w - 1.0).abs() < 1e-2));
/// # Ok::<(), optim::Error>(())
/// ```
#[derive(Debug)]
pub struct LBFGS {
    /// The options, which may be changed between steps.
    pub options: LBFGSOptions,
    /// What a loaded group held beside options and parameters; it is saved again.
    pub extra: Dict,
    members: Vec<NamedParameter>,
    hooks: Hooks,
    kept: Kept,
}

/// What is kept between steps.
#[derive(Clone, Debug, Default)]
struct Kept {
    func_evals: usize,
    n_iter: usize,
    last: Option<Last>,
    history: Vec<Change>,
    /// Scale of the first estimate, `H_diag`.
    scale: f64,
}

/// The last iteration.
#[derive(Clone, Debug)]
struct Last {
    direction: Flat,
    length: f64,
    grad: Flat,
    loss: f64,
}

/// A change of gradient (`y`) and point (`s`), and `1 / y·s`.
#[derive(Clone, Debug)]
struct Change {
    y: Flat,
    s: Flat,
    ro: f64,
}

type Closure<'a> = &'a mut dyn FnMut() -> Result<f64>;

impl LBFGS {
    /// An optimizer over these parameters, or `(name, parameter)` pairs.
    ///
    /// # Errors
    /// If there is no parameter, they differ in dtype, or an option is out of its range.
    #[track_caller]
    pub fn new(
        params: impl IntoIterator<Item = impl Into<NamedParameter>>,
        options: impl Into<LBFGSOptions>,
    ) -> Result<Self> {
        let (mut options, location) = (options.into(), Location::caller());
        check(&options).map_err(|invalid| invalid.of(NAME, location))?;
        let members = NamedParameter::list(params);
        let Some(first) = members.first() else { return Err(Error::Empty { optimizer: NAME, location }) };
        if members.iter().any(|member| member.name.is_some() != first.name.is_some()) {
            return Err(Error::Names { optimizer: NAME, location });
        }
        let dtype = first.parameter.dtype();
        if let Some(other) = members.iter().find(|member| member.parameter.dtype() != dtype) {
            let value = format!("{dtype} and {}", other.parameter.dtype());
            let invalid = Invalid { what: "parameters", value, expected: "parameters of one dtype" };
            return Err(invalid.of(NAME, location));
        }
        options.max_eval.get_or_insert(options.max_iter * 5 / 4);
        let (hooks, kept) = (Hooks::default(), Kept::default());
        Ok(Self { options, extra: Dict::new(), members, hooks, kept })
    }

    fn minimize(&mut self, closure: Closure<'_>) -> Result<f64> {
        let LBFGSOptions { max_iter, tolerance_grad, tolerance_change, .. } = self.options;
        let max_eval = self.options.max_eval.unwrap_or(max_iter * 5 / 4);
        let original = closure()?;
        let (mut loss, mut grad) = (self.signed(original), self.gather()?);
        let mut evals = 1;
        self.kept.func_evals += 1;
        if grad.abs_max()? <= tolerance_grad {
            return Ok(original);
        }
        for iteration in 1..=max_iter {
            self.kept.n_iter += 1;
            let first = self.kept.n_iter == 1;
            let direction = if first { self.restart(&grad)? } else { self.direction(&grad)? };
            let lr = self.options.lr;
            let mut length = if first { f64::min(1.0, 1.0 / grad.abs_sum()?) * lr } else { lr };
            let before = loss;
            let slope = grad.dot(&direction)?;
            let last_grad = grad.clone();
            let mut flat = slope > -tolerance_change;
            if !flat {
                let mut made = 0;
                if self.options.line_search_fn.is_some() {
                    let start = Point { t: 0.0, f: loss, g: grad.clone(), slope };
                    let room = max_eval.saturating_sub(evals);
                    let found = self.search(closure, &direction, start, length, room, &mut made)?;
                    (loss, grad, length) = (found.f, found.g, found.t);
                    self.move_by(length, &direction)?;
                } else {
                    self.move_by(length, &direction)?;
                    if iteration != max_iter {
                        let value = closure()?;
                        (loss, grad, made) = (self.signed(value), self.gather()?, 1);
                    }
                }
                evals += made;
                self.kept.func_evals += made;
                flat = evals >= max_eval
                    || grad.abs_max()? <= tolerance_grad
                    || direction.abs_max()? * length.abs() <= tolerance_change
                    || (loss - before).abs() < tolerance_change;
            }
            self.kept.last = Some(Last { direction, length, grad: last_grad, loss: before });
            if flat {
                break;
            }
        }
        Ok(original)
    }

    /// The first direction: the gradient, turned around.
    fn restart(&mut self, grad: &Flat) -> Result<Flat> {
        self.kept.history.clear();
        self.kept.scale = 1.0;
        grad.scaled(-1.0)
    }

    /// Takes the last change into the history and applies the estimate of the inverse Hessian to `-grad`.
    fn direction(&mut self, grad: &Flat) -> Result<Flat> {
        let Kept { last, history, scale, .. } = &mut self.kept;
        if let Some(last) = last {
            let y = grad.sub(&last.grad)?;
            let s = last.direction.scaled(last.length)?;
            let ys = y.dot(&s)?;
            // Less would make the estimate indefinite.
            if ys > 1e-10 {
                if history.len() >= self.options.history_size.max(1) {
                    history.remove(0);
                }
                *scale = ys / y.dot(&y)?;
                history.push(Change { y, s, ro: 1.0 / ys });
            }
        }
        let mut d = grad.scaled(-1.0)?;
        let mut shares = Vec::with_capacity(history.len());
        for change in history.iter().rev() {
            let share = change.s.dot(&d)? * change.ro;
            d.add_scaled(-share, &change.y)?;
            shares.push(share);
        }
        d = d.scaled(*scale)?;
        for (change, share) in history.iter().zip(shares.into_iter().rev()) {
            let back = change.y.dot(&d)? * change.ro;
            d.add_scaled(share - back, &change.s)?;
        }
        Ok(d)
    }

    /// The line search along `direction`; the parameters are where they were afterwards.
    fn search(
        &self,
        closure: Closure<'_>,
        direction: &Flat,
        start: Point,
        length: f64,
        room: usize,
        made: &mut usize,
    ) -> Result<Point> {
        let x: Vec<Tensor> = self.members.iter().map(|member| member.parameter.value()).collect();
        let mut evaluate = |t: f64| {
            self.move_by(t, direction)?;
            *made += 1;
            let f = self.signed(closure()?);
            let g = self.gather()?;
            for (member, x) in self.members.iter().zip(&x) {
                member.parameter.set_value(x.clone())?;
            }
            let slope = g.dot(direction)?;
            Ok(Point { t, f, g, slope })
        };
        let reach = direction.abs_max()?;
        strong_wolfe(&mut evaluate, start, length, reach, self.options.tolerance_change, room)
    }

    /// The loss to minimize.
    fn signed(&self, loss: f64) -> f64 {
        if self.options.maximize { -loss } else { loss }
    }

    /// All gradients in one vector; zeros where there is none.
    fn gather(&self) -> Result<Flat> {
        let grads = self.members.iter().map(|member| {
            let parameter = &member.parameter;
            let grad = if parameter.requires_grad() { parameter.grad() } else { None };
            grad.map_or_else(|| Tensor::zeros(parameter.shape(), parameter.dtype()), Ok)
        });
        let flat = Flat::join(grads)?;
        if self.options.maximize { flat.scaled(-1.0) } else { Ok(flat) }
    }

    /// Moves the parameters by `t * direction`.
    fn move_by(&self, t: f64, direction: &Flat) -> Result<()> {
        let mut offset = 0;
        for NamedParameter { parameter, .. } in &self.members {
            parameter.update(|value| direction.add_part(offset, t, value))?;
            offset += parameter.numel();
        }
        Ok(())
    }
}

fn check(options: &LBFGSOptions) -> Result<(), Invalid> {
    Invalid::unless(options.lr >= 0.0, "learning rate", options.lr, "lr >= 0")?;
    Invalid::unless(options.history_size > 0, "history_size", options.history_size, "history_size >= 1")
}

impl Optimizer for LBFGS {
    fn name(&self) -> &'static str {
        NAME
    }

    #[track_caller]
    fn step(&mut self) -> Result<()> {
        Err(Error::ClosureRequired { optimizer: NAME, location: Location::caller() })
    }

    fn step_closure(&mut self, closure: Closure<'_>) -> Result<f64> {
        Hooks::run(self, When::Before)?;
        let loss = self.minimize(closure)?;
        Hooks::run(self, When::After)?;
        Ok(loss)
    }

    fn named_parameters(&self) -> Vec<NamedParameter> {
        self.members.clone()
    }

    fn options(&self) -> Vec<&dyn Options> {
        vec![&self.options]
    }

    fn options_mut(&mut self) -> Vec<&mut dyn Options> {
        vec![&mut self.options]
    }

    fn hooks(&mut self) -> &mut Hooks {
        &mut self.hooks
    }

    fn state_dict(&self) -> Result<StateDict> {
        self.save()
    }

    #[track_caller]
    fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        let location = Location::caller();
        self.load(state).map_err(|reason| reason.of(NAME, location))
    }
}
