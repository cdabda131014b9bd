//! The graph and backward, behaviour by behaviour.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod accumulation;
mod anomaly;
mod checkpoint;
mod custom_op;
mod grad;
mod graph;
mod hooks;
mod modes;
mod support;
mod values;
