//! Loops that treat each element by itself.

use super::parallel::{CHUNK, for_each_chunk};
use super::simd::{Baseline, Isa, Kernel, dispatch};
use super::walk::Walk;
use crate::Element;
use crate::layout::Layout;

/// A function of one element. Closures are such functions; those that need the instruction set are structs.
pub(crate) trait Map<A, Y>: Copy + Sync {
    fn call<I: Isa>(self, a: A) -> Y;
}

impl<A, Y, F: Fn(A) -> Y + Copy + Sync> Map<A, Y> for F {
    #[inline(always)]
    fn call<I: Isa>(self, a: A) -> Y {
        self(a)
    }
}

/// A function of two elements.
pub(crate) trait Zip<A, B, Y>: Copy + Sync {
    fn call<I: Isa>(self, a: A, b: B) -> Y;
}

impl<A, B, Y, F: Fn(A, B) -> Y + Copy + Sync> Zip<A, B, Y> for F {
    #[inline(always)]
    fn call<I: Isa>(self, a: A, b: B) -> Y {
        self(a, b)
    }
}

/// Runs a loop over `A` that gives `Y`, with wide vectors where both are floats. Elsewhere they would save little, and
/// each instruction set is one more copy to compile of every function and type.
#[inline(always)]
fn run<A: Element, Y: Element, K: Kernel<Output = ()>>(kernel: K) {
    if A::VECTORS && Y::VECTORS { dispatch(kernel) } else { kernel.run::<Baseline>() }
}

/// `out[i] = f(a[i])`.
pub(crate) fn map<A: Element, Y: Element>(a: &[A], out: &mut [Y], f: impl Map<A, Y>) {
    for_each_chunk(out, CHUNK, |start, out| {
        run::<A, Y, _>(MapRow { a: &a[start..start + out.len()], out, f })
    });
}

/// `out[i] = f(a[i], b[i])`, all side by side.
pub(crate) fn zip_dense<A: Element, B: Element, Y: Element>(
    a: &[A],
    b: &[B],
    out: &mut [Y],
    f: impl Zip<A, B, Y>,
) {
    for_each_chunk(out, CHUNK, |start, out| {
        let end = start + out.len();
        run::<A, Y, _>(ZipRow { a: &a[start..end], b: &b[start..end], out, f });
    });
}

/// `out[i] = f(a[i], b[i])` over `shape` in row-major order, both operands broadcast to it.
pub(crate) fn zip<A: Element, B: Element, Y: Element>(
    (a_layout, a): (&Layout, &[A]),
    (b_layout, b): (&Layout, &[B]),
    shape: &crate::Shape,
    out: &mut [Y],
    f: impl Zip<A, B, Y>,
) {
    let a = &a[a_layout.offset.min(a.len())..];
    let b = &b[b_layout.offset.min(b.len())..];
    let (a_strides, b_strides) = (a_layout.broadcast_strides(shape), b_layout.broadcast_strides(shape));
    let walk = Walk::new(shape, [&a_strides, &b_strides]);
    for_each_chunk(out, CHUNK, |start, out| run::<A, Y, _>(ZipWalk { walk: &walk, a, b, start, out, f }));
}

/// `a[i] = f(a[i], b[i])` in place, side by side.
pub(crate) fn zip_in_place<A: Element, B: Element>(a: &mut [A], b: &[B], f: impl Zip<A, B, A>) {
    for_each_chunk(a, CHUNK, |start, a| run::<A, A, _>(ZipInPlace { b: &b[start..start + a.len()], a, f }));
}

struct MapRow<'a, A, Y, F> {
    a: &'a [A],
    out: &'a mut [Y],
    f: F,
}

impl<A: Element, Y: Element, F: Map<A, Y>> Kernel for MapRow<'_, A, Y, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (y, &a) in self.out.iter_mut().zip(self.a) {
            *y = self.f.call::<I>(a);
        }
    }
}

struct ZipRow<'a, A, B, Y, F> {
    a: &'a [A],
    b: &'a [B],
    out: &'a mut [Y],
    f: F,
}

impl<A: Element, B: Element, Y: Element, F: Zip<A, B, Y>> Kernel for ZipRow<'_, A, B, Y, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for ((y, &a), &b) in self.out.iter_mut().zip(self.a).zip(self.b) {
            *y = self.f.call::<I>(a, b);
        }
    }
}

struct ZipInPlace<'a, A, B, F> {
    a: &'a mut [A],
    b: &'a [B],
    f: F,
}

impl<A: Element, B: Element, F: Zip<A, B, A>> Kernel for ZipInPlace<'_, A, B, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        for (a, &b) in self.a.iter_mut().zip(self.b) {
            *a = self.f.call::<I>(*a, b);
        }
    }
}

struct ZipWalk<'a, A, B, Y, F> {
    walk: &'a Walk<2>,
    a: &'a [A],
    b: &'a [B],
    start: usize,
    out: &'a mut [Y],
    f: F,
}

impl<A: Element, B: Element, Y: Element, F: Zip<A, B, Y>> Kernel for ZipWalk<'_, A, B, Y, F> {
    type Output = ();
    #[inline(always)]
    fn run<I: Isa>(self) {
        let ZipWalk { walk, a, b, start, out, f } = self;
        let [a_step, b_step] = walk.inner_strides();
        for (at, length, [i, j]) in walk.rows(start, start + out.len()) {
            let row = &mut out[at..at + length];
            // The three layouts of broadcasting are worth a vector loop each; any other goes element by element.
            match (a_step, b_step) {
                (1, 1) => {
                    for ((y, &a), &b) in row.iter_mut().zip(&a[i..i + length]).zip(&b[j..j + length]) {
                        *y = f.call::<I>(a, b);
                    }
                }
                (1, 0) => {
                    let b = b[j];
                    for (y, &a) in row.iter_mut().zip(&a[i..i + length]) {
                        *y = f.call::<I>(a, b);
                    }
                }
                (0, 1) => {
                    let a = a[i];
                    for (y, &b) in row.iter_mut().zip(&b[j..j + length]) {
                        *y = f.call::<I>(a, b);
                    }
                }
                _ => {
                    for (k, y) in row.iter_mut().enumerate() {
                        *y = f.call::<I>(a[i + k * a_step], b[j + k * b_step]);
                    }
                }
            }
        }
    }
}
