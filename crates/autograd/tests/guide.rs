//! `docs/adding-an-op.md` shows an operation as it is in the tree, where the table's tests check it. (The guide's other
//! code runs as a test of the documentation, with the feature `proptest`.)
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

const GUIDE: &str = include_str!("../../../docs/adding-an-op.md");

/// The fenced blocks that are shown and not run.
fn shown() -> Vec<&'static str> {
    let blocks = GUIDE.split("```rs\n").skip(1);
    blocks.map(|rest| rest.split("```").next().expect("a block")).collect()
}

#[test]
fn the_shown_operation_is_the_file_in_the_tree_and_its_line_in_the_table() {
    let [file, line] = shown()[..] else { panic!("expected a file and a line") };
    assert_eq!(file, include_str!("../src/ops/cumsum.rs"), "docs/adding-an-op.md shows another cumsum.rs");
    assert!(include_str!("../src/ops/mod.rs").contains(line));
    assert!(autograd::ops::TABLE.iter().any(|row| row.name == line.trim().trim_end_matches(',')));
}
