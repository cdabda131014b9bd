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

/// A number on the left of a var.
macro_rules! left_operators {
    ($($trait:ident, $method:ident, |$number:ident, $x:ident| $body:expr;)*) => {$(
        impl $trait<&Var> for f64 {
            type Output = Var;
            #[track_caller]
            fn $method(self, $x: &Var) -> Var {
                let $number = self;
                or_panic($body)
            }
        }
        impl $trait<Var> for f64 {
            type Output = Var;
            #[track_caller]
            fn $method(self, $x: Var) -> Var {
                let $number = self;
                or_panic($body)
            }
        }
    )*};
}

left_operators! {
    Add, add, |number, x| x.add_scalar(number);
    Sub, sub, |number, x| x.sub_scalar(number).and_then(|y| Var::neg(&y));
    Mul, mul, |number, x| x.mul_scalar(number);
    Div, div, |number, x| x.pow_scalar(-1).and_then(|y| y.mul_scalar(number));
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
