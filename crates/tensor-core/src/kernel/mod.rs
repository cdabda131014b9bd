//! Loops over slices. Nothing here knows a tensor: shapes arrive as numbers, data as slices.

pub(crate) mod attention;
pub(crate) mod batch_norm;
pub(crate) mod cdist;
pub(crate) mod conv;
pub(crate) mod copy;
pub(crate) mod cross_entropy;
pub(crate) mod ctc;
pub(crate) mod dropout;
pub(crate) mod gemm;
pub(crate) mod im2col;
pub(crate) mod lanes;
pub(crate) mod layer_norm;
pub(crate) mod linalg;
pub(crate) mod lstm;
pub(crate) mod math;
pub(crate) mod max_pool;
pub(crate) mod order;
pub(crate) mod pad;
pub(crate) mod parallel;
#[cfg(target_arch = "x86_64")]
pub(crate) mod peak;
pub(crate) mod pick;
pub(crate) mod pointwise;
pub(crate) mod reduce;
pub(crate) mod resample;
pub(crate) mod simd;
pub(crate) mod softmax;
pub(crate) mod special;
pub(crate) mod step;
#[cfg(test)]
pub(crate) mod testing;
pub(crate) mod walk;
pub(crate) mod window;
