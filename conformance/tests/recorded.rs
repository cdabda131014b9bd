//! The repository's own records.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use conformance::{folder, ops, optim};
use std::path::{Path, PathBuf};

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fixtures").join(folder)
}

/// Replays a folder; its lines.
fn replay(name: &str) -> (conformance::Tally, Vec<String>) {
    let mut lines = Vec::new();
    let tally = folder::replay(&fixtures(name), &mut |line| lines.push(line)).unwrap();
    (tally, lines)
}

#[test]
fn every_recorded_call_gives_the_recorded_values_and_gradients() {
    check_calls("ops", 3095);
}

#[test]
fn every_further_recorded_call_gives_the_recorded_values_and_gradients() {
    check_calls("ops_more", 125);
}

/// No call fails, and hardly one is not offered.
fn check_calls(folder: &str, count: usize) {
    let (tally, lines) = replay(folder);
    let failures: Vec<&String> = lines.iter().filter(|line| line.contains("FAILED")).collect();
    assert!(failures.is_empty() && tally.failed == 0, "{tally}\n{failures:#?}");
    assert_eq!(tally.passed + tally.not_offered, count);
    assert!(tally.not_offered * 20 <= count, "{tally}");
}

#[test]
fn every_recorded_run_of_an_optimizer_is_followed() {
    let runs = optim::runs(&fixtures("optim")).unwrap();
    assert_eq!(runs.len(), 158);
    let far = |passed: fn(&optim::Run) -> bool| -> Vec<&str> {
        runs.iter().filter(|run| !passed(run)).map(|run| run.tag.as_str()).collect()
    };
    assert_eq!(far(optim::Run::passed), [""; 0]);
    // It climbs without end, and the last bit decides at which evaluation it overflows.
    assert_eq!(far(|run| run.all <= run.bound()), ["LBFGS.6.linreg"]);
}

#[test]
fn every_recorded_schedule_is_followed() {
    let (tally, lines) = replay("schedulers");
    assert_eq!((tally.passed, tally.failed), (26, 0), "{lines:#?}");
}

/// Operations that no recorded call can test, and why.
const WITHOUT_RECORD: &[(&str, &str)] = &[
    ("dropout", "PyTorch's masks come from another generator"),
    ("gumbel_softmax", "random"),
    ("lp_pool", "none of PyTorch's samples calls it; plain loops have its values"),
    ("lstm_layer", "a part of PyTorch's LSTM, of which the ledger of nn has recorded layers"),
    ("to_dtype", "a conversion between equal values; its gradient is a conversion too"),
    ("weight_norm", "none of PyTorch's samples calls it; plain loops have its values"),
];

#[test]
fn every_operation_has_a_recorded_call() {
    for row in autograd::ops::TABLE {
        let recorded = ops::adapters().any(|a| a.row == row.name);
        let excused = WITHOUT_RECORD.iter().any(|(name, _)| *name == row.name);
        assert!(recorded != excused, "{}: recorded {recorded}, excused {excused}", row.name);
    }
}

#[test]
fn every_adapter_names_an_operation() {
    for adapter in ops::adapters() {
        let known = adapter.row.is_empty() || autograd::ops::TABLE.iter().any(|row| row.name == adapter.row);
        assert!(known, "{}: no operation {}", adapter.recorded, adapter.row);
    }
}

#[test]
fn a_folder_without_a_record_is_an_error() {
    let why = folder::replay(Path::new(env!("CARGO_MANIFEST_DIR")), &mut |_| {}).unwrap_err();
    assert!(why.contains("no record here"), "{why}");
}
