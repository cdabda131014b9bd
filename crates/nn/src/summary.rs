//! A table of a model's modules: what each puts out, holds and costs.

use crate::{Layer, Module, ModuleId, Part, Result, Walk, register_module_forward_hook};
use autograd::{Shape, Var, no_grad};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// One module of a [`Summary`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SummaryRow {
    /// The module's name; empty for the model itself.
    pub path: String,
    /// Its type.
    pub type_name: &'static str,
    /// How many modules it stands in.
    pub depth: usize,
    /// The shape of its output in its last call; None if it was not called as a layer.
    pub output: Option<Shape>,
    /// The numbers in its own parameters, those of the modules inside left out.
    pub parameters: usize,
    /// Of these, the trained ones.
    pub trainable: usize,
    /// Multiplications with an addition in all its calls, those of the modules inside left out.
    pub multiply_adds: usize,
}

/// What [`summary`] returns; it prints as a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// A row a module, in the order of declaration, the model itself first. A parameter in several modules counts in the
    /// first.
    pub rows: Vec<SummaryRow>,
}

impl Summary {
    /// The numbers in all parameters.
    pub fn parameters(&self) -> usize {
        self.rows.iter().map(|row| row.parameters).sum()
    }

    /// Of these, the trained ones.
    pub fn trainable(&self) -> usize {
        self.rows.iter().map(|row| row.trainable).sum()
    }

    /// Multiplications with an addition of one forward.
    pub fn multiply_adds(&self) -> usize {
        self.rows.iter().map(|row| row.multiply_adds).sum()
    }
}

/// Layers, output shapes, parameters and multiply-adds of a model, from one forward in evaluation mode without
/// gradients.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor, tensor_core::Rng};
///
/// let rng = Rng::seed(0);
/// let model = sequential![Conv2d::new(1, 4, 3, &rng)?, ReLU, Flatten::new(), Linear::new(144, 10, &rng)?];
/// let summary = nn::summary(&model, &Tensor::zeros([2, 1, 8, 8], DType::F32)?.into())?;
/// assert_eq!(summary.parameters(), 4 * 9 + 4 + 1440 + 10);
/// assert_eq!(summary.multiply_adds(), 2 * (36 * 36 + 1440));
/// assert_eq!(summary.rows[1].output.as_ref().unwrap().to_string(), "[2, 4, 6, 6]");
/// println!("{summary}");
/// # Ok::<(), nn::Error>(())
/// ```
///
/// # Errors
/// Those of the forward.
pub fn summary(model: &(impl Layer + ?Sized), input: &Var) -> Result<Summary> {
    summary_of(model, || model.forward(input).map(drop))
}

/// As [`summary`], for a model of several inputs: `forward` calls it.
///
/// # Errors
/// Those of `forward`.
pub fn summary_of(model: &(impl Module + ?Sized), forward: impl FnOnce() -> Result<()>) -> Result<Summary> {
    let calls = Rc::new(RefCell::new(Vec::<(ModuleId, Shape, usize)>::new()));
    let seen = Rc::clone(&calls);
    let hook = register_module_forward_hook(move |module, input, output| {
        let cost = module.multiply_adds(input.shape(), output.shape());
        seen.borrow_mut().push((module.id(), output.shape().clone(), cost));
        None
    });
    let result = in_evaluation(model, || no_grad(forward));
    drop(hook);
    result?;

    let (mut rows, mut open, mut counted) = (Vec::<SummaryRow>::new(), Vec::new(), Vec::new());
    model.visit(&mut Walk::new(&mut |path, part| match part {
        Part::Module(module) => {
            let id = module.id();
            let calls = calls.borrow();
            let own = || calls.iter().filter(|(called, ..)| *called == id);
            open.push(rows.len());
            rows.push(SummaryRow {
                path: path.to_string(),
                type_name: module.type_name(),
                depth: open.len() - 1,
                output: own().next_back().map(|(_, shape, _)| shape.clone()),
                parameters: 0,
                trainable: 0,
                multiply_adds: own().map(|(.., cost)| cost).sum(),
            });
        }
        Part::ModuleEnd(_) => drop(open.pop()),
        Part::Parameter(parameter) if !counted.iter().any(|seen| parameter.is(seen)) => {
            counted.push(parameter.clone());
            if let Some(row) = open.last().and_then(|&row| rows.get_mut(row)) {
                row.parameters += parameter.numel();
                row.trainable += if parameter.requires_grad() { parameter.numel() } else { 0 };
            }
        }
        _ => {}
    }));
    Ok(Summary { rows })
}

/// Runs `f` with all layers in evaluation, and sets each back to where it was.
fn in_evaluation<R>(model: &(impl Module + ?Sized), f: impl FnOnce() -> R) -> R {
    let mut before = Vec::new();
    model.visit(&mut Walk::new(&mut |_, part| {
        if let Part::Training(switch) = part {
            before.push(switch.get());
            switch.set(false);
        }
    }));
    let result = f();
    let mut before = before.into_iter();
    model.visit(&mut Walk::new(&mut |_, part| {
        if let Part::Training(switch) = part {
            switch.set(before.next().unwrap_or(true));
        }
    }));
    result
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |row: &SummaryRow| {
            let own = row.path.rsplit('.').next().unwrap_or_default();
            let indent = "  ".repeat(row.depth);
            if own.is_empty() {
                row.type_name.to_string()
            } else {
                format!("{indent}{own}: {}", row.type_name)
            }
        };
        let width = self.rows.iter().map(|row| name(row).chars().count()).max().unwrap_or(0).max(5);
        writeln!(f, "{:width$}  {:>20}  {:>12}  {:>15}", "layer", "output", "parameters", "multiply-adds")?;
        for row in &self.rows {
            let output = row.output.as_ref().map_or_else(|| "-".to_string(), Shape::to_string);
            let (own, cost) = (row.parameters, row.multiply_adds);
            writeln!(f, "{:width$}  {output:>20}  {own:>12}  {cost:>15}", name(row))?;
        }
        let frozen = self.parameters() - self.trainable();
        write!(
            f,
            "{} parameters, {frozen} of them frozen; {} multiply-adds",
            self.parameters(),
            self.multiply_adds()
        )
    }
}
