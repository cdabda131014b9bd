//! What the examples share: their data, their models and how they read the command line.

pub mod args;
pub mod cart_pole;
pub mod data;
pub mod evaluate;
pub mod gan;
pub mod heat;
pub mod language;
pub mod models;
pub mod pgm;
pub mod reinforce;
pub mod text;
