//! The optimizer over a rule: groups, state, hooks and the loop over all parameters, once for all rules.

use crate::group::Member;
use crate::hook::{Hooks, When};
use crate::{
    Error, NamedParameter, Optimizer, Options, ParamGroup, Result, Rule, StateDict, Step, half, saved,
};
use std::panic::Location;
use tensor_core::step::Real;
use tensor_core::{DType, Tensor};

/// An optimizer that moves each parameter by the rule `R`: [`SGD`](crate::SGD), [`Adam`](crate::Adam) and most others
/// are names of it. See [`Optimizer`] for what it does and [`Rule`] for a rule of one's own.
///
/// A step is one pass over the memory of parameters, gradients and state, in place, with all parameters in one
/// parallel loop; the result does not depend on the number of threads.
#[derive(Debug)]
pub struct PerParameter<R> {
    groups: Vec<ParamGroup<R>>,
    hooks: Hooks,
}

impl<R: Rule> PerParameter<R> {
    /// An optimizer over these parameters (or `(name, parameter)` pairs) with one group under these options:
    /// `Adam::new(model.parameters(), 1e-3)`, `SGD::new(params, SGDOptions { momentum: 0.9, ..0.1.into() })`.
    ///
    /// # Errors
    /// If there is no parameter, an option is out of its range, or the rule does not take a parameter's shape.
    #[track_caller]
    pub fn new(
        params: impl IntoIterator<Item = impl Into<NamedParameter>>,
        options: impl Into<R>,
    ) -> Result<Self> {
        Self::build([ParamGroup::new(params, options)], Location::caller())
    }

    /// An optimizer over groups with options of their own.
    ///
    /// # Errors
    /// As [`new`](PerParameter::new), and if a parameter is in two groups.
    #[track_caller]
    pub fn with_groups(groups: impl IntoIterator<Item = ParamGroup<R>>) -> Result<Self> {
        Self::build(groups, Location::caller())
    }

    fn build(
        groups: impl IntoIterator<Item = ParamGroup<R>>,
        location: &'static Location<'static>,
    ) -> Result<Self> {
        let mut built = Self { groups: Vec::new(), hooks: Hooks::default() };
        for group in groups {
            group.check(&built.groups, location)?;
            built.groups.push(group);
        }
        if built.groups.is_empty() {
            return Err(Error::Empty { optimizer: R::NAME, location });
        }
        Ok(built)
    }

    /// Adds a group, for parameters that join the training later.
    ///
    /// # Errors
    /// As [`with_groups`](PerParameter::with_groups); the optimizer is then unchanged.
    #[track_caller]
    pub fn add_param_group(&mut self, group: ParamGroup<R>) -> Result<()> {
        group.check(&self.groups, Location::caller())?;
        self.groups.push(group);
        Ok(())
    }

    /// The groups.
    pub fn groups(&self) -> &[ParamGroup<R>] {
        &self.groups
    }

    /// The groups, whose options may be changed.
    pub fn groups_mut(&mut self) -> &mut [ParamGroup<R>] {
        &mut self.groups
    }

    fn apply(&mut self) -> Result<()> {
        let mut jobs = Vec::with_capacity(self.groups.iter().map(|group| group.members.len()).sum());
        for group in &mut self.groups {
            for member in &mut group.members {
                let parameter = &member.named.parameter;
                let grad = if parameter.requires_grad() { parameter.grad() } else { None };
                if let Some(grad) = grad {
                    jobs.push(Job { options: &group.options, member, grad, result: Ok(()) });
                }
            }
        }
        tensor_core::step::for_each(&mut jobs, |job| job.grad.numel(), Job::run);
        jobs.into_iter().try_for_each(|job| job.result)
    }
}

/// The step of one parameter.
struct Job<'a, R> {
    options: &'a R,
    member: &'a mut Member,
    grad: Tensor,
    result: Result<()>,
}

impl<R: Rule> Job<'_, R> {
    fn run(&mut self) {
        self.result = match self.grad.dtype() {
            DType::F64 => self.update::<f64>(),
            _ => self.update::<f32>(),
        };
    }

    fn update<F: Real>(&mut self) -> Result<()> {
        let Member { named, kept } = &mut *self.member;
        let parameter = &named.parameter;
        let grad = half::widened(&self.grad)?.contiguous()?;
        let grad = grad.as_slice::<F>()?;
        let (optimizer, slots) = (R::NAME, self.options.state(parameter.shape()));
        let mut step = |value: &mut Tensor| {
            let (param, shape) = (value.as_slice_mut::<F>()?, parameter.shape());
            self.options.update(&mut Step { param, grad, shape, kept, optimizer, slots })
        };
        parameter.update(|value| half::update(value, &mut step))
    }
}

impl<R: Rule> Optimizer for PerParameter<R> {
    fn name(&self) -> &'static str {
        R::NAME
    }

    fn step(&mut self) -> Result<()> {
        Hooks::run(self, When::Before)?;
        self.apply()?;
        Hooks::run(self, When::After)
    }

    fn step_closure(&mut self, closure: &mut dyn FnMut() -> Result<f64>) -> Result<f64> {
        Hooks::run(self, When::Before)?;
        let loss = closure()?;
        self.apply()?;
        Hooks::run(self, When::After)?;
        Ok(loss)
    }

    fn named_parameters(&self) -> Vec<NamedParameter> {
        self.groups.iter().flat_map(|group| group.parameters().cloned()).collect()
    }

    fn options(&self) -> Vec<&dyn Options> {
        self.groups.iter().map(|group| &group.options as &dyn Options).collect()
    }

    fn options_mut(&mut self) -> Vec<&mut dyn Options> {
        self.groups.iter_mut().map(|group| &mut group.options as &mut dyn Options).collect()
    }

    fn hooks(&mut self) -> &mut Hooks {
        &mut self.hooks
    }

    fn zero_grad(&self) {
        let members = self.groups.iter().flat_map(|group| &group.members);
        members.for_each(|member| member.named.parameter.zero_grad());
    }

    fn state_dict(&self) -> Result<StateDict> {
        saved::save(&self.groups)
    }

    #[track_caller]
    fn load_state_dict(&mut self, state: &StateDict) -> Result<()> {
        let location = Location::caller();
        saved::load(&mut self.groups, state).map_err(|reason| reason.of(R::NAME, location))
    }
}
