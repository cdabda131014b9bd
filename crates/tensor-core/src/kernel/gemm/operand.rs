//! Checked views of the operands: once made, every index inside the sizes is inside the slice.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;

/// A batch of matrices to read, element `(i, j)` of matrix `l` at `l * batch_stride + i * row_stride + j * col_stride`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrix<'a, T> {
    pub(super) data: &'a [T],
    pub(super) batch: usize,
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) batch_stride: usize,
    pub(super) row_stride: usize,
    pub(super) col_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// One matrix; strides in elements, 0 repeats.
    ///
    /// # Panics
    /// If an element lies outside `data`.
    pub(crate) fn new(data: &'a [T], [rows, cols]: [usize; 2], [row_stride, col_stride]: [usize; 2]) -> Self {
        Self { data, batch: 1, rows, cols, batch_stride: 0, row_stride, col_stride }.checked()
    }

    /// Repeats the matrix `batch` times, `batch_stride` apart.
    ///
    /// # Panics
    /// If an element lies outside `data`.
    pub(crate) fn batched(self, batch: usize, batch_stride: usize) -> Self {
        Self { batch, batch_stride, ..self }.checked()
    }

    fn checked(self) -> Self {
        let sizes = [self.batch, self.rows, self.cols];
        let strides = [self.batch_stride, self.row_stride, self.col_stride];
        assert!(fits(sizes, strides, self.data.len()), "gemm: operand outside its slice");
        self
    }

    /// Where element `(i, j)` of matrix `l` is.
    pub(super) fn index(&self, l: usize, i: usize, j: usize) -> usize {
        debug_assert!(l < self.batch && i < self.rows && j < self.cols);
        l * self.batch_stride + i * self.row_stride + j * self.col_stride
    }
}

/// A batch of matrices to write; columns lie next to each other.
#[derive(Debug)]
pub(crate) struct MatrixMut<'a, T> {
    data: &'a mut [T],
    batch: usize,
    rows: usize,
    cols: usize,
    batch_stride: usize,
    row_stride: usize,
}

impl<'a, T> MatrixMut<'a, T> {
    /// One matrix; `row_stride` in elements.
    ///
    /// # Panics
    /// If an element lies outside `data` or rows overlap.
    pub(crate) fn new(data: &'a mut [T], [rows, cols]: [usize; 2], row_stride: usize) -> Self {
        Self { data, batch: 1, rows, cols, batch_stride: 0, row_stride }.checked()
    }

    /// Repeats the matrix `batch` times, `batch_stride` apart: one after the other, or side by side in longer rows.
    ///
    /// # Panics
    /// If an element lies outside `data` or matrices overlap.
    pub(crate) fn batched(self, batch: usize, batch_stride: usize) -> Self {
        Self { batch, batch_stride, ..self }.checked()
    }

    fn checked(self) -> Self {
        let (batch, rows, cols) = (self.batch, self.rows, self.cols);
        let (batch_stride, row_stride) = (self.batch_stride, self.row_stride);
        assert!(
            fits([batch, rows, cols], [batch_stride, row_stride, 1], self.data.len()),
            "gemm: C outside its slice"
        );
        // `fits` has shown that these products do not overflow for sizes over 0.
        if batch > 0 && rows > 0 && cols > 0 {
            let matrix = (rows - 1) * row_stride + cols;
            let stacked = batch == 1 || batch_stride >= matrix;
            let side_by_side = batch_stride >= cols && (batch - 1) * batch_stride + cols <= row_stride;
            let rows_apart = rows == 1 || row_stride >= cols;
            assert!(rows_apart && (stacked || side_by_side), "gemm: elements of C overlap");
        }
        self
    }
}

/// Whether the last element lies inside `len`; true for an empty batch.
fn fits(sizes: [usize; 3], strides: [usize; 3], len: usize) -> bool {
    if sizes.contains(&0) {
        return true;
    }
    let last = sizes
        .iter()
        .zip(strides)
        .try_fold(0usize, |sum, (&size, stride)| sum.checked_add((size - 1).checked_mul(stride)?));
    last.is_some_and(|last| last < len)
}

/// C, shared between tasks that write different tiles of it.
pub(super) struct Output<'a, T> {
    data: *mut T,
    pub(super) batch: usize,
    pub(super) rows: usize,
    pub(super) cols: usize,
    batch_stride: usize,
    pub(super) row_stride: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: an Output is a `&mut [T]` in other clothes, and that may go to another thread if T may.
unsafe impl<T: Send> Send for Output<'_, T> {}
// SAFETY: shared use hands out pointers and `row`, an unsafe function; their users keep to elements that no one else
// touches.
unsafe impl<T: Send> Sync for Output<'_, T> {}

impl<'a, T> Output<'a, T> {
    pub(super) fn new(c: MatrixMut<'a, T>) -> Self {
        Self {
            data: c.data.as_mut_ptr(),
            batch: c.batch,
            rows: c.rows,
            cols: c.cols,
            batch_stride: c.batch_stride,
            row_stride: c.row_stride,
            lifetime: PhantomData,
        }
    }

    /// Where element `(i, j)` of matrix `l` is.
    pub(super) fn pointer(&self, l: usize, i: usize, j: usize) -> *mut T {
        assert!(l < self.batch && i < self.rows && j < self.cols);
        // SAFETY: MatrixMut has checked that every element with indices inside the sizes lies in the slice.
        unsafe { self.data.add(l * self.batch_stride + i * self.row_stride + j) }
    }

    /// Columns `cols` of row `i` of matrix `l`.
    ///
    /// # Safety
    /// No one else holds or touches these elements while the result lives.
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn row(&self, l: usize, i: usize, cols: Range<usize>) -> &mut [T] {
        assert!(cols.end <= self.cols);
        // SAFETY: the row lies in the slice from its first to its last column; the caller vouches that it is not in use.
        unsafe { std::slice::from_raw_parts_mut(self.pointer(l, i, cols.start), cols.len()) }
    }
}
