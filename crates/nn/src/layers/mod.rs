//! The layers: one file for each, or for each family that differs in a word.

pub(crate) mod activation;
pub(crate) mod adaptive_pool;
pub(crate) mod attention;
pub(crate) mod batch_norm;
pub(crate) mod conv;
pub(crate) mod conv_transpose;
pub(crate) mod distance;
pub(crate) mod dropout;
pub(crate) mod embedding;
pub(crate) mod fold;
pub(crate) mod group_norm;
pub(crate) mod instance_norm;
pub(crate) mod linear;
pub(crate) mod norm;
pub(crate) mod pad;
pub(crate) mod parametrize;
pub(crate) mod pool;
pub(crate) mod recurrent;
pub(crate) mod shape;
pub(crate) mod size;
pub(crate) mod transformer;
pub(crate) mod upsample;
