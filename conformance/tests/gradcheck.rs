//! The long gradient check, cut short.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use conformance::gradcheck;

#[test]
fn operations_are_checked_by_name() {
    let mut rows = Vec::new();
    let passed = gradcheck::run(10, &["abs".into(), "mul".into()], &mut |checked| {
        rows.push((checked.name, checked.first, checked.second));
    });
    assert!(passed.unwrap());
    assert_eq!(rows, [("abs", 10, None), ("mul", 10, Some(10))]);
    assert_eq!(gradcheck::run(1, &["abz".into()], &mut |_| ()).unwrap_err(), "no operation abz");
}
