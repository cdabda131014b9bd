//! Values and gradients at ties, kinks, bounds, zeros and infinities, and over nothing: PyTorch 2.15's, each.

use crate::support::*;

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// The gradient of `Σ f(x)` at `at`.
fn slope(at: &[f64], f: impl Fn(&Var) -> Result<Var>) -> Vec<f64> {
    let x = leaf(at);
    f(&x).unwrap().sum().unwrap().backward().unwrap();
    gradient(&x)
}

/// The values of `f` at `at`.
fn value(at: &[f64], f: impl Fn(&Var) -> Result<Var>) -> Vec<f64> {
    values(&f(&leaf(at)).unwrap())
}

/// Equal, NaN to NaN.
#[track_caller]
fn same(found: Vec<f64>, expected: &[f64]) {
    let equal = found.len() == expected.len()
        && found.iter().zip(expected).all(|(f, e)| f == e || f.is_nan() && e.is_nan());
    assert!(equal, "{found:?}, expected {expected:?}");
}

#[test]
fn clamp_is_open_at_its_bounds() {
    same(slope(&[-1.0, -0.5, 1.0, 2.0], |x| x.clamp(Some(-1.0), Some(1.0))), &[0.0, 1.0, 0.0, 0.0]);
    same(slope(&[-1.0, 0.0], |x| x.clamp(Some(-1.0), None)), &[0.0, 1.0]);
    same(slope(&[1.0, 0.0], |x| x.clamp(None, Some(1.0))), &[0.0, 1.0]);
    same(value(&[NAN, 5.0], |x| x.clamp(Some(-1.0), Some(1.0))), &[NAN, 1.0]);
}

#[test]
fn kinks_at_zero() {
    same(slope(&[-1.0, 0.0, 1.0], Var::relu), &[0.0, 0.0, 1.0]);
    same(slope(&[-1.0, 0.0, 1.0], Var::abs), &[-1.0, 0.0, 1.0]);
    same(slope(&[0.0, 4.0], Var::sqrt), &[INF, 0.25]);
    // So the branch that was not taken poisons the gradient.
    let positive = Tensor::from_vec(vec![false, true], [2]).unwrap();
    let zeros = Var::from(vector(&[0.0, 0.0]));
    same(slope(&[-1.0, 4.0], |x| x.sqrt()?.where_cond(&positive, &zeros)), &[NAN, 0.25]);
}

#[test]
fn ties_of_maximum_and_minimum_are_halved() {
    let b = leaf(&[1.0, 3.0, 5.0]);
    for op in [Var::maximum, Var::minimum] {
        b.zero_grad();
        let x = leaf(&[1.0, 2.0, 6.0]);
        op(&x, &b).unwrap().sum().unwrap().backward().unwrap();
        assert_eq!((gradient(&x)[0], gradient(&b)[0]), (0.5, 0.5));
        assert_eq!(gradient(&x)[1] + gradient(&b)[1], 1.0);
    }
    let one = Var::from(vector(&[1.0]));
    same(value(&[NAN], |x| x.maximum(&one)), &[NAN]);
    same(value(&[NAN], |x| one.maximum(x)), &[NAN]);
    same(value(&[NAN], |x| x.minimum(&one)), &[NAN]);
}

#[test]
fn ties_of_amax_are_shared_and_those_of_max_along_a_dimension_go_to_the_first() {
    same(slope(&[2.0, 2.0, 1.0], |x| x.amax(0, false)), &[0.5, 0.5, 0.0]);
    same(slope(&[1.0, 1.0, 2.0], |x| x.amin(0, false)), &[0.5, 0.5, 0.0]);
    same(slope(&[2.0, 2.0, 1.0], |x| Ok(x.max_dim(0, false)?.0)), &[1.0, 0.0, 0.0]);
    same(slope(&[1.0, 1.0, 2.0], |x| Ok(x.min_dim(0, false)?.0)), &[1.0, 0.0, 0.0]);
}

#[test]
fn powers_of_zero() {
    same(slope(&[0.0, 2.0], |x| x.pow_scalar(0)), &[0.0, 0.0]);
    same(value(&[0.0], |x| x.pow_scalar(0)), &[1.0]);
    same(slope(&[0.0], |x| x.pow_scalar(1)), &[1.0]);
    same(slope(&[0.0], |x| x.pow_scalar(0.5)), &[INF]);
}

#[test]
fn a_product_with_zeros_is_exact() {
    same(slope(&[2.0, 0.0, 3.0], Var::prod), &[0.0, 6.0, 0.0]);
    same(slope(&[2.0, 0.0, 0.0], Var::prod), &[0.0, 0.0, 0.0]);
    same(value(&[], Var::prod), &[1.0]);
}

