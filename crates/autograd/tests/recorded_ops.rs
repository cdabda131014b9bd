//! Every operation of the table against PyTorch's recorded values and gradients (`fixtures/ops`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

#[path = "replay/adapters.rs"]
mod adapters;
mod replay;

use adapters::ADAPTERS;
use replay::Outcome;

#[test]
fn values_and_gradients_equal_the_recorded_ones() {
    let mut failures = Vec::new();
    for adapter in ADAPTERS {
        let mut unsupported = 0;
        for (i, call) in replay::calls(adapter.recorded).iter().enumerate() {
            match call.replay(adapter.call, 1e-7) {
                Ok(()) => {}
                Err(Outcome::Unsupported(_)) => unsupported += 1,
                Err(Outcome::Failed(why)) => failures.push(format!("{} call {i}: {why}", adapter.recorded)),
            }
        }
        // Stated, so that no call is passed over unnoticed.
        if unsupported != adapter.unsupported {
            let stated = adapter.unsupported;
            failures.push(format!("{}: {unsupported} calls unsupported, {stated} stated", adapter.recorded));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Operations that no recorded call can test, and why.
const WITHOUT_RECORD: &[(&str, &str)] = &[
    ("dropout", "PyTorch's masks come from another generator"),
    ("to_dtype", "a conversion between equal values; its gradient is a conversion too"),
];

#[test]
fn every_operation_has_a_recorded_call() {
    for row in autograd::ops::TABLE {
        let recorded =
            ADAPTERS.iter().any(|a| a.row == row.name && a.unsupported < replay::calls(a.recorded).len());
        let excused = WITHOUT_RECORD.iter().any(|(name, _)| *name == row.name);
        assert!(recorded != excused, "{}: recorded {recorded}, excused {excused}", row.name);
    }
}
