//! The steps of a run, in order: quick ones first, and those that share build artefacts together.

use std::path::Path;

use super::report::Outcome;
use super::{budget, example, process};
use crate::metadata::{Package, Workspace};
use crate::{Error, Result, layers, tidy};

/// One line of the table.
pub struct Step {
    pub name: String,
    pub run: Box<dyn Fn(&Path) -> Outcome>,
}

impl Step {
    fn new(name: impl Into<String>, run: impl Fn(&Path) -> Outcome + 'static) -> Step {
        Step { name: name.into(), run: Box::new(run) }
    }

    /// A step that is one cargo command.
    fn cargo(name: &str, arguments: &'static [&'static str], environment: &'static [(&str, &str)]) -> Step {
        Step::new(name, move |root: &Path| process::run_all(root, &[arguments.to_vec()], environment))
    }

    /// Whether `name` means this step: its name, or the first word of it.
    pub fn is_called(&self, name: &str) -> bool {
        self.name == name || self.name.split(' ').next() == Some(name)
    }
}

/// Every step for this workspace.
pub fn all(workspace: &Workspace) -> Vec<Step> {
    let mut steps = vec![
        Step::cargo("fmt", &["fmt", "--all", "--check", "--", "--color", "never"], &[]),
        Step::new("layers", |_: &Path| own(layers::run)),
        Step::new("tidy", |_: &Path| own(tidy::run)),
        Step::new("budget", budget::run),
        Step::cargo("clippy", CLIPPY, &[]),
        Step::cargo("docs", &["doc", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")]),
        Step::cargo("tests", &["test", "--workspace", "--no-fail-fast"], &[]),
    ];
    // What others can depend on; `train` and all below it.
    let libraries = || workspace.packages.iter().filter(|package| package.library);
    steps.extend(libraries().map(alone));
    steps.extend(libraries().filter(|package| !package.features.is_empty()).map(features));
    for example in example::EXAMPLES {
        steps.push(Step::new(example.title(), |root: &Path| example.run(root)));
    }
    let targets = workspace.packages.iter().flat_map(|package| &package.examples);
    for name in targets.filter(|name| example::EXAMPLES.iter().all(|example| example.name != *name)) {
        let why = "it has no row in EXAMPLES of xtask/src/ci/example.rs";
        steps.push(Step::new(format!("example {name}"), move |_: &Path| Outcome::Fail(why.to_owned())));
    }
    steps
}

const CLIPPY: &[&str] = &["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];

/// The crate builds without the others' features: its library as a dependent sees it, and its tests.
fn alone(package: &Package) -> Step {
    let name = package.name.clone();
    Step::new(format!("alone {name}"), move |root: &Path| {
        let library = vec!["check", "-p", &name];
        let everything = vec!["check", "-p", &name, "--all-targets"];
        process::run_all(root, &[library, everything], &[])
    })
}

/// Each optional feature builds by itself, and the tests pass with all of them.
fn features(package: &Package) -> Step {
    let (name, features) = (package.name.clone(), package.features.clone());
    Step::new(format!("features {name}"), move |root: &Path| {
        let single = |feature| vec!["check", "-p", &name, "--no-default-features", "--features", feature];
        let mut commands: Vec<_> = features.iter().map(|feature| single(feature.as_str())).collect();
        commands.push(vec!["test", "-p", &name, "--all-features", "--no-fail-fast"]);
        process::run_all(root, &commands, &[])
    })
}

/// A command of this tool as a step.
fn own(run: fn(&[String]) -> Result) -> Outcome {
    match run(&[]) {
        Ok(()) => Outcome::Pass(String::new()),
        Err(Error::Findings) => Outcome::Fail("see its lines above".to_owned()),
        Err(Error::Broken(why) | Error::Usage(why)) => Outcome::Fail(why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Vec<String> {
        let workspace = Workspace::parse(
            r#"{"workspace_root": "w", "packages": [
                {"name": "low", "targets": [{"kind": ["lib"], "name": "low"}],
                 "features": {"x": []}},
                {"name": "tool", "targets": [{"kind": ["bin"], "name": "tool"},
                                             {"kind": ["example"], "name": "demo"}]}
            ]}"#,
        )
        .unwrap();
        all(&workspace).into_iter().map(|step| step.name).collect()
    }

    #[test]
    fn libraries_and_features_have_their_steps() {
        let names = names();
        assert!(names.contains(&"alone low".into()) && names.contains(&"features low".into()));
        assert!(names.iter().all(|name| !name.contains("tool")));
    }

    #[test]
    fn every_example_has_its_step() {
        for name in ["example digits", "example digits lenet", "example demo"] {
            assert_eq!(names().iter().filter(|step| *step == name).count(), 1, "{name}");
        }
    }

    #[test]
    fn a_step_is_called_by_its_name_or_its_kind() {
        let step = Step::new("example digits", |_: &Path| Outcome::Pass(String::new()));
        assert!(step.is_called("example digits") && step.is_called("example"));
        assert!(!step.is_called("digits") && !step.is_called("exam"));
    }

    #[test]
    fn what_a_command_finds_fails_its_step() {
        assert_eq!(own(|_| Ok(())), Outcome::Pass(String::new()));
        assert!(matches!(own(|_| Err(Error::Findings)), Outcome::Fail(_)));
        assert_eq!(own(|_| Err(Error::Broken("x".into()))), Outcome::Fail("x".into()));
    }
}
