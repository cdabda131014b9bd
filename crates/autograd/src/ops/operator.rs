//! The operators `+ - * /` and unary `-` on variables and numbers. They call the methods of the same name and panic
//! with the same text where those return an error; code that must not panic calls the methods.

use crate::Var;

tensor_core::arithmetic_operators!(Var);
