//! To and from the arrays of the crate `ndarray`. Needs the feature `ndarray`.

use crate::{Element, Error, ErrorKind, Result, Tensor};
use ndarray::{ArrayBase, ArrayD, ArrayViewD, Data, Dimension, IxDyn, ShapeBuilder};
use std::panic::Location;

impl Tensor {
    /// The elements as an array of `ndarray`, copied, in row-major order.
    ///
    /// # Errors
    /// If `T` is not the tensor's dtype.
    #[track_caller]
    pub fn to_ndarray<T: Element>(&self) -> Result<ArrayD<T>> {
        const OP: &str = "to_ndarray";
        let location = Location::caller();
        let elements = self.to_vec::<T>().map_err(|error| error.of(OP))?;
        ArrayD::from_shape_vec(IxDyn(self.shape()), elements)
            .map_err(|error| self.refused(OP, location, &error))
    }

    /// The tensor's own elements as a view of `ndarray`, without a copy, whatever the strides.
    ///
    /// # Errors
    /// If `T` is not the tensor's dtype.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_vec(vec![1.0f32, 2.0, 3.0, 4.0], [2, 2])?.transpose(0, 1)?;
    /// let view = x.view_ndarray::<f32>()?;
    /// assert_eq!(view[[0, 1]], 3.0);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn view_ndarray<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        const OP: &str = "view_ndarray";
        let location = Location::caller();
        if T::DTYPE != self.dtype() {
            let expected = "the dtype of the view's element type; convert with to_dtype()";
            return Err(Error::new(
                OP,
                ErrorKind::DType { argument: "input", found: self.dtype(), expected },
            ));
        }
        let shape = IxDyn(self.shape());
        let view = if self.numel() == 0 {
            // No strides: `ndarray` bounds even those that no element steps along.
            ArrayViewD::from_shape(shape, &[])
        } else {
            ArrayViewD::from_shape(shape.strides(IxDyn(self.strides())), self.data::<T>())
        };
        view.map_err(|error| self.refused(OP, location, &error))
    }

    /// A tensor with the elements of an array of `ndarray`, copied.
    ///
    /// # Errors
    /// If there is no memory for the copy.
    ///
    /// ```
    /// use tensor_core::Tensor;
    /// let x = Tensor::from_ndarray(&ndarray::array![[1.0f32, 2.0], [3.0, 4.0]])?;
    /// assert_eq!(x.shape(), &[2, 2]);
    /// # Ok::<(), tensor_core::Error>(())
    /// ```
    #[track_caller]
    pub fn from_ndarray<S: Data<Elem: Element>, D: Dimension>(array: &ArrayBase<S, D>) -> Result<Tensor> {
        match array.as_slice() {
            Some(elements) => Tensor::from_slice(elements, array.shape()),
            None => Tensor::from_vec(array.iter().copied().collect(), array.shape()),
        }
        .map_err(|error| error.of("from_ndarray"))
    }

    fn refused(
        &self,
        op: &'static str,
        location: &'static Location<'static>,
        error: &ndarray::ShapeError,
    ) -> Error {
        let expected = error.to_string();
        Error::new(op, ErrorKind::ShapeMismatch { argument: "input", found: self.shape().clone(), expected })
            .at(location)
    }
}
