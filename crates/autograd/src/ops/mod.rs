//! The differentiable operations: one file each, and one line each in the table below.
//!
//! Tests, and the command-line gradient check, walk [`TABLE`].

use crate::testing::Row;

/// Declares each operation's file and gathers its row.
macro_rules! table {
    ($($op:ident),* $(,)?) => {
        $(mod $op;)*

        /// Every differentiable operation.
        pub static TABLE: &[Row] = &[$($op::ROW),*];
    };
}

table! {
    abs,
    add,
    cat,
    conv2d,
    cross_entropy,
    div,
    dropout,
    erf,
    exp,
    gather,
    layer_norm,
    linear,
    log,
    log_softmax,
    masked_fill,
    matmul,
    max_pool2d,
    mul,
    neg,
    pow_scalar,
    relu,
    rms_norm,
    scaled_dot_product_attention,
    scatter_add,
    sigmoid,
    slice,
    softmax,
    sqrt,
    sub,
    sum,
    tanh,
    to_dtype,
    view,
    where_cond,
}

mod operator;

pub use scaled_dot_product_attention::AttentionOptions;
