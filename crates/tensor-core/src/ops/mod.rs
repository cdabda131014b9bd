//! The tensor's methods, one family a file.

pub(crate) mod activation;
mod binary;
mod clamp;
pub(crate) mod conv;
pub(crate) mod convolution;
mod count;
mod dropout;
mod index;
mod join;
mod linalg;
pub(crate) mod loss;
mod matmul;
mod moment;
pub(crate) mod norm;
mod operator;
pub(crate) mod pool;
pub(crate) mod products;
mod reduce;
mod scan;
mod searchsorted;
mod softmax;
mod sort;
mod triangle;
mod unary;
pub(crate) mod unique;
mod vector_norm;
mod view;
