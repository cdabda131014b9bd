//! The operators `+ - * /` and unary `-` on tensors and numbers. They call the methods of the same name and panic
//! with the same text where those return an error; code that must not panic calls the methods.

/// Implements the operators for a type that has the methods: for tensors here, for the variables of `autograd` there.
#[doc(hidden)]
#[macro_export]
macro_rules! arithmetic_operators {
    ($T:ident) => {
        #[track_caller]
        #[allow(clippy::panic, reason = "an operator has no other way to refuse; the method does")]
        fn or_panic<E: std::fmt::Display>(result: Result<$T, E>) -> $T {
            match result {
                Ok(value) => value,
                Err(error) => panic!("{error}"),
            }
        }

        $crate::arithmetic_operators! {
            @binary $T,
            Add add |a, b| [a.add(b)], [a.add_scalar(b)], [b.add_scalar(a)];
            Sub sub |a, b| [a.sub(b)], [a.sub_scalar(b)], [b.sub_scalar(a).and_then(|y| y.neg())];
            Mul mul |a, b| [a.mul(b)], [a.mul_scalar(b)], [b.mul_scalar(a)];
            Div div |a, b| [a.div(b)], [a.div_scalar(b)], [b.reciprocal().and_then(|y| y.mul_scalar(a))];
        }

        $crate::arithmetic_operators!(@neg $T, &$T);
        $crate::arithmetic_operators!(@neg $T, $T);
    };
    (@binary $T:ident, $(
        $trait:ident $method:ident |$a:ident, $b:ident| [$both:expr], [$right:expr], [$left:expr];
    )*) => {$(
        $crate::arithmetic_operators!(@one $T, $trait, $method, &$T, &$T, |$a, $b| $both);
        $crate::arithmetic_operators!(@one $T, $trait, $method, &$T, $T, |$a, $b| { let $b = &$b; $both });
        $crate::arithmetic_operators!(@one $T, $trait, $method, $T, &$T, |$a, $b| { let $a = &$a; $both });
        $crate::arithmetic_operators!(@one $T, $trait, $method, $T, $T, |$a, $b| { let ($a, $b) = (&$a, &$b); $both });
        $crate::arithmetic_operators!(@one $T, $trait, $method, &$T, f64, |$a, $b| $right);
        $crate::arithmetic_operators!(@one $T, $trait, $method, $T, f64, |$a, $b| { let $a = &$a; $right });
        $crate::arithmetic_operators!(@one $T, $trait, $method, f64, &$T, |$a, $b| $left);
        $crate::arithmetic_operators!(@one $T, $trait, $method, f64, $T, |$a, $b| { let $b = &$b; $left });
    )*};
    (@one $T:ident, $trait:ident, $method:ident, $A:ty, $B:ty, |$a:ident, $b:ident| $body:expr) => {
        impl std::ops::$trait<$B> for $A {
            type Output = $T;
            #[track_caller]
            fn $method(self, other: $B) -> $T {
                let ($a, $b) = (self, other);
                or_panic($body)
            }
        }
    };
    (@neg $T:ident, $A:ty) => {
        impl std::ops::Neg for $A {
            type Output = $T;
            #[track_caller]
            fn neg(self) -> $T {
                or_panic($T::neg(&self))
            }
        }
    };
}

use crate::Tensor;

arithmetic_operators!(Tensor);
