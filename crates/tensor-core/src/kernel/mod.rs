//! Loops over slices. Nothing here knows a tensor: shapes arrive as numbers, data as slices.

pub(crate) mod softmax;
pub(crate) mod lanes;
pub(crate) mod gemm;
pub(crate) mod math;
pub(crate) mod parallel;
pub(crate) mod simd;
#[cfg(test)]
pub(crate) mod testing;
