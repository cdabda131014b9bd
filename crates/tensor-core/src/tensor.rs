//! The tensor: a handle on shared storage, and the ways in and out of it.

use crate::dtype::dispatch_all;
use crate::layout::Layout;
use crate::storage::Storage;
use crate::{DType, Element, Error, ErrorKind, Result, Shape};
use std::sync::Arc;

/// An n-dimensional array of one [`DType`].
///
/// Cloning copies a handle, not the elements. A write goes to storage that nobody else sees: shared storage is copied
/// first. All methods that can fail return a [`Result`]; the operators `+ - * /` call the same methods and panic with
/// the same text.
#[derive(Clone)]
pub struct Tensor {
    pub(crate) storage: Arc<Storage>,
    pub(crate) layout: Arc<Layout>,
}

impl Tensor {
    /// A tensor of `shape` with the elements of `data` in row-major order.
    ///
    /// # Errors
    /// If `data.len()` is not the number of elements of `shape`.
    #[track_caller]
    pub fn from_vec<T: Element>(data: Vec<T>, shape: impl AsRef<[usize]>) -> Result<Self> {
        Self::from_slice(&data, shape)
    }

    /// A tensor of `shape` with the elements of `data`, copied, in row-major order.
    ///
    /// # Errors
    /// If `data.len()` is not the number of elements of `shape`.
    #[track_caller]
    pub fn from_slice<T: Element>(data: &[T], shape: impl AsRef<[usize]>) -> Result<Self> {
        const OP: &str = "from_slice";
        let shape = Shape::new(shape.as_ref());
        if shape.checked_numel(OP, T::DTYPE.size())? != data.len() {
            return Err(Error::new(OP, ErrorKind::ElementCount { shape, elements: data.len() }));
        }
        let mut storage = Storage::recycled(OP, T::DTYPE, data.len())?;
        storage.slice_mut::<T>().copy_from_slice(data);
        Ok(Self::from_storage(storage, shape))
    }

    /// A tensor of `shape` with elements given as little-endian bytes, as files hold them.
    ///
    /// # Errors
    /// If the number of bytes does not fit, or a bool is neither 0 nor 1.
    #[track_caller]
    pub fn from_le_bytes(bytes: &[u8], dtype: DType, shape: impl AsRef<[usize]>) -> Result<Self> {
        const OP: &str = "from_le_bytes";
        let shape = Shape::new(shape.as_ref());
        let elements = shape.checked_numel(OP, dtype.size())?;
        if elements * dtype.size() != bytes.len() {
            return Err(Error::new(
                OP,
                ErrorKind::ElementCount { shape, elements: bytes.len() / dtype.size() },
            ));
        }
        let mut storage = Storage::recycled(OP, dtype, elements)?;
        storage.fill_from_le_bytes(bytes).ok_or_else(|| {
            let value = "a byte above 1".to_string();
            Error::new(OP, ErrorKind::Argument { argument: "bytes", value, expected: "0 or 1 for each bool" })
        })?;
        Ok(Self::from_storage(storage, shape))
    }

    /// The elements in row-major order as little-endian bytes.
    #[track_caller]
    pub fn to_le_bytes(&self) -> Result<Vec<u8>> {
        let dense = self.contiguous()?;
        let size = self.dtype().size();
        let mut bytes = dense.storage.bytes()[dense.layout.offset * size..][..self.numel() * size].to_vec();
        if cfg!(target_endian = "big") {
            bytes.chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        Ok(bytes)
    }

    /// A row-major tensor over all of `storage`.
    #[inline]
    pub(crate) fn from_storage(storage: Storage, shape: Shape) -> Self {
        debug_assert_eq!(storage.len(), shape.numel());
        Self { storage: Arc::new(storage), layout: Arc::new(Layout::contiguous(shape)) }
    }

    /// A new row-major tensor whose elements `write` fills, all of them.
    #[track_caller]
    #[inline]
    pub(crate) fn build<T: Element>(
        op: &'static str,
        shape: Shape,
        write: impl FnOnce(&mut [T]),
    ) -> Result<Self> {
        let numel = shape.checked_numel(op, T::DTYPE.size())?;
        let mut storage = Storage::recycled(op, T::DTYPE, numel)?;
        write(storage.slice_mut::<T>());
        Ok(Self::from_storage(storage, shape))
    }

    /// As [`build`](Tensor::build), with the shape of `like`, whose layout is shared where it is row-major.
    #[track_caller]
    #[inline]
    pub(crate) fn build_like<T: Element>(
        op: &'static str,
        like: &Tensor,
        write: impl FnOnce(&mut [T]),
    ) -> Result<Self> {
        if !like.layout.contiguous || like.layout.offset != 0 {
            return Self::build(op, like.shape().clone(), write);
        }
        let mut storage = Storage::recycled(op, T::DTYPE, like.layout.numel)?;
        write(storage.slice_mut::<T>());
        Ok(Self { storage: Arc::new(storage), layout: Arc::clone(&like.layout) })
    }

    /// Another view of the same storage.
    #[inline]
    pub(crate) fn with_layout(&self, layout: Layout) -> Self {
        Self { storage: Arc::clone(&self.storage), layout: Arc::new(layout) }
    }

    /// The sizes of the dimensions.
    #[inline]
    pub fn shape(&self) -> &Shape {
        &self.layout.shape
    }

    /// The steps between neighbours of each dimension, in elements.
    pub fn strides(&self) -> &[usize] {
        &self.layout.strides
    }

    /// The number of dimensions.
    #[inline]
    pub fn rank(&self) -> usize {
        self.layout.shape.len()
    }

    /// The size of dimension `dim`, counted from the right if negative.
    #[track_caller]
    pub fn size(&self, dim: isize) -> Result<usize> {
        let index = self.shape().dim("size", dim)?;
        self.shape()
            .get(index)
            .copied()
            .ok_or_else(|| Error::new("size", ErrorKind::DimOutOfRange { dim, shape: self.shape().clone() }))
    }

    /// The number of elements.
    #[inline]
    pub fn numel(&self) -> usize {
        self.layout.numel
    }

    /// The type of the elements.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.storage.dtype()
    }

