//! Where the time of a workload's step goes, operation by operation.

use std::time::{Duration, Instant};
use train::Result;
use train::autograd::{OpCost, PassCost, profile};

/// Runs `step` for `seconds` after a warm-up and prints a table of its operations, the costliest first.
pub fn print(name: &str, seconds: f64, mut step: impl FnMut() -> Result<()>) -> Result<()> {
    for _ in 0..super::measure::WARM_UP {
        step()?;
    }
    let (start, mut steps) = (Instant::now(), 0);
    let (result, costs) = profile(|| -> Result<()> {
        while steps == 0 || start.elapsed().as_secs_f64() < seconds {
            step()?;
            steps += 1;
        }
        Ok(())
    });
    result?;
    let whole = start.elapsed();
    println!("{name}: {steps} steps of {:.3} ms", whole.as_secs_f64() * 1e3 / f64::from(steps));
    println!(
        "{:30} {:>9} {:>7} {:>9} {:>9} {:>8} {:>8}",
        "", "calls", "%", "us/step", "MB/step", "GFLOP/s", "GB/s"
    );
    let row = |name: String, pass: &PassCost| {
        let (time, steps) = (pass.time.as_secs_f64(), f64::from(steps));
        println!(
            "{name:30} {:9.1} {:7.1} {:9.1} {:9.2} {:8.1} {:8.1}",
            pass.calls as f64 / steps,
            100.0 * time / whole.as_secs_f64(),
            time * 1e6 / steps,
            pass.bytes as f64 * 1e-6 / steps,
            pass.flops * 1e-9 / time,
            pass.bytes as f64 * 1e-9 / time,
        );
    };
    for OpCost { name, forward, backward, .. } in &costs {
        row((*name).to_owned(), forward);
        if backward.calls > 0 {
            row(format!("{name} backward"), backward);
        }
    }
    let noted: Duration = costs.iter().map(|cost| cost.forward.time + cost.backward.time).sum();
    let rest = whole.saturating_sub(noted);
    println!(
        "{:30} {:9} {:7.1} {:9.1}",
        "between operations",
        "",
        100.0 * rest.as_secs_f64() / whole.as_secs_f64(),
        rest.as_secs_f64() * 1e6 / f64::from(steps)
    );
    Ok(())
}
