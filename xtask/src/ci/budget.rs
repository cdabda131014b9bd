//! What a user of `train` builds: few crates.

use std::collections::BTreeSet;
use std::path::Path;

use super::process;
use super::report::Outcome;

/// The most packages in the default tree of `train`, itself and our own among them.
const BUDGET: usize = 25;

pub fn run(root: &Path) -> Outcome {
    let arguments = ["tree", "-p", "train", "-e", "normal", "--prefix", "none"];
    match process::run(root, &arguments, &[]) {
        Ok(finished) if finished.success => judge(&finished.output),
        Ok(finished) => Outcome::Fail(format!("cargo tree: {}", finished.status)),
        Err(why) => Outcome::Fail(why),
    }
}

fn judge(tree: &[String]) -> Outcome {
    // A line is `name version (path or mark) (*)`; a package comes once for each that names it.
    let package = |line: &String| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    let packages: BTreeSet<String> = tree.iter().filter(|line| !line.is_empty()).map(package).collect();
    let count = format!("{} crates in the default tree of train, the budget is {BUDGET}", packages.len());
    if packages.len() > BUDGET { Outcome::Fail(count) } else { Outcome::Pass(count) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_counts_once() {
        let tree =
            ["train v0.1.0 (crates/train)", "nn v0.1.0 (crates/nn)", "libm v0.2.16", "libm v0.2.16 (*)", ""];
        let Outcome::Pass(note) = judge(&tree.map(String::from)) else { unreachable!() };
        assert!(note.starts_with("3 crates"), "{note}");
    }

    #[test]
    fn more_than_the_budget_fails() {
        let tree = |count: usize| (0..count).map(|i| format!("crate{i} v1.0.0")).collect::<Vec<_>>();
        assert!(matches!(judge(&tree(BUDGET)), Outcome::Pass(_)));
        assert!(matches!(judge(&tree(BUDGET + 1)), Outcome::Fail(_)));
    }
}
