//! The operators `+ - * /` and unary `-` on variables and numbers. They call the methods of the same name and panic
//! with the same text where those return an error; code that must not panic calls the methods.

use crate::{Result, Var};
use std::ops::{Add, Div, Mul, Neg, Sub};

#[track_caller]
#[expect(clippy::panic, reason = "an operator has no other way to refuse; the method does")]
fn or_panic(result: Result<Var>) -> Var {
    match result {
        Ok(var) => var,
        Err(error) => panic!("{error}"),
    }
}

macro_rules! operators {
    ($($trait:ident, $method:ident, $scalar:ident;)*) => {$(
        impl $trait<&Var> for &Var {
            type Output = Var;
            #[track_caller]
            fn $method(self, other: &Var) -> Var {
                or_panic(Var::$method(self, other))
            }
        }
        impl $trait<Var> for &Var {
            type Output = Var;
            #[track_caller]
            fn $method(self, other: Var) -> Var {
                or_panic(Var::$method(self, &other))
            }
        }
        impl $trait<&Var> for Var {
            type Output = Var;
            #[track_caller]
            fn $method(self, other: &Var) -> Var {
                or_panic(Var::$method(&self, other))
            }
        }
        impl $trait<Var> for Var {
            type Output = Var;
            #[track_caller]
            fn $method(self, other: Var) -> Var {
                or_panic(Var::$method(&self, &other))
            }
        }
        impl $trait<f64> for &Var {
            type Output = Var;
            #[track_caller]
            fn $method(self, other: f64) -> Var {
                or_panic(self.$scalar(other))
            }
        }
        impl $trait<f64> for Var {
            type Output = Var;
            #[track_caller]
            fn $method(self, other: f64) -> Var {
                or_panic(self.$scalar(other))
            }
        }
    )*};
}

operators! {
    Add, add, add_scalar;
    Sub, sub, sub_scalar;
    Mul, mul, mul_scalar;
    Div, div, div_scalar;
}

impl Neg for &Var {
    type Output = Var;
    #[track_caller]
    fn neg(self) -> Var {
        or_panic(Var::neg(self))
    }
}

impl Neg for Var {
    type Output = Var;
    #[track_caller]
    fn neg(self) -> Var {
        or_panic(Var::neg(&self))
    }
}
