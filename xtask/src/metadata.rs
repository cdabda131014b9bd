//! What `cargo metadata` says about the workspace, cut down to what the checks ask.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Error, Result};

/// The workspace: its root and its own packages.
pub struct Workspace {
    /// The folder of the root manifest.
    pub root: PathBuf,
    /// The workspace's members, in cargo's order.
    pub packages: Vec<Package>,
}

/// A member of the workspace.
pub struct Package {
    /// The package's name.
    pub name: String,
    /// What it depends on, by package name.
    pub dependencies: Vec<Dependency>,
    /// Its features except `default`, in alphabetical order.
    pub features: Vec<String>,
    /// The names of its example targets.
    pub examples: Vec<String>,
    /// Whether it has a library (or is a procedural macro).
    pub library: bool,
}

/// One line of a manifest's dependency tables.
pub struct Dependency {
    /// The package's name, not the name it may be renamed to.
    pub name: String,
    /// `normal`, `dev` or `build`.
    pub kind: String,
}

/// The cargo that runs this tool.
pub fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

impl Workspace {
    /// Asks cargo about the workspace of the current directory.
    pub fn load() -> Result<Workspace> {
        let output = Command::new(cargo())
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| Error::Broken(format!("cannot run cargo metadata: {error}")))?;
        if !output.status.success() {
            return Err(Error::Broken(format!("cargo metadata: {}", output.status)));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Workspace::parse(&text).map_err(|why| Error::Broken(format!("cargo metadata: {why}")))
    }

    /// Reads cargo's JSON.
    pub fn parse(text: &str) -> std::result::Result<Workspace, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let packages = list(&json, "packages").iter().map(package).collect::<std::result::Result<_, _>>()?;
        Ok(Workspace { root: PathBuf::from(string(&json, "workspace_root")?), packages })
    }
}

fn package(json: &Value) -> std::result::Result<Package, String> {
    let mut dependencies = Vec::new();
    for dependency in list(json, "dependencies") {
        dependencies.push(Dependency {
            name: string(dependency, "name")?,
            // Cargo writes null for a normal dependency.
            kind: dependency["kind"].as_str().unwrap_or("normal").to_owned(),
        });
    }
    let features = json["features"].as_object().into_iter().flatten().map(|(name, _)| name.clone());
    let mut package = Package {
        name: string(json, "name")?,
        dependencies,
        features: features.filter(|name| name != "default").collect(),
        examples: Vec::new(),
        library: false,
    };
    for target in list(json, "targets") {
        for kind in list(target, "kind") {
            match kind.as_str() {
                Some("example") => package.examples.push(string(target, "name")?),
                Some("lib" | "rlib" | "proc-macro") => package.library = true,
                _ => {}
            }
        }
    }
    Ok(package)
}

fn list<'a>(json: &'a Value, key: &str) -> &'a [Value] {
    json[key].as_array().map_or(&[], Vec::as_slice)
}

fn string(json: &Value, key: &str) -> std::result::Result<String, String> {
    json[key].as_str().map(str::to_owned).ok_or_else(|| format!("no string `{key}` in {json}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_checks_ask() {
        let workspace = Workspace::parse(
            r#"{"workspace_root": "/w", "packages": [{
                "name": "a",
                "dependencies": [{"name": "b", "kind": null}, {"name": "c", "kind": "dev"}],
                "features": {"default": ["x"], "x": [], "y": ["x"]},
                "targets": [{"kind": ["lib"], "name": "a"}, {"kind": ["example"], "name": "demo"}]
            }]}"#,
        )
        .unwrap();
        let package = &workspace.packages[0];
        let kinds: Vec<_> = package.dependencies.iter().map(|d| (d.name.as_str(), d.kind.as_str())).collect();
        assert_eq!(workspace.root, PathBuf::from("/w"));
        assert_eq!(kinds, [("b", "normal"), ("c", "dev")]);
        assert_eq!(package.features, ["x", "y"]);
        assert_eq!(package.examples, ["demo"]);
        assert!(package.library);
    }

    #[test]
    fn broken_json_is_an_error() {
        assert!(Workspace::parse("{").is_err());
        assert!(Workspace::parse(r#"{"packages": []}"#).is_err());
    }
}
