//! What every model is: a tree of parts that can be walked.

use crate::state_dict::{self, IncompatibleKeys, StateDict};
use crate::{Buffer, ModuleId, Part, Result, Walk, repr};
use autograd::{Parameter, Shape};
use std::any::Any;

/// A layer, a model, or a part of one: something that may hold parameters.
///
/// `#[derive(Module)]` writes [`visit`](Module::visit) over all fields, so that no parameter can be forgotten:
///
/// ```
/// use nn::prelude::*;
/// use autograd::{Var, tensor_core::Rng};
///
/// #[derive(Module)]
/// struct Net {
///     hidden: Linear,
///     output: Linear,
/// }
///
/// impl Layer for Net {
///     fn compute(&self, x: &Var) -> nn::Result<Var> {
///         self.output.forward(&self.hidden.forward(x)?.relu()?)
///     }
/// }
///
/// let rng = Rng::seed(0);
/// let net = Net { hidden: Linear::new(4, 8, &rng)?, output: Linear::new(8, 2, &rng)? };
/// let names: Vec<String> = net.named_parameters().into_iter().map(|(name, _)| name).collect();
/// assert_eq!(names, ["hidden.weight", "hidden.bias", "output.weight", "output.bias"]);
/// assert_eq!(net.num_parameters(), 4 * 8 + 8 + 8 * 2 + 2);
/// # Ok::<(), nn::Error>(())
/// ```
///
/// Fields may be modules, [`Parameter`]s, [`Buffer`]s, [`Training`](crate::Training) switches, numbers, `bool`,
/// `String` and [`Rng`](autograd::tensor_core::Rng), and `Option`, `Box`, `Arc`, `Vec`, arrays and tuples of these.
/// A field of any other type does not compile, since parameters in it would never be trained:
///
/// ```compile_fail
/// #[derive(nn::Module)]
/// struct Net {
///     cache: std::sync::Mutex<f32>,
/// }
/// ```
///
/// unless it derives `Module` itself, or is marked as holding no parameters with `#[module(skip)]`:
///
/// ```
/// #[derive(nn::Module)]
/// struct Net {
///     #[module(skip)]
///     cache: std::sync::Mutex<f32>,
/// }
/// ```
///
/// All methods take `&self`: a model is shared, not moved, between the loop, the optimizer and the evaluation.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a module",
    label = "parameters in here would never be trained",
    note = "a trained value is a `Parameter`, another saved tensor a `Buffer`",
    note = "a type that holds parameters derives `Module`; a field that holds none is marked `#[module(skip)]`"
)]
pub trait Module: Any + Send + Sync {
    /// Tells `walk` of each part, in the order of declaration.
    fn visit(&self, walk: &mut Walk<'_>);

    /// The name of the type: `Linear`.
    fn type_name(&self) -> &'static str {
        let full = std::any::type_name::<Self>();
        let path = full.split('<').next().unwrap_or(full);
        path.rsplit("::").next().unwrap_or(path)
    }

    /// What tells this module from all others, as long as it is not moved.
    fn id(&self) -> ModuleId {
        ModuleId::new(self)
    }

    /// Multiplications with an addition that a forward from an input of one shape to an output of the other takes, those
    /// of the modules inside left out: what [`summary`](crate::summary) adds up. Default: none, as for what is cheap.
    fn multiply_adds(&self, _input: &Shape, _output: &Shape) -> usize {
        0
    }

    /// The settings that [`repr`](Module::repr) prints: `in_features=64, out_features=10, bias=true`.
    fn extra_repr(&self) -> String {
        String::new()
    }

    /// The modules as an indented tree, laid out as PyTorch prints it.
    fn repr(&self) -> String {
        repr::tree(|walk| self.visit(walk))
    }

    /// The parameters with their names. A parameter that several modules share comes once, under its first name.
    fn named_parameters(&self) -> Vec<(String, Parameter)> {
        let mut found: Vec<(String, Parameter)> = Vec::new();
        self.visit(&mut Walk::new(&mut |path, part| match part {
            Part::Parameter(p) if !found.iter().any(|(_, seen)| seen.is(p)) => {
                found.push((path.to_string(), p.clone()));
            }
            _ => {}
        }));
        found
    }

    /// The parameters, each once: what an optimizer is made with.
    fn parameters(&self) -> Vec<Parameter> {
        self.named_parameters().into_iter().map(|(_, parameter)| parameter).collect()
    }

