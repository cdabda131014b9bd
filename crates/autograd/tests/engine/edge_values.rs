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
    same(slope(&[-1.0, 0.0, 1.0, NAN], Var::relu), &[0.0, 0.0, 1.0, 1.0]);
    same(slope(&[-1.0, 0.0, 1.0], Var::abs), &[-1.0, 0.0, 1.0]);
    same(slope(&[0.0, 4.0], Var::sqrt), &[INF, 0.25]);
    // So the branch that was not taken poisons the gradient.
    let positive = Tensor::from_vec(vec![false, true], [2]).unwrap();
    let zeros = Var::from(vector(&[0.0, 0.0]));
    same(slope(&[-1.0, 4.0], |x| x.sqrt()?.where_cond(&positive, &zeros)), &[NAN, 0.25]);
}

#[test]
fn the_derivative_of_relu_at_nan_is_1_on_every_path() {
    let x = leaf(&[NAN, 1.0, -1.0]);
    let twice = grad(&x.relu().unwrap().sum().unwrap(), &[&x], true).unwrap();
    same(values(&twice[0]), &[1.0, 1.0, 0.0]);
    let one = Var::from(vector(&[1.0]).reshape([1, 1]).unwrap());
    let line =
        |x: &Var| x.unsqueeze(1)?.linear(&one, None, autograd::tensor_core::Activation::Relu)?.flatten(0, 1);
    same(value(&[NAN, 1.0, -1.0], line), &[NAN, 1.0, 0.0]);
    same(slope(&[NAN, 1.0, -1.0], line), &[1.0, 1.0, 0.0]);
}

#[test]
fn rectifiers_at_their_bounds() {
    same(slope(&[-1.0, 1.0, 0.0, NAN], |x| x.hardtanh(-1.0, 1.0)), &[0.0, 0.0, 1.0, 1.0]);
    same(slope(&[0.0, 6.0, 3.0, NAN, 7.0], Var::relu6), &[0.0, 0.0, 1.0, 1.0, 0.0]);
    let at = [-3.0, 3.0, 0.0, NAN];
    same(slope(&at, |x| x.leaky_relu(0.01)), &[0.01, 1.0, 0.01, 0.01]);
    same(slope(&at, |x| x.softshrink(3.0)), &[0.0, 0.0, 0.0, 1.0]);
    same(slope(&at, |x| x.hardshrink(3.0)), &[0.0, 0.0, 0.0, 1.0]);
    same(slope(&at, |x| x.threshold(0.0, 0.0)), &[0.0, 1.0, 0.0, 1.0]);
    same(slope(&at, Var::hardsigmoid), &[0.0, 0.0, 1.0 / 6.0, 0.0]);
}

#[test]
fn clamp_by_tensors_shares_at_its_bounds() {
    let bounds = |min: f64, max: f64| {
        let (x, min, max) = (leaf(&[1.0, 0.0, 2.0, 1.5]), leaf(&[min; 4]), leaf(&[max; 4]));
        x.clamp_tensor(Some(&min), Some(&max)).unwrap().sum().unwrap().backward().unwrap();
        [gradient(&x), gradient(&min), gradient(&max)]
    };
    assert_eq!(bounds(1.0, 2.0), [[0.5, 0.0, 0.5, 1.0], [0.5, 1.0, 0.0, 0.0], [0.0, 0.0, 0.5, 0.0]]);
    assert_eq!(bounds(2.0, 1.0), [[0.0; 4], [0.0; 4], [1.0; 4]], "the upper bound wins");
    let one = Var::from(vector(&[1.0]));
    same(slope(&[1.0, 0.0, 2.0], |x| x.clamp_tensor(None, Some(&one))), &[0.5, 1.0, 0.0]);
    same(slope(&[1.0, 0.0, 2.0], |x| x.clamp_tensor(Some(&one), None)), &[0.5, 0.0, 1.0]);
}

#[test]
fn fmax_and_fmin_ignore_nan() {
    let (x, y) = ([NAN, 1.0, 2.0, NAN, 3.0], [1.0, NAN, 2.0, NAN, 1.0]);
    for (op, expected, of_x, of_y) in [
        (
            Var::fmax as fn(&Var, &Var) -> Result<Var>,
            [1.0, 1.0, 2.0, NAN, 3.0],
            [0.0, 1.0, 0.5, 1.0, 1.0],
            [1.0, 0.0, 0.5, 0.0, 0.0],
        ),
        (Var::fmin, [1.0, 1.0, 2.0, NAN, 1.0], [0.0, 1.0, 0.5, 1.0, 0.0], [1.0, 0.0, 0.5, 0.0, 1.0]),
    ] {
        let (x, y) = (leaf(&x), leaf(&y));
        let z = op(&x, &y).unwrap();
        z.sum().unwrap().backward().unwrap();
        same(values(&z), &expected);
        assert_eq!((gradient(&x), gradient(&y)), (of_x.to_vec(), of_y.to_vec()));
    }
}

