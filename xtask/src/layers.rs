//! `cargo xtask layers`: dependencies point down.
//!
//! Normal, build and development dependencies alike: a test that reaches up ties the crate to what lies above it.

use crate::metadata::Workspace;
use crate::{Error, Result, no_arguments};

/// Where a package stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// It names only packages of lower layers, and helpers that serve it.
    Layer(u8),
    /// It helps the one named package and names no other of the workspace.
    Serves(&'static str),
}

use Place::{Layer, Serves};

const PLACES: &[(&str, Place)] = &[
    ("tensor-core", Layer(0)),
    ("autograd", Layer(1)),
    ("nn", Layer(2)),
    ("nn-derive", Serves("nn")),
    ("optim", Layer(2)),
    ("train", Layer(3)),
    ("examples", Layer(4)),
    ("benches", Layer(5)),
    ("conformance", Layer(4)),
    ("xtask", Layer(4)),
];

/// Runs the check on the workspace and prints what it finds.
pub fn run(arguments: &[String]) -> Result {
    no_arguments(arguments)?;
    let workspace = Workspace::load()?;
    let violations = check(&workspace);
    for violation in &violations {
        println!("{violation}");
    }
    println!("layers: {} packages, {} violations", workspace.packages.len(), violations.len());
    if violations.is_empty() { Ok(()) } else { Err(Error::Findings) }
}

/// One line for each dependency that breaks a rule, and for each package without a place.
pub fn check(workspace: &Workspace) -> Vec<String> {
    let mut violations = Vec::new();
    for package in &workspace.packages {
        let Some(place) = find(&package.name) else {
            violations.push(format!(
                "{}: the package has no layer; give it one in PLACES of xtask/src/layers.rs",
                package.name
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let Some(below) = find(&dependency.name) else { continue };
            // A crate may name itself in its tests, to switch a feature on.
            if dependency.name == package.name && dependency.kind == "dev" {
                continue;
            }
            if let Err(rule) = allowed((&package.name, place), (&dependency.name, below)) {
                let (name, kind) = (&dependency.name, &dependency.kind);
                violations.push(format!("{}: {kind} dependency on {name}: {rule}", package.name));
            }
        }
    }
    violations
}

fn find(name: &str) -> Option<Place> {
    PLACES.iter().find(|(known, _)| *known == name).map(|(_, place)| *place)
}

fn allowed(user: (&str, Place), used: (&str, Place)) -> std::result::Result<(), String> {
    match (user, used) {
        ((name, Serves(owner)), _) => {
            Err(format!("{name} serves {owner} and names no other crate of the workspace"))
        }
        ((name, _), (helper, Serves(owner))) if name != owner => {
            Err(format!("{helper} serves {owner} alone; use what {owner} re-exports"))
        }
        ((_, Layer(_)), (_, Serves(_))) => Ok(()),
        ((name, Layer(2)), (other, Layer(2))) if name != other => Err("nn and optim never meet".to_owned()),
        ((_, Layer(above)), (_, Layer(below))) if below < above => Ok(()),
        ((name, Layer(above)), (other, Layer(below))) => Err(format!(
            "{name} is in layer {above} and names only crates of a lower layer; {other} is in layer {below}"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The violations of a workspace with these `(package, dependency, kind)` lines.
    fn violations(lines: &[(&str, &str, &str)]) -> Vec<String> {
        let packages: Vec<String> = lines
            .iter()
            .map(|(name, dependency, kind)| {
                let kind = if *kind == "normal" { "null".to_owned() } else { format!("\"{kind}\"") };
                format!(
                    r#"{{"name": "{name}", "targets": [],
                        "features": {{}}, "dependencies": [{{"name": "{dependency}", "kind": {kind}}}]}}"#
                )
            })
            .collect();
        let json = format!(r#"{{"workspace_root": "w", "packages": [{}]}}"#, packages.join(","));
        check(&Workspace::parse(&json).unwrap())
    }

    fn assert_one(line: (&str, &str, &str), message: &str) {
        let found = violations(&[line]);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains(message), "{found:?}");
    }

    #[test]
    fn dependencies_that_point_down_are_clean() {
        let lines = [
            ("tensor-core", "rayon", "normal"),
            ("autograd", "tensor-core", "normal"),
            ("nn", "autograd", "normal"),
            ("optim", "tensor-core", "normal"),
            ("train", "nn", "normal"),
            ("train", "optim", "dev"),
            ("examples", "train", "normal"),
            ("benches", "nn", "dev"),
            ("xtask", "autograd", "build"),
        ];
        assert_eq!(violations(&lines), [""; 0]);
    }

    #[test]
    fn upward_dependencies_of_every_kind_are_found() {
        for kind in ["normal", "dev", "build"] {
            assert_one(
                ("tensor-core", "autograd", kind),
                &format!("tensor-core: {kind} dependency on autograd: tensor-core is in layer 0"),
            );
        }
        assert_one(("train", "examples", "dev"), "lower layer");
        assert_one(("examples", "xtask", "normal"), "lower layer");
    }

    #[test]
    fn nn_and_optim_never_meet() {
        assert_one(("nn", "optim", "normal"), "nn and optim never meet");
        assert_one(("optim", "nn", "dev"), "nn and optim never meet");
    }

    #[test]
    fn the_derive_serves_nn_alone() {
        assert_eq!(violations(&[("nn", "nn-derive", "normal"), ("nn-derive", "syn", "normal")]), [""; 0]);
        assert_one(("train", "nn-derive", "normal"), "nn-derive serves nn alone");
        assert_one(("nn-derive", "nn", "dev"), "nn-derive serves nn and names no other crate");
    }

    #[test]
    fn a_crate_may_name_itself_in_its_tests_only() {
        assert_eq!(violations(&[("autograd", "autograd", "dev")]), [""; 0]);
        assert_one(("autograd", "autograd", "normal"), "lower layer");
    }

    #[test]
    fn a_package_without_a_place_is_found() {
        assert_one(("metrics", "tensor-core", "normal"), "metrics: the package has no layer");
    }
}
