//! Arguments that nobody means: whatever is passed, an operation returns a value or a typed error. It does not panic, it
//! does not abort, and it does not take more memory than it is allowed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by a panic")]

mod arguments;
mod attempt;
mod compositions;
mod families;
mod huge;
mod rows;