#[test]
fn division_by_zero() {
    let [one, zero] = [1i64, 0].map(|n| Tensor::from_slice(&[n, -n], [2]).unwrap());
    same(one.div(&zero).unwrap().to_dtype(DType::F64).unwrap().to_vec().unwrap(), &[INF, -INF]);
    for mode in [RoundingMode::Trunc, RoundingMode::Floor] {
        says(one.div_mode(&zero, mode).map_err(Error::from), &["by zero"]);
        let zeros = Var::from(vector(&[0.0; 3]));
        same(value(&[1.0, -1.0, 0.0], |x| x.div_mode(&zeros, mode)), &[INF, -INF, NAN]);
    }
    says(one.remainder(&zero).map_err(Error::from), &["remainder", "by zero"]);
    says(one.fmod(&zero).map_err(Error::from), &["fmod", "by zero"]);
    let divisors = Var::from(vector(&[0.0, 0.0, INF, 1.0]));
    same(value(&[1.0, -1.0, 5.0, INF], |x| x.remainder(&divisors)), &[NAN, NAN, 5.0, NAN]);
    same(value(&[1.0, -1.0, 5.0, INF], |x| x.fmod(&divisors)), &[NAN, NAN, 5.0, NAN]);
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
    same(slope(&[2.0, 2.0, 1.0], |x| Ok(x.aminmax(None, false)?.1)), &[0.5, 0.5, 0.0]);
    says(leaf(&[]).aminmax(None, false), &["no elements"]);
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
    same(slope(&[2.0, NAN, 0.0], Var::prod), &[NAN, 0.0, NAN]);
    same(slope(&[2.0, 0.0, 3.0], |x| x.cumprod(0)), &[1.0, 8.0, 0.0]);
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
    same(slope(&[1.0, NAN, 2.0], Var::median), &[0.0, 1.0, 0.0]);
    same(slope(&[1.0, NAN, 2.0], Var::nanmedian), &[1.0, 0.0, 0.0]);
    same(value(&[NAN], Var::nanmedian), &[NAN]);
    same(value(&[], Var::median), &[NAN]);
}

#[test]
fn sums_and_means_without_nan() {
    same(value(&[1.0, NAN, 3.0], |x| x.nanmean(0, false)), &[2.0]);
    same(slope(&[1.0, NAN, 3.0], |x| x.nanmean(0, false)), &[0.5, 0.0, 0.5]);
    same(value(&[NAN, NAN], |x| x.nanmean(0, false)), &[NAN]);
    same(slope(&[NAN, 1.0], |x| x.nansum(0, false)), &[0.0, 1.0]);
}

#[test]
fn nan_is_the_largest_where_elements_are_ordered() {
    same(value(&[NAN, 1.0, INF, -INF], |x| Ok(x.sort(0, false)?.0)), &[-INF, 1.0, INF, NAN]);
    same(value(&[1.0, NAN, INF], |x| Ok(x.sort(0, true)?.0)), &[NAN, INF, 1.0]);
    same(value(&[1.0, NAN, 3.0], |x| Ok(x.topk(2, 0, true)?.0)), &[NAN, 3.0]);
    same(value(&[1.0, NAN, 3.0], |x| Ok(x.topk(2, 0, false)?.0)), &[1.0, 3.0]);
    same(value(&[1.0, NAN, 3.0], |x| Ok(x.kthvalue(3, 0, false)?.0)), &[NAN]);
    let x = vector(&[NAN, 1.0, INF, -INF, NAN]);
    assert_eq!(
        x.argsort(0, false).unwrap().to_vec::<i64>().unwrap(),
        [3, 1, 2, 0, 4],
        "equals keep their order"
    );
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
    same(value(&[], |x| x.logsumexp(0, false)), &[-INF]);
    same(value(&[], |x| x.var_dim(0, 1.0, false)), &[NAN]);
    same(value(&[1.0], |x| x.var_dim(0, 1.0, false)), &[NAN]);
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
    same(slope(&[INF, 0.0], |x| x.logsumexp(0, false)), &[NAN, 0.0]);
    let y = Var::from(vector(&[-INF, INF]));
    same(value(&[-INF, INF], |x| x.logaddexp(&y)), &[-INF, INF]);
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
    let pool = |x: &Var| x.view([1, 1, 2, 2])?.max_pool2d(MaxPoolOptions::new([2, 2]));
    same(slope(&[1.0, NAN, 2.0, NAN], pool), &[0.0, 0.0, 0.0, 1.0]);
    same(slope(&[1.0, NAN], |x| Ok(x.max_dim(0, false)?.0)), &[0.0, 1.0]);
    same(slope(&[1.0, NAN, 2.0], |x| Ok(x.cummax(0)?.0)), &[1.0, 2.0, 0.0]);
    assert_eq!(vector(&[1.0, NAN, 0.0]).argmin(0, false).unwrap().item::<i64>().unwrap(), 1);
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
