//! The graph and backward, behaviour by behaviour.
//!
//! What an engine of this kind gets wrong most easily, and the tests of it:
//!
//! | behaviour | test |
//! |---|---|
//! | deep chains and skip connections are freed | `graph::a_chain_of_a_million..`, `graph::a_deep_graph..` |
//! | fan-out; a value used twice; gradients gather | `accumulation::gradients_of_both_paths..`, `a_value_used_twice..`, `gradients_accumulate..` |
//! | backward twice; a seed | `accumulation::backward_twice..`, `a_root_of_several_elements..` |
//! | a result's gradient | `values::a_result_keeps..` |
//! | clearing to none, and to zeros | `accumulation::gradients_accumulate..`; `zero_grad_keep` in optim |
//! | `detach`, `no_grad`, threads | `values::detach_shares..`, `modes` |
//! | what requires gradients | `values::only_floats..`, by type for results |
//! | writes to saved values, through views too | no such write exists: `misuse::write_to_what_a_graph_has_saved`, `write_to_an_expanded_value` |
//! | a result outlives the handles on its inputs; no cycles, with `create_graph` too | `graph::history_survives..`, `graph::no_graph_keeps_itself_alive` |
//! | hooks: order, replacement, removal while running, backward inside | `hooks` |
//! | unused inputs; outputs without gradient | `grad::an_unused_input..`, `custom_op::an_operation_of_several..` |
//! | broadcasting undone (0-d, size 0), the input's dtype | `accumulation::a_gradient_comes_back..` |
//! | a wrong rule | `misuse::custom_rule..` |
//! | anomaly mode, checkpoints | `anomaly`, `checkpoint` |
//! | threads | `graph::threads_go_backward..` |
//! | derivatives of second order | every operation: `tests/table.rs` |
//! | memory: steady, and freed during backward | `tests/memory.rs`, `tests/memory_checkpoint.rs` |
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod accumulation;
mod anomaly;
mod checkpoint;
mod custom_op;
mod diagnosis;
mod edge_values;
mod functional;
mod grad;
mod graph;
mod hooks;
mod misuse;
mod modes;
mod support;
mod values;
