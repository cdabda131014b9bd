//! Calls that use up what they work on, such as a graph.

use crate::common::Group;
use criterion::BatchSize;
use train::Result;

/// Measures `call` on what `prepare` makes for each call; neither `prepare` nor the drop of the result counts.
pub fn measure_prepared<S, T>(
    group: &mut Group,
    name: &str,
    mut prepare: impl FnMut() -> Result<S>,
    mut call: impl FnMut(S) -> Result<T>,
) -> Result<()> {
    call(prepare()?)?;
    group.bench_function(name, |bencher| {
        bencher.iter_batched(&mut prepare, |input| input.and_then(&mut call), BatchSize::PerIteration);
    });
    Ok(())
}
