//! Every recorded run of PyTorch's optimizers, replayed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod replay;

use std::path::Path;

#[test]
fn all_recorded_runs_are_followed() {
    let runs = replay::replay(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/optim"));
    assert_eq!(runs.len(), 158);
    for run in &runs {
        println!("{:28} {:8.1e} {:8.1e} {}", run.tag, run.last, run.all, run.kw);
    }
    let bound = |run: &replay::Run| if run.optimizer == "LBFGS" { 1e-6 } else { 1e-10 };
    let far = |difference: fn(&replay::Run) -> f64| -> Vec<&str> {
        runs.iter()
            .filter(|run| difference(run).is_nan() || difference(run) > bound(run))
            .map(|run| run.tag.as_str())
            .collect()
    };
    assert_eq!(far(|run| run.last), [""; 0]);
    // It climbs without end, and the last bit decides at which evaluation it overflows.
    assert_eq!(far(|run| run.all), ["LBFGS.6.linreg"]);
}