    /// Whether the elements lie side by side in row-major order.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        self.layout.contiguous
    }

    /// Whether both are views of one storage.
    pub fn shares_storage(&self, other: &Tensor) -> bool {
        Arc::ptr_eq(&self.storage, &other.storage)
    }

    /// The elements as a slice, without a copy.
    ///
    /// # Errors
    /// If `T` is not the tensor's dtype or the tensor is not contiguous.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![1.0f32, 2.0], [2])?;
    /// assert_eq!(x.as_slice::<f32>()?, [1.0, 2.0]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn as_slice<T: Element>(&self) -> Result<&[T]> {
        self.expect_dtype::<T>("as_slice")?;
        if !self.is_contiguous() {
            return Err(Error::new("as_slice", ErrorKind::NotContiguous { shape: self.shape().clone() }));
        }
        Ok(self.dense())
    }

    /// The elements as a slice to write. Storage that is shared or not in row-major order is copied first, so nothing
    /// is seen through other handles.
    ///
    /// # Errors
    /// If `T` is not the tensor's dtype.
    #[track_caller]
    pub fn as_slice_mut<T: Element>(&mut self) -> Result<&mut [T]> {
        self.expect_dtype::<T>("as_slice_mut")?;
        if !self.is_contiguous() || Arc::get_mut(&mut self.storage).is_none() {
            *self = self.copy("as_slice_mut")?;
        }
        let range = self.layout.offset..self.layout.offset + self.numel();
        // A copy made above has no other handle, so the empty slice is never taken.
        Ok(Arc::get_mut(&mut self.storage).map_or(&mut [], |storage| &mut storage.slice_mut::<T>()[range]))
    }

    /// The elements in row-major order.
    ///
    /// # Errors
    /// If `T` is not the tensor's dtype.
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        self.expect_dtype::<T>("to_vec")?;
        Ok(self.contiguous()?.dense().to_vec())
    }

    /// The one element of a tensor that has one, as `T`: `loss.detach().item::<f32>()`.
    ///
    /// # Errors
    /// If the tensor has more or fewer elements than one, or another dtype.
    #[track_caller]
    pub fn item<T: Element>(&self) -> Result<T> {
        self.expect_dtype::<T>("item")?;
        if self.numel() != 1 {
            let expected = "one element".to_string();
            return Err(Error::new(
                "item",
                ErrorKind::ShapeMismatch { argument: "input", found: self.shape().clone(), expected },
            ));
        }
        Ok(self.storage.slice::<T>()[self.layout.offset])
    }

    #[track_caller]
    fn expect_dtype<T: Element>(&self, op: &'static str) -> Result<()> {
        if T::DTYPE == self.dtype() {
            return Ok(());
        }
        let expected = match T::DTYPE {
            DType::F32 => "f32; convert with to_dtype(DType::F32)",
            DType::F64 => "f64; convert with to_dtype(DType::F64)",
            DType::F16 => "f16; convert with to_dtype(DType::F16)",
            DType::BF16 => "bf16; convert with to_dtype(DType::BF16)",
            DType::I64 => "i64; convert with to_dtype(DType::I64)",
            DType::I32 => "i32; convert with to_dtype(DType::I32)",
            DType::U8 => "u8; convert with to_dtype(DType::U8)",
            DType::Bool => "bool; convert with to_dtype(DType::Bool)",
        };
        Err(Error::new(op, ErrorKind::DType { argument: "input", found: self.dtype(), expected }))
    }

    /// The elements of a contiguous tensor of dtype `T`.
    #[inline]
    pub(crate) fn dense<T: Element>(&self) -> &[T] {
        debug_assert!(self.is_contiguous());
        &self.storage.slice::<T>()[self.layout.offset..][..self.numel()]
    }

    /// The storage from the first element on, for strided access.
    #[inline]
    pub(crate) fn data<T: Element>(&self) -> &[T] {
        &self.storage.slice::<T>()[self.layout.offset..]
    }

    /// The same elements in row-major order: this tensor if it has them so, else a copy.
    #[track_caller]
    #[inline]
    pub fn contiguous(&self) -> Result<Tensor> {
        if self.is_contiguous() { Ok(self.clone()) } else { self.copy("contiguous") }
    }

    /// A copy in storage of its own, in row-major order: `torch.clone`. (`clone` copies only the handle; since a
    /// write never shows through another handle, the two differ in memory, not in meaning.)
    #[track_caller]
    pub fn deep_clone(&self) -> Result<Tensor> {
        self.copy("deep_clone")
    }

    #[track_caller]
    fn copy(&self, op: &'static str) -> Result<Tensor> {
        dispatch_all!(self.dtype(), T => {
            Tensor::build::<T>(op, self.shape().clone(), |out| crate::kernel::copy::copy(&self.layout, self.storage.slice::<T>(), out))
        })
    }

    /// Same dtype, or an error of `op` that says how to convert.
    #[track_caller]
    #[inline]
    pub(crate) fn same_dtype(&self, op: &'static str, other: &Tensor) -> Result<()> {
        if self.dtype() == other.dtype() {
            return Ok(());
        }
        Err(Error::new(op, ErrorKind::DTypeMismatch { left: self.dtype(), right: other.dtype() }))
    }
}

impl std::fmt::Debug for Tensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Tensor {} {}\n{self}", self.dtype(), self.shape())
    }
}
