//! Every operation of the table, on many random calls: its gradients of both orders against finite differences.

use autograd::ops::TABLE;
use autograd::testing::{Row, Sampler};
use autograd::{gradcheck, gradgradcheck};
use std::time::Instant;

/// Sizes up to 3 for the first order, up to 2 for the second, whose cost grows with the square of the elements.
const SIZES: [usize; 2] = [3, 2];

/// What one operation came to.
pub struct Checked {
    /// The operation.
    pub name: &'static str,
    /// Calls whose first derivatives passed.
    pub first: usize,
    /// Calls whose second derivatives passed; None for an operation whose derivative has jumps.
    pub second: Option<usize>,
    /// The seed and the first call that failed.
    pub failure: Option<String>,
    /// Wall time.
    pub seconds: f64,
}

/// Checks `cases` random calls of each operation named, or of all if none is; `report` is called as each is done.
///
/// # Errors
/// If there is no operation of a name.
pub fn run(cases: usize, names: &[String], report: &mut dyn FnMut(&Checked)) -> crate::Result<bool> {
    if let Some(name) = names.iter().find(|name| TABLE.iter().all(|row| row.name != name.as_str())) {
        return Err(format!("no operation {name}"));
    }
    let mut all_passed = true;
    for row in TABLE.iter().filter(|row| names.is_empty() || names.iter().any(|name| name == row.name)) {
        let checked = check(row, cases);
        all_passed &= checked.failure.is_none();
        report(&checked);
    }
    Ok(all_passed)
}

fn check(row: &Row, cases: usize) -> Checked {
    let start = Instant::now();
    let mut failure = None;
    let mut passed = |order: usize| {
        let passes = |case: &usize| match check_case(row, *case as u64, order) {
            Ok(()) => true,
            Err(why) => {
                failure.get_or_insert_with(|| format!("order {order}, seed {case}: {why}"));
                false
            }
        };
        (0..cases).filter(passes).count()
    };
    let first = passed(1);
    let second = (row.order > 1).then(|| passed(2));
    Checked { name: row.name, first, second, failure, seconds: start.elapsed().as_secs_f64() }
}

fn check_case(row: &Row, seed: u64, order: usize) -> autograd::Result<()> {
    // The seed's low bits choose the size, so that small calls, where errors are easy to read, come up as well.
    let size = 1 + seed as usize % SIZES[order - 1];
    let sample = (row.sample)(&mut Sampler::with_max_size(seed, size))?;
    let check = if order == 1 { gradcheck } else { gradgradcheck };
    check(&sample.call, &sample.inputs)
}