#[test]
fn norms_of_zero_have_no_slope() {
    for p in [1.0, 2.0, 3.0, INF] {
        same(slope(&[0.0, 0.0], |x| x.norm(p, 0, false)), &[0.0, 0.0]);
    }
}

#[test]
fn a_median_is_one_element_the_lower_of_an_even_count() {
    same(slope(&[3.0, 1.0, 2.0], Var::median), &[0.0, 0.0, 1.0]);
    same(slope(&[4.0, 1.0, 3.0, 2.0], Var::median), &[0.0, 0.0, 0.0, 1.0]);
    same(value(&[1.0, NAN, 2.0], Var::median), &[NAN]);
    same(value(&[1.0, NAN, 2.0], Var::nanmedian), &[1.0]);
}

#[test]
fn nan_is_the_largest_where_elements_are_ordered() {
    same(value(&[NAN, 1.0, INF, -INF], |x| Ok(x.sort(0, false)?.0)), &[-INF, 1.0, INF, NAN]);
    same(value(&[1.0, NAN, INF], |x| Ok(x.sort(0, true)?.0)), &[NAN, INF, 1.0]);
    same(value(&[1.0, NAN, 3.0], |x| Ok(x.topk(2, 0, true)?.0)), &[NAN, 3.0]);
    same(slope(&[1.0, 5.0, 3.0], |x| Ok(x.topk(2, 0, true)?.0)), &[0.0, 1.0, 1.0]);
}

#[test]
fn an_element_gathered_twice_gets_both_gradients() {
    let index = Tensor::from_slice(&[0i64, 0, 2], [3]).unwrap();
    same(slope(&[1.0, 2.0, 3.0], |x| x.gather(0, &index)), &[2.0, 0.0, 1.0]);
    same(slope(&[1.0, 2.0, 3.0], |x| x.index_select(0, &index)), &[2.0, 0.0, 1.0]);
}

#[test]
fn reductions_of_nothing() {
    same(value(&[], Var::sum), &[0.0]);
    same(value(&[], Var::mean), &[NAN]);
    same(slope(&[], Var::mean), &[]);
    says(leaf(&[]).amax(0, false), &["amax", "no elements"]);
    says(leaf(&[]).max_dim(0, false), &["no elements"]);
    says(leaf(&[]).detach().argmax(0, false).map_err(Error::from), &["no elements"]);
}

#[test]
fn cross_entropy_with_every_target_ignored() {
    let logits = Var::leaf(Tensor::ones([2, 3], DType::F64).unwrap()).unwrap();
    let target = Tensor::from_slice(&[-100i64, -100], [2]).unwrap();
    same(values(&logits.cross_entropy(&target).unwrap()), &[NAN]);
}

#[test]
fn softmax_and_its_family_at_infinity() {
    same(value(&[-INF, -INF], |x| x.softmax(0)), &[NAN, NAN]);
    same(value(&[-INF, -INF], |x| x.log_softmax(0)), &[NAN, NAN]);
    same(value(&[0.0, INF], |x| x.softmax(0)), &[NAN, NAN]);
    same(value(&[0.0, -INF], |x| x.softmax(0)), &[1.0, 0.0]);
    same(value(&[-INF, -INF], |x| x.logsumexp(0, false)), &[-INF]);
    same(value(&[INF, 0.0], |x| x.logsumexp(0, false)), &[INF]);
}

#[test]
fn nan_goes_through() {
    same(value(&[NAN], Var::relu), &[NAN]);
    same(value(&[1.0, NAN, 2.0], |x| x.amax(0, false)), &[NAN]);
    same(value(&[1.0, NAN, 2.0], |x| x.amin(0, false)), &[NAN]);
    same(value(&[1.0, NAN, 2.0], |x| Ok(x.max_dim(0, false)?.0)), &[NAN]);
    let x = vector(&[1.0, NAN, 2.0, NAN]);
    assert_eq!(x.argmax(0, false).unwrap().item::<i64>().unwrap(), 1, "the first NaN");
    let image = |values: &[f64]| vector(values).reshape([1, 1, 2, 2]).unwrap();
    let pooled = Var::from(image(&[1.0, NAN, 2.0, 3.0])).max_pool2d(MaxPoolOptions::new([2, 2])).unwrap();
    same(values(&pooled), &[NAN]);
}

#[test]
fn a_float_leaf_used_in_double_gets_a_float_gradient() {
    let x = Var::leaf(Tensor::ones([2], DType::F32).unwrap()).unwrap();
    x.to_dtype(DType::F64).unwrap().mul_scalar(3.0).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(
        (x.grad().unwrap().dtype(), x.grad().unwrap().to_vec::<f32>().unwrap()),
        (DType::F32, vec![3.0; 2])
    );
}
