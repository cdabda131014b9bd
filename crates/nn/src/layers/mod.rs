//! The layers: one file for each, or for each family that differs in a word.

pub(crate) mod activation;
pub(crate) mod linear;
