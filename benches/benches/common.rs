//! What the benchmarks share: short settings, and calls that must succeed. A refused call returns at once, and would
//! pass for a fast one.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion};
use std::time::Duration;
use train::Result;

/// Measurements that are listed together.
pub type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// Runs one file's benchmarks with criterion's command line.
pub fn run(benchmarks: impl FnOnce(&mut Criterion) -> Result<()>) -> Result<()> {
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    benchmarks(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

/// Measures `call`, the drop of its result included: it gives the memory back that the next call takes. One call goes
/// ahead of the clock, and must succeed.
pub fn measure<T>(group: &mut Group, name: &str, mut call: impl FnMut() -> Result<T>) -> Result<()> {
    call()?;
    group.bench_function(name, |bencher| bencher.iter(&mut call));
    Ok(())
}
