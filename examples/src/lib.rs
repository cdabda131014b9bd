//! What the examples share: their data, their models and how they read the command line.

pub mod args;
pub mod data;
pub mod evaluate;
pub mod gallery;
pub mod heat;
pub mod models;
pub mod text;
