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
    amax,
    atan2,
    avg_pool,
    batch_norm,
    binary_cross_entropy,
    cat,
    cdist,
    cholesky,
    clamp,
    conv,
    conv_transpose,
    copysign,
    cross_entropy,
    ctc_loss,
    cummax,
    cumprod,
    cumsum,
    det,
    diff,
    distance,
    div,
    dropout,
    einsum,
    elu,
    embedding,
    embedding_bag,
    erf,
    exp,
    exp2,
    expm1,
    flip,
    gather,
    gaussian_nll_loss,
    gelu,
    glu,
    grid_sample,
    group_norm,
    gumbel_softmax,
    hyperbolic,
    im2col,
    index,
    index_add,
    index_copy,
    index_select,
    interpolate,
    inv,
    kl_div,
    l1_loss,
    layer_norm,
    lerp,
    lgamma,
    linear,
    log,
    log1p,
    log_softmax,
    logaddexp,
    logcumsumexp,
    logit,
    logsumexp,
    lp_pool,
    lstm_layer,
    margin_loss,
    masked_fill,
    matmul,
    matrix_norm,
    max_dim,
    max_pool,
    maximum,
    mse_loss,
    mul,
    nan_to_num,
    nansum,
    neg,
    nll_loss,
    pad,
    pow,
    prelu,
    prod,
    products,
    qr,
    quantile,
    reciprocal,
    rectifier,
    relu,
    remainder,
    repeat,
    rms_norm,
    round,
    scaled_dot_product_attention,
    scatter,
    scatter_reduce,
    shuffle,
    sigmoid,
    silu,
    slice,
    softmax,
    solve,
    solve_triangular,
    sort,
    split,
    sqrt,
    stack,
    sub,
    sum,
    svd,
    tanh,
    to_dtype,
    trace,
    trigonometric,
    tril,
    var_dim,
    vector_norm,
    view,
    weight_norm,
    where_cond,
    window,
    xlogy,
}

mod operator;

pub use binary_cross_entropy::BceWithLogitsOptions;
pub use ctc_loss::CtcLossOptions;
pub use distance::TripletMarginOptions;
pub use embedding::EmbeddingOptions;
pub use embedding_bag::{BagMode, EmbeddingBagOptions};
pub use gaussian_nll_loss::{GaussianNllOptions, PoissonNllOptions};
pub use grid_sample::{GridSampleMode, GridSampleOptions, GridSamplePadding};
pub use kl_div::{KlDivOptions, KlDivReduction};
pub use margin_loss::MultiMarginOptions;
pub use matrix_norm::MatrixNorm;
pub use quantile::Interpolation;
pub use scaled_dot_product_attention::AttentionOptions;
