//! An op is one file and one row: every file beside the table is in the table.

use super::source::Source;
use super::{File, Findings};

const FOLDER: &str = "crates/autograd/src/ops/";

pub fn check(files: &[File]) -> Findings {
    let mut found = Findings::default();
    let table_path = format!("{FOLDER}mod.rs");
    let Some(table) = files.iter().find(|file| file.path == table_path) else {
        found.failures.push(format!("{table_path}: the op table is missing"));
        return found;
    };
    let source = Source::parse(&table.text);
    let tokens = source.tokens();
    for file in files {
        let stem = file.path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".rs"));
        let Some(stem) = stem.filter(|stem| *stem != "mod" && !stem.contains('/')) else { continue };
        if !in_table(&tokens, stem) {
            found.failures.push(format!("{}: the op has no row in {table_path}", file.path));
        }
    }
    found
}

/// Whether `stem::` is said anywhere but in a `use`: declaring a module is not listing it.
fn in_table(tokens: &[(usize, &str)], stem: &str) -> bool {
    let mut statement = "";
    for window in tokens.windows(3) {
        let words = [window[0].1, window[1].1, window[2].1];
        match words[0] {
            "use" | "mod" => statement = words[0],
            ";" => statement = "",
            _ => {}
        }
        if statement.is_empty() && words == [stem, ":", ":"] {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(table: &str) -> Vec<String> {
        let paths = ["add.rs", "neg.rs", "mod.rs"].map(|name| format!("{FOLDER}{name}"));
        check(&[
            File::new(paths[0].as_str(), ""),
            File::new(paths[1].as_str(), ""),
            File::new(paths[2].as_str(), table),
        ])
        .failures
    }

    #[test]
    fn a_full_table_is_clean() {
        assert_eq!(failures("mod add;\nmod neg;\nconst OPS: &[Row] = &[add::ROW, neg::ROW];"), [""; 0]);
    }

    #[test]
    fn a_file_without_a_row_is_found() {
        let table = "mod add; mod neg; pub use neg::Neg; // neg::ROW\nconst OPS: &[Row] = &[add::ROW];";
        let expected = format!("{FOLDER}neg.rs: the op has no row in {FOLDER}mod.rs");
        assert_eq!(failures(table), [expected]);
    }

    #[test]
    fn a_missing_table_is_found() {
        assert!(check(&[]).failures[0].contains("missing"));
    }
}
