//! Forward hooks: what is told of each output.

use crate::place::ModuleId;
use crate::{Module, Part, Walk};
use autograd::Var;
use std::cell::{Cell, RefCell};
use std::marker::PhantomData;
use std::rc::Rc;

/// Input, output; the output that takes its place, if any.
type Hook = Rc<dyn Fn(&dyn Module, &Var, &Var) -> Option<Var>>;

struct Entry {
    number: u64,
    /// None: all modules.
    module: Option<ModuleId>,
    hook: Hook,
}

thread_local! {
    /// Whether there is any hook, which each forward asks.
    static ANY: Cell<bool> = const { Cell::new(false) };
    static HOOKS: RefCell<Vec<Entry>> = const { RefCell::new(Vec::new()) };
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

/// A registered hook; it is called no more when this is dropped. It borrows the module, which cannot move meanwhile.
#[must_use = "the hook is removed when this is dropped"]
#[derive(Debug)]
pub struct ForwardHook<'a> {
    number: u64,
    module: PhantomData<(&'a (), *const ())>,
}

impl Drop for ForwardHook<'_> {
    fn drop(&mut self) {
        HOOKS.with_borrow_mut(|hooks| {
            hooks.retain(|entry| entry.number != self.number);
            ANY.set(!hooks.is_empty());
        });
    }
}

fn register<'a>(
    module: Option<ModuleId>,
    hook: impl Fn(&dyn Module, &Var, &Var) -> Option<Var> + 'static,
) -> ForwardHook<'a> {
    let number = NEXT.get();
    NEXT.set(number + 1);
    HOOKS.with_borrow_mut(|hooks| hooks.push(Entry { number, module, hook: Rc::new(hook) }));
    ANY.set(true);
    ForwardHook { number, module: PhantomData }
}

/// Calls `hook(input, output)` after each forward of `module` on this thread; an output that it returns takes the place
/// of the module's. `module.register_forward_hook(hook)`.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor, tensor_core::Rng};
/// use std::{cell::RefCell, rc::Rc};
///
/// let rng = Rng::seed(0);
/// let model = sequential![Linear::new(4, 8, &rng)?, ReLU, Linear::new(8, 2, &rng)?];
/// let hidden = Rc::new(RefCell::new(None));
/// let seen = Rc::clone(&hidden);
/// let hook = nn::register_forward_hook(model.get(1).unwrap(), move |_, output| {
///     *seen.borrow_mut() = Some(output.detach());
///     None
/// });
/// model.forward(&Tensor::ones([3, 4], DType::F32)?.into())?;
/// drop(hook);
/// assert_eq!(hidden.borrow().as_ref().unwrap().shape().to_string(), "[3, 8]");
/// # Ok::<(), nn::Error>(())
/// ```
pub fn register_forward_hook<'a>(
    module: &'a (impl Module + ?Sized),
    hook: impl Fn(&Var, &Var) -> Option<Var> + 'static,
) -> ForwardHook<'a> {
    register(Some(module.id()), move |_, input, output| hook(input, output))
}

/// Calls `hook(module, input, output)` after each forward of each module on this thread, those inside before those
/// around them: `torch.nn.modules.module.register_module_forward_hook`.
pub fn register_module_forward_hook(
    hook: impl Fn(&dyn Module, &Var, &Var) -> Option<Var> + 'static,
) -> ForwardHook<'static> {
    register(None, hook)
}

/// Whether any hook wants to see outputs.
#[inline]
pub(crate) fn any() -> bool {
    ANY.get()
}

/// The output after the hooks have seen it.
#[inline]
pub(crate) fn show(module: &(impl Module + ?Sized), input: &Var, output: Var) -> Var {
    if any() { call(module, input, output) } else { output }
}

#[cold]
fn call(module: &(impl Module + ?Sized), input: &Var, output: Var) -> Var {
    let id = module.id();
    let wants = |entry: &&Entry| entry.module.is_none_or(|wanted| wanted == id);
    // Copied first: a hook may register or remove hooks.
    let hooks: Vec<Hook> =
        HOOKS.with_borrow(|hooks| hooks.iter().filter(wants).map(|entry| Rc::clone(&entry.hook)).collect());
    let mut output = output;
    // The walk begins with the module itself, there as a trait object.
    module.visit(&mut Walk::new(&mut |_, part| match part {
        Part::Module(module) if module.id() == id => {
            for hook in &hooks {
                output = hook(module, input, &output).unwrap_or_else(|| output.clone());
            }
        }
        _ => {}
    }));
    output
}
