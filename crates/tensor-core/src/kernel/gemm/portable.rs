//! Tiles by the crate `matrixmultiply`, on any processor.
#![allow(unsafe_code)]

use super::split::Tile;
use super::{Activation, Epilogue, GemmElement, Job};

/// The product of the crate `matrixmultiply` for this type.
pub(crate) trait Portable: Sized {
    /// `C = A B + beta C` through pointers and strides.
    ///
    /// # Safety
    /// `a`, `b` readable and `c` writable at every index inside the sizes; no one else touches these elements of c.
    #[allow(clippy::too_many_arguments)]
    unsafe fn product(
        sizes: [usize; 3],
        a: *const Self,
        a_strides: [isize; 2],
        b: *const Self,
        b_strides: [isize; 2],
        beta: Self,
        c: *mut Self,
        c_stride: isize,
    );
}

macro_rules! portable {
    ($t:ident, $product:ident) => {
        impl Portable for $t {
            unsafe fn product(
                [m, k, n]: [usize; 3],
                a: *const Self,
                [rsa, csa]: [isize; 2],
                b: *const Self,
                [rsb, csb]: [isize; 2],
                beta: Self,
                c: *mut Self,
                rsc: isize,
            ) {
                // SAFETY: the caller vouches for what matrixmultiply asks: valid pointers at every index.
                unsafe { matrixmultiply::$product(m, k, n, 1.0, a, rsa, csa, b, rsb, csb, beta, c, rsc, 1) }
            }
        }
    };
}
portable!(f32, sgemm);
portable!(f64, dgemm);

/// Computes one tile of C and its epilogue.
pub(super) fn tile<T: GemmElement>(job: &Job<'_, T>, tile: &Tile) {
    let (a, b, l) = (&job.a, &job.b, tile.matrix);
    if a.cols == 0 {
        finish(job, tile, job.beta);
        return;
    }
    let (rows, cols) = (tile.rows.clone(), tile.cols.clone());
    let a_start = &job.a.data[a.index(l, rows.start, 0)..];
    let b_start = &job.b.data[b.index(l, 0, cols.start)..];
    // SAFETY: the tile lies inside the sizes for which Matrix and MatrixMut have checked every index, and the tiles of
    // other tasks hold other elements. Strides fit isize since they lead to elements of slices (or are not used, for
    // a size of 1, where any value multiplies 0).
    unsafe {
        T::product(
            [rows.len(), a.cols, cols.len()],
            a_start.as_ptr(),
            [a.row_stride.cast_signed(), a.col_stride.cast_signed()],
            b_start.as_ptr(),
            [b.row_stride.cast_signed(), b.col_stride.cast_signed()],
            job.beta,
            job.c.pointer(l, rows.start, cols.start),
            job.c.row_stride.cast_signed(),
        );
    }
    finish(job, tile, T::ONE);
}

/// `C = scale C`, then the epilogue, over one tile; with `scale = 0` C is not read.
fn finish<T: GemmElement>(job: &Job<'_, T>, tile: &Tile, scale: T) {
    let Epilogue { bias, activation } = job.epilogue;
    if scale == T::ONE && bias.is_none() && activation == Activation::Identity {
        return;
    }
    for i in tile.rows.clone() {
        // SAFETY: tiles of different tasks are disjoint, and this task holds no other reference into its tile.
        let row = unsafe { job.c.row(tile.matrix, i, tile.cols.clone()) };
        if scale == T::ZERO {
            row.fill(T::ZERO);
        } else if scale != T::ONE {
            row.iter_mut().for_each(|x| *x = *x * scale);
        }
        if let Some(bias) = bias {
            row.iter_mut().zip(&bias[tile.cols.clone()]).for_each(|(x, &bias)| *x += bias);
        }
        if activation == Activation::Relu {
            row.iter_mut().for_each(|x| *x = x.max_nan(T::ZERO));
        }
    }
}
