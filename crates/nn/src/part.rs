//! What may stand in a module's field.

use crate::{Buffer, Module, Part, Training, Walk};
use autograd::tensor_core::{Activation, Rng};
use autograd::{
    Approximate, AvgPoolOptions, ConvOptions, CrossEntropyOptions, DType, KlDivReduction, MaxPoolOptions,
    Parameter, Reduction, Scalar, Shape,
};
use std::marker::PhantomData;
use std::sync::Arc;

impl Module for Parameter {
    fn visit(&self, walk: &mut Walk<'_>) {
        walk.part(Part::Parameter(self));
    }
}

impl Module for Buffer {
    fn visit(&self, walk: &mut Walk<'_>) {
        walk.part(Part::Buffer(self));
    }
}

impl Module for Training {
    fn visit(&self, walk: &mut Walk<'_>) {
        walk.part(Part::Training(self));
    }
}

/// Its part, if there is one, under its own name.
impl<M: Module> Module for Option<M> {
    fn visit(&self, walk: &mut Walk<'_>) {
        if let Some(part) = self {
            part.visit(walk);
        }
    }
}

impl<M: Module + ?Sized> Module for Box<M> {
    fn visit(&self, walk: &mut Walk<'_>) {
        (**self).visit(walk);
    }
}

/// A module in two places: its parameters have two names.
impl<M: Module + ?Sized> Module for Arc<M> {
    fn visit(&self, walk: &mut Walk<'_>) {
        (**self).visit(walk);
    }
}

/// The parts named 0, 1, 2, …: `nn.ModuleList`.
impl<M: Module> Module for Vec<M> {
    fn visit(&self, walk: &mut Walk<'_>) {
        for (i, part) in self.iter().enumerate() {
            walk.child(&i.to_string(), part);
        }
    }
}

/// The parts named 0, 1, 2, ….
impl<M: Module, const N: usize> Module for [M; N] {
    fn visit(&self, walk: &mut Walk<'_>) {
        for (i, part) in self.iter().enumerate() {
            walk.child(&i.to_string(), part);
        }
    }
}

macro_rules! tuple {
    ($($part:ident $index:tt),*) => {
        /// The parts named 0, 1, ….
        impl<$($part: Module),*> Module for ($($part,)*) {
            fn visit(&self, walk: &mut Walk<'_>) {
                $(walk.child(stringify!($index), &self.$index);)*
            }
        }
    };
}
tuple!(A 0, B 1);
tuple!(A 0, B 1, C 2);
tuple!(A 0, B 1, C 2, D 3);

impl<T: ?Sized + Send + Sync + 'static> Module for PhantomData<T> {
    fn visit(&self, _: &mut Walk<'_>) {}
}

/// Settings: nothing in them is trained or saved.
macro_rules! settings {
    ($($setting:ty),* $(,)?) => {$(
        impl Module for $setting {
            fn visit(&self, _: &mut Walk<'_>) {}
        }
    )*};
}
settings!(usize, u8, u16, u32, u64, isize, i8, i16, i32, i64, f32, f64, bool, char, String, &'static str, ());
settings!(Activation, DType, Rng, Scalar, Shape);
settings!(Approximate, AvgPoolOptions, CrossEntropyOptions, KlDivReduction, MaxPoolOptions, Reduction);

impl<const N: usize> Module for ConvOptions<N> {
    fn visit(&self, _: &mut Walk<'_>) {}
}
