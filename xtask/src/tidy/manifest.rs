//! Every crate but the one with `unsafe` takes the workspace's lints, and these forbid `unsafe`.

use super::{File, Findings};

/// The crate that has lints of its own, since `forbid` cannot be lifted file by file.
const OWN_LINTS: &str = "crates/tensor-core/Cargo.toml";

/// Workspaces of their own: the fuzz targets, which are made by a macro, and other libraries' benchmarks.
const OUTSIDE: [&str; 3] =
    ["fuzz/Cargo.toml", "benches/peers/burn/Cargo.toml", "benches/peers/candle/Cargo.toml"];

pub fn check(files: &[File]) -> Findings {
    let mut found = Findings::default();
    for file in files.iter().filter(|file| file.path.ends_with("Cargo.toml")) {
        if file.path == "Cargo.toml" {
            if !has(&file.text, "workspace.lints.rust", "unsafe_code", "\"forbid\"") {
                found
                    .failures
                    .push("Cargo.toml: [workspace.lints.rust] wants unsafe_code = \"forbid\"".into());
            }
        } else if file.path != OWN_LINTS
            && !OUTSIDE.contains(&file.path.as_str())
            && !has(&file.text, "lints", "workspace", "true")
        {
            found.failures.push(format!("{}: wants [lints] with workspace = true", file.path));
        }
    }
    found
}

/// Whether the table `[section]` has the line `key = value`.
fn has(text: &str, section: &str, key: &str, value: &str) -> bool {
    let mut current = "";
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or("").trim();
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            current = name.trim();
        } else if let Some((name, setting)) = line.split_once('=')
            && (current, name.trim(), setting.trim()) == (section, key, value)
        {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(path: &str, text: &str) -> usize {
        check(&[File::new(path, text)]).failures.len()
    }

    #[test]
    fn a_crate_takes_the_workspace_lints() {
        assert_eq!(failures("crates/nn/Cargo.toml", "[package]\n\n[lints]\nworkspace = true # all\n"), 0);
        assert_eq!(failures("crates/nn/Cargo.toml", "[package]\nworkspace = true\n"), 1);
        assert_eq!(failures("crates/nn/Cargo.toml", "[lints]\n# workspace = true\n"), 1);
        assert_eq!(failures(OWN_LINTS, "[lints.rust]\n"), 0);
        assert_eq!(failures(OUTSIDE[0], "[workspace]\n"), 0);
    }

    #[test]
    fn the_workspace_forbids_unsafe() {
        assert_eq!(failures("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n"), 0);
        assert_eq!(failures("Cargo.toml", "[workspace.lints.rust]\nunsafe_code = \"deny\"\n"), 1);
    }
}
