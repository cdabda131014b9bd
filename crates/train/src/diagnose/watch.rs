//! Hooks on the model and the optimizer while the loop runs.

use super::{Finding, gradient_ratios};
use crate::Result;
use autograd::{DType, HookHandle, Parameter, Var, is_grad_enabled};
use nn::{ForwardHook, Module, ModuleId, Part, Walk, register_module_forward_hook};
use optim::{HookId, Optimizer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// What the hooks have found.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<Finding>>>);

impl Notes {
    fn extend(&self, findings: impl IntoIterator<Item = Finding>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(findings);
    }

    fn take(&self) -> Vec<Finding> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

pub(super) struct Watch {
    notes: Notes,
    around_steps: [HookId; 2],
    on_gradients: Vec<HookHandle>,
    on_layers: ForwardHook<'static>,
    parameters: Vec<(String, Parameter)>,
    /// Whether the optimizer has made a step.
    stepped: Arc<AtomicBool>,
}

impl Watch {
    pub fn begin(model: &(impl Module + ?Sized), optimizer: &mut (impl Optimizer + ?Sized)) -> Result<Self> {
        let notes = Notes::default();
        let mut parameters = model.named_parameters();
        parameters.retain(|(_, parameter)| parameter.requires_grad());
        let mut on_gradients = Vec::new();
        let mut old = Vec::new();
        for (name, parameter) in &parameters {
            let is_old = Arc::new(AtomicBool::new(false));
            on_gradients.push(watch_gradient(name, parameter, &is_old, &notes)?);
            old.push(is_old);
        }
        let stepped = Arc::new(AtomicBool::new(false));
        let around_steps = watch_steps(optimizer, &parameters, old, &stepped, &notes);
        let on_layers = watch_layers(model, &notes);
        Ok(Self { notes, around_steps, on_gradients, on_layers, parameters, stepped })
    }

    /// Takes the hooks away.
    pub fn end(self, optimizer: &mut (impl Optimizer + ?Sized)) -> Vec<Finding> {
        for hook in self.around_steps {
            optimizer.remove_hook(hook);
        }
        self.on_gradients.into_iter().for_each(HookHandle::remove);
        drop(self.on_layers);
        if !self.stepped.load(Ordering::Relaxed) {
            // Gradients of a body without a step.
            self.notes.extend(gradient_ratios(&self.parameters).unwrap_or_default());
        }
        self.notes.take()
    }
}

/// The first gradient after a step finds none of before.
fn watch_gradient(
    name: &str,
    parameter: &Parameter,
    is_old: &Arc<AtomicBool>,
    notes: &Notes,
) -> Result<HookHandle> {
    let (name, is_old, notes) = (name.to_string(), Arc::clone(is_old), notes.clone());
    let watched = parameter.clone();
    Ok(parameter.var().register_hook(move |_| {
        if is_old.swap(false, Ordering::Relaxed) && watched.grad().is_some_and(|grad| has_values(&grad)) {
            notes.extend([Finding::NotCleared { parameter: name.clone() }]);
        }
        None
    })?)
}

/// Whether a gradient is more than the zeros of `zero_grad_keep`.
fn has_values(grad: &autograd::Tensor) -> bool {
    let values = grad.to_dtype(DType::F64).and_then(|grad| grad.to_vec::<f64>());
    values.is_ok_and(|values| values.iter().any(|x| *x != 0.0))
}

fn watch_steps(
    optimizer: &mut (impl Optimizer + ?Sized),
    parameters: &[(String, Parameter)],
    old: Vec<Arc<AtomicBool>>,
    stepped: &Arc<AtomicBool>,
    notes: &Notes,
) -> [HookId; 2] {
    let rates = |optimizer: &dyn Optimizer| optimizer.options().iter().map(|o| o.lr()).collect::<Vec<_>>();
    let first_rates: Vec<f64> = optimizer.options().iter().map(|options| options.lr()).collect();
    let (parameters, stepped, notes) = (parameters.to_vec(), Arc::clone(stepped), notes.clone());
    let before = optimizer.register_step_pre_hook(Box::new(move |optimizer| {
        if !stepped.swap(true, Ordering::Relaxed) {
            notes.extend((rates(optimizer) != first_rates).then_some(Finding::ScheduleFirst));
            notes.extend(gradient_ratios(&parameters)?);
        }
        Ok(())
    }));
    let after = optimizer.register_step_post_hook(Box::new(move |_| {
        old.iter().for_each(|is_old| is_old.store(true, Ordering::Relaxed));
        Ok(())
    }));
    [before, after]
}

/// The switch of a module itself, not of those in it.
fn own_switch(module: &dyn Module) -> Option<bool> {
    let (mut depth, mut switch) = (0usize, None);
    module.visit(&mut Walk::new(&mut |_, part| match part {
        Part::Module(_) => depth += 1,
        Part::ModuleEnd(_) => depth -= 1,
        Part::Training(training) if depth == 1 => switch = Some(training.get()),
        _ => {}
    }));
    switch
}

fn watch_layers(model: &(impl Module + ?Sized), notes: &Notes) -> ForwardHook<'static> {
    let mut names: Vec<(ModuleId, String)> = Vec::new();
    model.visit(&mut Walk::new(&mut |path, part| {
        if let Part::Module(module) = part {
            names.push((module.id(), path.to_string()));
        }
    }));
    let notes = notes.clone();
    register_module_forward_hook(move |module, _, output| {
        let id = module.id();
        let name = names.iter().find(|(known, _)| *known == id).map(|(_, name)| name.clone());
        if let (Some(layer), Some(training)) = (name, own_switch(module)) {
            watch_output(layer, training, output, &notes);
        }
        None
    })
}

/// Evaluation with gradients recorded is no mistake yet: it is one where a gradient comes back.
fn watch_output(layer: String, training: bool, output: &Var, notes: &Notes) {
    match (training, is_grad_enabled()) {
        (true, false) => notes.extend([Finding::TrainInValidation { layer }]),
        (false, true) if output.requires_grad() => {
            let notes = notes.clone();
            // It is tracked, so the hook is taken; it goes with the graph.
            let _ = output.register_hook(move |_| {
                notes.extend([Finding::EvalInTraining { layer: layer.clone() }]);
                None
            });
        }
        _ => {}
    }
}