    /// The number of trained numbers, those of a shared parameter counted once, frozen ones included.
    fn num_parameters(&self) -> usize {
        self.named_parameters().iter().map(|(_, parameter)| parameter.numel()).sum()
    }

    /// The buffers with their names, each once.
    fn named_buffers(&self) -> Vec<(String, Buffer)> {
        let mut found: Vec<(String, Buffer)> = Vec::new();
        self.visit(&mut Walk::new(&mut |path, part| match part {
            Part::Buffer(b) if !found.iter().any(|(_, seen)| seen.is(b)) => {
                found.push((path.to_string(), b.clone()));
            }
            _ => {}
        }));
        found
    }

    /// The buffers, each once.
    fn buffers(&self) -> Vec<Buffer> {
        self.named_buffers().into_iter().map(|(_, buffer)| buffer).collect()
    }

    /// All parameters and persistent buffers under PyTorch's names; a shared parameter is there under each of its
    /// names. It is a snapshot: later steps do not change it.
    fn state_dict(&self) -> StateDict {
        state_dict::collect(|walk| self.visit(walk))
    }

    /// Takes parameters and buffers over from `state`, converted to the dtypes that are here.
    ///
    /// With `strict` the names must be the same on both sides; without, names on one side only are returned.
    ///
    /// # Errors
    /// [`Error::StateDict`](crate::Error::StateDict), which lists the names that are missing, those that are not
    /// expected and the shapes that differ. The module is then unchanged.
    fn load_state_dict(&self, state: &StateDict, strict: bool) -> Result<IncompatibleKeys> {
        state_dict::load(self.type_name(), |walk| self.visit(walk), state, strict)
    }

    /// Switches all layers to training: dropout drops, batch norm uses and follows the batch. Modules start so.
    fn train(&self) {
        self.set_training(true);
    }

    /// Switches all layers to evaluation: dropout does nothing, batch norm uses its running statistics.
    fn eval(&self) {
        self.set_training(false);
    }

    /// [`train`](Module::train) or [`eval`](Module::eval).
    fn set_training(&self, training: bool) {
        self.visit(&mut Walk::new(&mut |_, part| {
            if let Part::Training(switch) = part {
                switch.set(training);
            }
        }));
    }

    /// Whether any layer is in training; true where no layer makes a difference.
    fn is_training(&self) -> bool {
        let (mut switches, mut on) = (0, 0);
        self.visit(&mut Walk::new(&mut |_, part| {
            if let Part::Training(switch) = part {
                switches += 1;
                on += usize::from(switch.get());
            }
        }));
        switches == 0 || on > 0
    }

    /// Clears the gradients of all parameters to none.
    fn zero_grad(&self) {
        self.visit(&mut Walk::new(&mut |_, part| {
            if let Part::Parameter(parameter) = part {
                parameter.zero_grad();
            }
        }));
    }

    /// Freezes (`false`) or frees all parameters: `requires_grad_`.
    fn set_requires_grad(&self, requires_grad: bool) {
        self.visit(&mut Walk::new(&mut |_, part| {
            if let Part::Parameter(parameter) = part {
                parameter.set_requires_grad(requires_grad);
            }
        }));
    }

    /// Calls `f` with the name of each module and the module, those inside before those around them, this one last:
    /// PyTorch's order. `f` asks for a type by `downcast_ref`.
    ///
    /// ```
    /// use nn::prelude::*;
    /// use autograd::tensor_core::Rng;
    /// use std::any::Any;
    ///
    /// let rng = Rng::seed(0);
    /// let model = sequential![Linear::new(4, 8, &rng)?, ReLU, Linear::new(8, 2, &rng)?];
    /// let mut result = Ok(());
    /// model.apply(&mut |_, module| {
    ///     if let Some(linear) = (module as &dyn Any).downcast_ref::<Linear>()
    ///         && result.is_ok()
    ///     {
    ///         result = nn::init::xavier_uniform(&linear.weight, 1.0, &rng);
    ///     }
    /// });
    /// result?;
    /// # Ok::<(), nn::Error>(())
    /// ```
    fn apply(&self, f: &mut dyn FnMut(&str, &dyn Module)) {
        self.visit(&mut Walk::new(&mut |path, part| {
            if let Part::ModuleEnd(module) = part {
                f(path, module);
            }
        }));
    }
}
