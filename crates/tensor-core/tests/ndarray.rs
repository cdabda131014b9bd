//! Conversions to and from the crate `ndarray`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg(feature = "ndarray")]

mod support;

use ndarray::{Array2, ArrayD, arr0, array, s};
use proptest::prelude::*;
use support::{DTYPES, any_tensor, assert_same};
use tensor_core::{DType, Element, ErrorKind, Tensor};

fn round_trip<T: Element>(x: &Tensor) {
    let copy: ArrayD<T> = x.to_ndarray().unwrap();
    let view = x.view_ndarray::<T>().unwrap();
    assert_eq!(copy.shape(), &x.shape()[..]);
    assert_eq!(view.shape(), &x.shape()[..]);
    assert_same(&Tensor::from_ndarray(&copy).unwrap(), x);
    assert_same(&Tensor::from_ndarray(&view).unwrap(), x);
}

proptest! {
    #[test]
    fn any_tensor_comes_back(x in any_tensor(&DTYPES)) {
        match x.dtype() {
            DType::F32 => round_trip::<f32>(&x),
            DType::F64 => round_trip::<f64>(&x),
            DType::F16 => round_trip::<tensor_core::f16>(&x),
            DType::BF16 => round_trip::<tensor_core::bf16>(&x),
            DType::I64 => round_trip::<i64>(&x),
            DType::I32 => round_trip::<i32>(&x),
            DType::U8 => round_trip::<u8>(&x),
            _ => round_trip::<bool>(&x),
        }
    }
}

#[test]
fn arrays_of_any_layout_become_tensors() {
    let a = array![[1i64, 2, 3], [4, 5, 6]];
    assert_eq!(Tensor::from_ndarray(&a.t()).unwrap().to_vec::<i64>().unwrap(), [1, 4, 2, 5, 3, 6]);
    assert_eq!(Tensor::from_ndarray(&a.slice(s![.., ..;-2])).unwrap().to_vec::<i64>().unwrap(), [3, 1, 6, 4]);
    assert_eq!(Tensor::from_ndarray(&arr0(1.5f32)).unwrap().item::<f32>().unwrap(), 1.5);
    let empty = Array2::<u8>::zeros((0, 3));
    assert_eq!(Tensor::from_ndarray(&empty).unwrap().shape(), &[0, 3]);
}

#[test]
fn a_view_copies_nothing_and_follows_strides() {
    let x = Tensor::arange(0.0, 12.0, 1.0, DType::F32).unwrap().reshape([3, 4]).unwrap();
    let view = x.view_ndarray::<f32>().unwrap();
    assert_eq!(view.as_ptr(), x.as_slice::<f32>().unwrap().as_ptr());
    let part = x.transpose(0, 1).unwrap().narrow(0, 1, 2).unwrap();
    let view = part.view_ndarray::<f32>().unwrap();
    assert_eq!(view, array![[1.0f32, 5.0, 9.0], [2.0, 6.0, 10.0]].into_dyn());
    let wide = Tensor::from_vec(vec![1.0f32, 2.0], [2, 1]).unwrap().expand([2, 3]).unwrap();
    let view = wide.view_ndarray::<f32>().unwrap();
    assert_eq!(view, array![[1.0f32, 1.0, 1.0], [2.0, 2.0, 2.0]].into_dyn());
}

#[test]
fn another_element_type_is_an_error_at_the_callers_line() {
    let x = Tensor::zeros([2], DType::F32).unwrap();
    for error in [x.to_ndarray::<f64>().unwrap_err(), x.view_ndarray::<f64>().unwrap_err()] {
        assert!(matches!(error.kind(), ErrorKind::DType { found: DType::F32, .. }), "{error}");
        assert!(error.to_string().contains("tests/ndarray.rs"), "{error}");
    }
}
