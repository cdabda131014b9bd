//! Patches of images as columns and back: `torch.nn.functional.unfold` and `fold`.

use crate::dtype::dispatch_float;
use crate::kernel::im2col as kernel;
use crate::kernel::parallel::{Matrix, for_each_rows, rows_per_task};
use crate::kernel::window::{Axes, Axis, Window, input_len, kernel_len, output_len};
use crate::ops::convolution::positive;
use crate::{Error, ErrorKind, Result, Shape, Tensor};

/// Keywords of `torch.nn.functional.unfold` and `fold`; pairs are height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfoldOptions {
    /// Elements under a window.
    pub kernel: [usize; 2],
    /// Distance between elements under a window. Default 1.
    pub dilation: [usize; 2],
    /// Zeros added on each side. Default 0.
    pub padding: [usize; 2],
    /// Distance between windows. Default 1.
    pub stride: [usize; 2],
}

impl UnfoldOptions {
    /// Every window of `kernel`.
    pub fn new(kernel: [usize; 2]) -> Self {
        Self { kernel, dilation: [1; 2], padding: [0; 2], stride: [1; 2] }
    }
}

#[track_caller]
fn axes(op: &'static str, image: [usize; 2], options: UnfoldOptions) -> Result<Axes> {
    let UnfoldOptions { kernel, dilation, padding, stride } = options;
    positive(op, "kernel", &kernel)?;
    positive(op, "dilation", &dilation)?;
    positive(op, "stride", &stride)?;
    let mut axes = [Axis::UNIT; 3];
    for d in 0..2 {
        let window =
            Window { kernel: kernel[d], stride: stride[d], padding: padding[d], dilation: dilation[d] };
        let Some(output) = window.output_size(image[d], false).filter(|_| image[d] > 0) else {
            let (found, expected) =
                (Shape::from(image), format!("at least as large, padded, as the kernel {kernel:?}, dilated"));
            return Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "the image", found, expected }));
        };
        axes[d + 1] = Axis { input: image[d], output, window };
    }
    Ok(axes)
}

#[track_caller]
fn mismatch<T>(op: &'static str, found: &Shape, expected: String) -> Result<T> {
    Err(Error::new(op, ErrorKind::ShapeMismatch { argument: "input", found: found.clone(), expected }))
}

impl Tensor {
    /// The patches under every window of `[N, C, H, W]` or `[C, H, W]` as columns, `[N, C kh kw, L]` for L windows:
    /// `torch.nn.functional.unfold`. (`unfold` is the view of one dimension's windows.)
    ///
    /// # Errors
    /// If the image is smaller than the kernel, an option is out of range, or the dtype is not floating-point.
    ///
    /// ```
    /// use tensor_core::{DType, Tensor, UnfoldOptions};
    /// let x = Tensor::arange(0.0, 6.0, 1.0, DType::F32)?.reshape([1, 2, 3])?;
    /// let columns = x.im2col(UnfoldOptions::new([2, 2]))?;
    /// assert_eq!(columns.to_vec::<f32>()?, [0.0, 1.0, 1.0, 2.0, 3.0, 4.0, 4.0, 5.0]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    #[doc(alias = "unfold")]
    pub fn im2col(&self, options: UnfoldOptions) -> Result<Tensor> {
        const OP: &str = "im2col";
        if self.rank() == 3 {
            return self.unsqueeze(0)?.im2col(options)?.squeeze(0);
        }
        let [batch, channels, height, width] = **self.shape() else {
            return mismatch(OP, self.shape(), "[N, C, H, W] or [C, H, W]".to_string());
        };
        let axes = axes(OP, [height, width], options)?;
        let rows = channels.saturating_mul(kernel_len(&axes));
        let shape = Shape::from([batch, rows, output_len(&axes)]);
        let x = self.contiguous()?;
        dispatch_float!(OP, [x], T => Tensor::build::<T>(OP, shape, |y| {
            let (image, columns) = (channels * input_len(&axes), rows * output_len(&axes));
            // Of images without elements there may be more than could be gone through.
            let batch = if columns == 0 { 0 } else { batch };
            for_each_rows(Matrix(y, columns), batch, rows_per_task(columns), |first, Matrix(y, _)| {
                let images = x.dense::<T>()[first * image..].chunks(image.max(1));
                for (y, x) in y.chunks_exact_mut(columns.max(1)).zip(images) {
                    kernel::im2col(x, channels, &axes, &(0..axes[1].output), y);
                }
            });
        }))
    }

    /// The columns `[N, C kh kw, L]` or `[C kh kw, L]` of [`im2col`](Tensor::im2col) added where they came from in
    /// images of `output` (height, width): `torch.nn.functional.fold`.
    ///
    /// # Errors
    /// If the shapes do not fit, an option is out of range, or the dtype is not floating-point.
    #[track_caller]
    #[doc(alias = "fold")]
    pub fn col2im(&self, output: [usize; 2], options: UnfoldOptions) -> Result<Tensor> {
        const OP: &str = "col2im";
        if self.rank() == 2 {
            return self.unsqueeze(0)?.col2im(output, options)?.squeeze(0);
        }
        let axes = axes(OP, output, options)?;
        let (patch, positions) = (kernel_len(&axes), output_len(&axes));
        let (batch, channels) = match **self.shape() {
            [batch, rows, l] if l == positions && rows.is_multiple_of(patch) => (batch, rows / patch),
            _ => return mismatch(OP, self.shape(), format!("[N, C · {patch}, {positions}] or without N")),
        };
        let columns = self.contiguous()?;
        let shape = Shape::from([batch, channels, output[0], output[1]]);
        dispatch_float!(OP, [columns], T => Tensor::build::<T>(OP, shape, |y| {
            let (image, len) = (channels * input_len(&axes), channels * patch * positions);
            let batch = if len == 0 { 0 } else { batch };
            for_each_rows(Matrix(y, image), batch, rows_per_task(len), |first, Matrix(y, _)| {
                y.fill(0.0);
                let columns = columns.dense::<T>()[first * len..].chunks(len.max(1));
                kernel::with_scratch(len, |scratch| {
                    for (y, columns) in y.chunks_exact_mut(image.max(1)).zip(columns) {
                        scratch.copy_from_slice(columns);
                        kernel::col2im(scratch, channels, &axes, &(0..axes[1].output), y);
                    }
                });
            });
        }))
    }
}
