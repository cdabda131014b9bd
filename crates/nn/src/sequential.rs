//! Layers one after the other.

use crate::{Layer, Linear, MaxPool2d, Module, ReLU, Result, Walk, hook};
use autograd::Var;
use std::any::Any;

/// Layers one after the other, named 0, 1, 2, …: `nn.Sequential`. [`sequential!`](crate::sequential) writes one as a
/// list.
///
/// While no hook watches, a [`Linear`] and the [`ReLU`] behind it are one pass, and a [`ReLU`] ahead of a [`MaxPool2d`] is
/// computed after it, on fewer elements: the same values and gradients.
///
/// ```
/// use nn::prelude::*;
/// use autograd::{DType, Tensor, tensor_core::Rng};
///
/// let rng = Rng::seed(0);
/// let model = sequential![Linear::new(64, 128, &rng)?, ReLU, Linear::new(128, 10, &rng)?];
/// let images = Tensor::zeros([32, 64], DType::F32)?;
/// let scores = model.forward(&images.into())?;
/// assert_eq!(scores.shape().to_string(), "[32, 10]");
/// assert!(model.state_dict().contains_key("2.weight"));
/// # Ok::<(), nn::Error>(())
/// ```
#[derive(Default)]
pub struct Sequential {
    layers: Vec<Box<Slot<dyn Layer>>>,
}

/// A layer with an address of its own, which tells it from others; an allocation without size has none.
struct Slot<L: ?Sized> {
    _address: u8,
    layer: L,
}

impl Sequential {
    /// No layer: the output is the input.
    pub fn new() -> Self {
        Self::default()
    }

    /// With one more layer at the end.
    pub fn append(mut self, layer: impl Layer) -> Self {
        self.layers.push(Box::new(Slot { _address: 0, layer }));
        self
    }

    /// The number of layers.
    pub fn len(&self) -> usize {
        self.layers.len()
    }

    /// Whether there is no layer.
    pub fn is_empty(&self) -> bool {
        self.layers.is_empty()
    }

    /// Layer `index`.
    pub fn get(&self, index: usize) -> Option<&dyn Layer> {
        self.layers.get(index).map(|slot| &slot.layer)
    }

    /// The layers in their order.
    pub fn iter(&self) -> impl Iterator<Item = &dyn Layer> {
        self.layers.iter().map(|slot| &slot.layer)
    }

    fn is<L: Layer>(&self, index: usize) -> Option<&L> {
        self.get(index).and_then(|layer| (layer as &dyn Any).downcast_ref())
    }
}

impl Module for Sequential {
    fn visit(&self, walk: &mut Walk<'_>) {
        walk.module(self, |walk| {
            for (i, layer) in self.iter().enumerate() {
                walk.child(&i.to_string(), layer);
            }
        });
    }
}

impl Layer for Sequential {
    fn compute(&self, x: &Var) -> Result<Var> {
        let mut x = x.clone();
        let mut next = 0;
        while let Some(layer) = self.get(next) {
            // A hook sees the output of each layer, in the order in which they stand.
            let pair = if hook::any() { None } else { self.fused(next, &x)? };
            next += if pair.is_some() { 2 } else { 1 };
            x = match pair {
                Some(y) => y,
                None => layer.forward(&x)?,
            };
        }
        Ok(x)
    }
}

impl Sequential {
    /// Layers `at` and `at + 1` in fewer passes over the activations, where there is a way; values and gradients are
    /// the same, up to the sign of a zero.
    fn fused(&self, at: usize, x: &Var) -> Result<Option<Var>> {
        if let (Some(linear), Some(ReLU)) = (self.is::<Linear>(at), self.is::<ReLU>(at + 1)) {
            return linear.forward_relu(x).map(Some);
        }
        match (self.is::<ReLU>(at), self.is::<MaxPool2d>(at + 1)) {
            // max(·, 0) of the largest is the largest max(·, 0), and fewer are left; the gradient of one that is not
            // positive is 0 either way.
            (Some(ReLU), Some(pool)) if pool.windows_hold_elements() => {
                ReLU.forward(&pool.forward(x)?).map(Some)
            }
            _ => Ok(None),
        }
    }
}

impl std::fmt::Debug for Sequential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.repr())
    }
}

/// A [`Sequential`](crate::Sequential) of the listed layers.
///
/// ```
/// use nn::prelude::*;
/// let rng = autograd::tensor_core::Rng::seed(0);
/// let model = sequential![Linear::new(2, 3, &rng)?, Tanh, Linear::new(3, 1, &rng)?];
/// assert_eq!(model.len(), 3);
/// # Ok::<(), nn::Error>(())
/// ```
#[macro_export]
macro_rules! sequential {
    ($($layer:expr),* $(,)?) => {
        $crate::Sequential::new()$(.append($layer))*
    };
}
