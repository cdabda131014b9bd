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
    div,
    erf,
    exp,
    linear,
    log,
    matmul,
    mul,
    neg,
    pow_scalar,
    relu,
    sigmoid,
    slice,
    sqrt,
    sub,
    sum,
    tanh,
    to_dtype,
    view,
}

mod operator;
