//! Hooks: functions that see a gradient on its way, or the leaf in which it has come to rest.

use crate::graph::{Edge, Node};
use crate::leaf::Leaf;
use crate::{Error, Parameter, Result, Var};
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// Changes or reads a gradient on its way; `Some` replaces it.
pub(crate) type GradHook = Arc<dyn Fn(&Var) -> Option<Var> + Send + Sync>;

/// Runs when a leaf's gradient of one backward is complete.
pub(crate) type LeafHook = Arc<dyn Fn() -> HookResult + Send + Sync>;

/// What a hook on a finished gradient returns: any error stops the backward.
pub type HookResult = std::result::Result<(), Box<dyn std::error::Error + Send + Sync>>;

static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A registered hook. Dropping the handle leaves the hook in place.
#[derive(Debug)]
pub struct HookHandle {
    number: u64,
    place: Place,
}

#[derive(Debug)]
enum Place {
    Leaf(Weak<Leaf>),
    Node(Weak<Node>),
}

impl HookHandle {
    fn new(place: Place) -> Self {
        Self { number: NUMBER.fetch_add(1, Ordering::Relaxed), place }
    }

    /// Takes the hook away; a backward that is running the value's hooks already still calls it.
    pub fn remove(self) {
        match &self.place {
            Place::Leaf(leaf) => {
                if let Some(leaf) = leaf.upgrade() {
                    let mut hooks = leaf.hooks();
                    hooks.grad.retain(|(number, _)| *number != self.number);
                    hooks.accumulated.retain(|(number, _)| *number != self.number);
                }
            }
            Place::Node(node) => {
                if let Some(node) = node.upgrade() {
                    node.extras().hooks().retain(|hook| hook.number != self.number);
                }
            }
        }
    }
}

/// A hook on an output of a node.
#[derive(Clone)]
pub(crate) struct NodeHook {
    number: u64,
    pub output: u32,
    pub hook: GradHook,
}

impl Var {
    /// Calls `hook` with the gradient of this value in each backward; a returned gradient replaces it. Hooks run in the
    /// order in which they were registered, each with what the one before returned: `Tensor.register_hook`. A leaf's
    /// hook sees the sum of one backward's gradients, not what was gathered before.
    ///
    /// ```
    /// use autograd::{Tensor, Var};
    /// let x = Var::leaf(Tensor::scalar(3.0f32)?)?;
    /// let handle = x.register_hook(|g| g.mul_scalar(10).ok())?;
    /// x.mul_scalar(2)?.backward()?;
    /// assert_eq!(x.grad().unwrap().item::<f32>()?, 20.0);
    /// handle.remove();
    /// # Ok::<(), autograd::Error>(())
    /// ```
    ///
    /// # Errors
    /// If no gradient flows here.
    #[track_caller]
    pub fn register_hook(
        &self,
        hook: impl Fn(&Var) -> Option<Var> + Send + Sync + 'static,
    ) -> Result<HookHandle> {
        match self.edge() {
            Some(Edge::Leaf(leaf)) => {
                let handle = HookHandle::new(Place::Leaf(Arc::downgrade(leaf)));
                leaf.hooks().grad.push((handle.number, Arc::new(hook)));
                Ok(handle)
            }
            Some(Edge::Node(node, output)) => {
                let handle = HookHandle::new(Place::Node(Arc::downgrade(node)));
                let (number, output) = (handle.number, *output);
                node.extras().hooks().push(NodeHook { number, output, hook: Arc::new(hook) });
                Ok(handle)
            }
            None => Err(Error::NotTracked { op: "register_hook", location: Location::caller() }),
        }
    }

    /// Calls `hook` with this leaf as soon as a backward has added the last of its gradients to
    /// [`grad`](Var::grad): `Tensor.register_post_accumulate_grad_hook`. The hook may clear the gradient. It does not
    /// run where gradients are returned instead ([`grad`](crate::grad())). See
    /// [`Parameter::register_post_accumulate_grad_hook`] for an optimizer step inside of backward.
    ///
    /// # Errors
    /// If this is not a leaf that gathers a gradient.
    #[track_caller]
    pub fn register_post_accumulate_grad_hook(
        &self,
        hook: impl Fn(&Var) -> HookResult + Send + Sync + 'static,
    ) -> Result<HookHandle> {
        const OP: &str = "register_post_accumulate_grad_hook";
        let location = Location::caller();
        let leaf = match self.edge() {
            Some(Edge::Leaf(leaf)) => leaf,
            Some(Edge::Node(node, _)) => {
                let hint = "use register_hook";
                return Err(Error::NotLeaf { op: OP, producer: node.op.name(), hint, location });
            }
            None => return Err(Error::NotTracked { op: OP, location }),
        };
        // The leaf owns the hook, so the hook must not own the leaf.
        let (value, weak) = (self.value().clone(), Arc::downgrade(leaf));
        Ok(on_accumulated(leaf, move || match weak.upgrade() {
            Some(leaf) => hook(&Var::with_edge(value.clone(), Some(Edge::Leaf(leaf)))),
            None => Ok(()),
        }))
    }
}

impl Parameter {
    /// Calls `hook` with this parameter as soon as a backward has added the last of its gradients to
    /// [`grad`](Parameter::grad). A hook that steps and then clears the gradient is an optimizer inside of backward:
    /// the gradients of all parameters never exist at once.
    ///
    /// ```
    /// use autograd::{Parameter, Tensor};
    /// let w = Parameter::new(Tensor::scalar(3.0f64)?)?;
    /// w.register_post_accumulate_grad_hook(|w| {
    ///     let step = w.grad().ok_or("no gradient")?.mul_scalar(-0.1)?;
    ///     w.update(|value| value.add_assign(&step))?;
    ///     w.zero_grad();
    ///     Ok(())
    /// });
    /// w.var().mul(&w.var())?.backward()?;
    /// assert!((w.value().item::<f64>()? - 2.4).abs() < 1e-12);
    /// assert!(w.grad().is_none());
    /// # Ok::<(), autograd::Error>(())
    /// ```
    pub fn register_post_accumulate_grad_hook(
        &self,
        hook: impl Fn(&Parameter) -> HookResult + Send + Sync + 'static,
    ) -> HookHandle {
        let weak = self.downgrade();
        on_accumulated(self.leaf(), move || match weak.upgrade() {
            Some(parameter) => hook(&parameter),
            None => Ok(()),
        })
    }
}

fn on_accumulated(leaf: &Arc<Leaf>, hook: impl Fn() -> HookResult + Send + Sync + 'static) -> HookHandle {
    let handle = HookHandle::new(Place::Leaf(Arc::downgrade(leaf)));
    leaf.hooks().accumulated.push((handle.number, Arc::new(hook)));
    handle
}
