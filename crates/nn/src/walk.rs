//! The walk over the parts of a module, on which everything that is said of whole models is built.

use crate::{Buffer, Module, Training};
use autograd::Parameter;

/// What a walk meets.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Part<'a> {
    /// A module begins; its parts follow.
    Module(&'a dyn Module),
    /// The parts of this module have been met.
    ModuleEnd(&'a dyn Module),
    /// A parameter.
    Parameter(&'a Parameter),
    /// A buffer.
    Buffer(&'a Buffer),
    /// The switch of a layer that computes differently in training.
    Training(&'a Training),
}

/// A walk under way: where it is, and who is told of each part.
///
/// Code that walks calls [`Module::visit`]; code that is walked, most often written by `#[derive(Module)]`, calls
/// the methods of this type.
///
/// ```
/// use nn::{Linear, Module, Part, Walk};
/// use autograd::tensor_core::Rng;
///
/// let layer = Linear::new(2, 3, &Rng::seed(0))?;
/// let mut names = Vec::new();
/// layer.visit(&mut Walk::new(&mut |path, part| {
///     if let Part::Parameter(_) = part {
///         names.push(path.to_string());
///     }
/// }));
/// assert_eq!(names, ["weight", "bias"]);
/// # Ok::<(), nn::Error>(())
/// ```
pub struct Walk<'a> {
    path: String,
    meet: &'a mut dyn FnMut(&str, Part<'_>),
}

impl<'a> Walk<'a> {
    /// A walk from a root, whose path is empty; `meet` is told the path and the part of everything on it.
    pub fn new(meet: &'a mut dyn FnMut(&str, Part<'_>)) -> Self {
        Self { path: String::new(), meet }
    }

    /// Where the walk is: names joined by dots, as in PyTorch's keys.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Tells of one part at this place.
    pub fn part(&mut self, part: Part<'_>) {
        (self.meet)(&self.path, part);
    }

    /// Tells of a module at this place and walks its `parts`.
    pub fn module(&mut self, module: &dyn Module, parts: impl FnOnce(&mut Self)) {
        self.part(Part::Module(module));
        parts(self);
        self.part(Part::ModuleEnd(module));
    }

    /// Walks a part under its name.
    pub fn child(&mut self, name: &str, part: &(impl Module + ?Sized)) {
        let parent = self.path.len();
        if parent > 0 {
            self.path.push('.');
        }
        self.path.push_str(name);
        part.visit(self);
        self.path.truncate(parent);
    }
}

impl std::fmt::Debug for Walk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Walk at {:?}", self.path)
    }
}
