//! The text files of the tree.

use std::path::Path;

use crate::{Error, Result};

/// A text file of the project.
pub struct File {
    /// Its path from the root, with `/` between the parts.
    pub path: String,
    /// What is in it.
    pub text: String,
}

impl File {
    /// A file from its parts.
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> File {
        File { path: path.into(), text: text.into() }
    }

    /// Whether it is Rust source.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// All text files below `root`, sorted by path. Reads the folder and not git's index, so that a file is checked
/// before it is committed and an unpacked archive can be checked too.
pub fn read_tree(root: &Path) -> Result<Vec<File>> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let broken = |error| Error::Broken(format!("cannot read {}: {error}", folder.display()));
        for entry in std::fs::read_dir(&folder).map_err(broken)? {
            let entry = entry.map_err(broken)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(broken)?);
            if kind.is_dir() {
                if entry.file_name() != ".git" && entry.file_name() != "target" {
                    folders.push(path);
                }
            } else if kind.is_file() {
                // Bytes that are not UTF-8 are data, not text.
                let Ok(text) = String::from_utf8(std::fs::read(&path).map_err(broken)?) else { continue };
                let relative = path.strip_prefix(root).unwrap_or(&path);
                let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
                files.push(File::new(parts.join("/"), text));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_crate() {
        let files = read_tree(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap();
        let this = files.iter().find(|file| file.path == "src/tidy/file.rs").unwrap();
        assert!(this.is_rust() && this.text.contains("fn reads_this_crate"));
    }
}
