//! An op is one file and one row: every file beside the table is in the table, and no op is hidden elsewhere, where
//! the gradient check would not see it.

use super::source::{Source, is_word};
use super::{File, Findings};

const FOLDER: &str = "crates/autograd/src/ops/";

/// Files beside the table that add no op: `operator.rs` maps `+ - * /` to the methods of ops that have rows.
const NO_OPS: &[&str] = &["mod", "operator"];

/// Rules outside of the folder that add no op: the body that all pointwise ops share, each with a file and row of its
/// own, and the stand-in for an op whose values are computed again.
const SHARED_RULES: &[&str] = &["crates/autograd/src/pointwise.rs", "crates/autograd/src/checkpoint.rs"];

pub fn check(files: &[File]) -> Findings {
    let mut found = Findings::default();
    for file in files.iter().filter(|file| is_library(&file.path) && has_rule(&Source::parse(&file.text))) {
        found.failures.push(format!("{}: an op outside of {FOLDER}", file.path));
    }
    let table_path = format!("{FOLDER}mod.rs");
    let Some(table) = files.iter().find(|file| file.path == table_path) else {
        found.failures.push(format!("{table_path}: the op table is missing"));
        return found;
    };
    let source = Source::parse(&table.text);
    let rows = rows(&source);
    for file in files {
        let stem = file.path.strip_prefix(FOLDER).and_then(|name| name.strip_suffix(".rs"));
        let Some(stem) = stem.filter(|stem| !NO_OPS.contains(stem) && !stem.contains('/')) else { continue };
        if !rows.contains(&stem) {
            found.failures.push(format!("{}: the op has no row in {table_path}", file.path));
        }
    }
    found
}

/// The names between the braces of `table! { .. }`.
fn rows(source: &Source) -> Vec<&str> {
    let tokens: Vec<&str> = source.tokens().into_iter().map(|(_, token)| token).collect();
    let Some(start) = tokens.windows(3).position(|window| window == ["table", "!", "{"]) else {
        return Vec::new();
    };
    let body = tokens[start + 3..].iter().take_while(|token| **token != "}");
    body.copied().filter(|token| token.chars().all(is_word)).collect()
}

/// Whether the file is source of one of the crates, where no op belongs.
fn is_library(path: &str) -> bool {
    path.ends_with(".rs")
        && path.starts_with("crates/")
        && path.contains("/src/")
        && !path.starts_with(FOLDER)
        && !SHARED_RULES.contains(&path)
}

/// Whether the source implements the trait `Op`; ops that unit tests make up, below `#[cfg(test)]`, do not count.
fn has_rule(source: &Source) -> bool {
    let tokens: Vec<&str> = source.tokens().into_iter().map(|(_, token)| token).collect();
    let tests = tokens.windows(3).position(|window| window == ["cfg", "(", "test"]);
    tokens[..tests.unwrap_or(tokens.len())].windows(2).any(|pair| pair == ["Op", "for"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failures(table: &str) -> Vec<String> {
        let file = |name: &str, text: &str| File::new(format!("{FOLDER}{name}"), text);
        check(&[file("add.rs", ""), file("neg.rs", ""), file("operator.rs", ""), file("mod.rs", table)])
            .failures
    }

    #[test]
    fn a_full_table_is_clean() {
        let table =
            "macro_rules! table { ($($op:ident),*) => {} }\ntable! {\n    add,\n    neg,\n}\nmod operator;";
        assert_eq!(failures(table), [""; 0]);
    }

    #[test]
    fn a_file_without_a_row_is_found() {
        let table = "mod neg; // neg,\ntable! { add }\npub use neg::Neg;";
        let expected = format!("{FOLDER}neg.rs: the op has no row in {FOLDER}mod.rs");
        assert_eq!(failures(table), [expected]);
    }

    #[test]
    fn an_op_elsewhere_is_found() {
        let found = |path: &str, text: &str| check(&[File::new(path, text)]).failures.len() - 1;
        let rule = "impl autograd::Op for Cube {}";
        assert_eq!(found("crates/nn/src/cube.rs", rule), 1);
        assert_eq!(found("crates/nn/src/cube.rs", &format!("#[cfg(test)]\nmod tests {{ {rule} }}")), 0);
        for path in
            ["crates/autograd/tests/custom.rs", "examples/custom.rs", SHARED_RULES[0], SHARED_RULES[1]]
        {
            assert_eq!(found(path, rule), 0, "{path}");
        }
    }

    #[test]
    fn a_missing_table_is_found() {
        assert!(check(&[]).failures[0].contains("missing"));
    }
}
