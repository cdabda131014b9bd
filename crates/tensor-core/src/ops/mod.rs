//! The tensor's methods, one family a file.

pub(crate) mod activation;
mod binary;
mod clamp;
pub(crate) mod conv;
mod dropout;
mod index;
mod join;
pub(crate) mod loss;
mod matmul;
pub(crate) mod norm;
mod operator;
pub(crate) mod pool;
mod reduce;
mod scan;
mod softmax;
mod triangle;
mod unary;
mod view;
