//! The tensor's methods, one family a file.

mod binary;
mod index;
mod join;
mod matmul;
mod operator;
mod reduce;
mod unary;
mod view;
