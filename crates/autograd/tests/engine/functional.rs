//! Products with Jacobians and Hessians against their formulas.

use crate::support::*;

fn a() -> Tensor {
    vector(&[0.5, -1.0, 2.0])
}

fn b() -> Tensor {
    Tensor::from_vec(vec![1.0f64, 3.0], [2]).unwrap()
}

/// y₀ = outer product of x₀² and x₁, `[3, 2]`; y₁ = Σ x₁, of no x₀.
fn two_outputs(x: &[Var]) -> Result<Vec<Var>> {
    let square = x[0].mul(&x[0])?.reshape([3, 1])?;
    Ok(vec![square.mul(&x[1])?, x[1].sum()?])
}

fn list(x: &Tensor) -> Vec<f64> {
    x.to_vec().unwrap()
}

#[test]
fn a_jacobian_has_the_outputs_shape_then_the_inputs() {
    let found = jacobian(two_outputs, &[a(), b()]).unwrap();
    let shapes: Vec<Vec<String>> =
        found.iter().map(|row| row.iter().map(|j| j.shape().to_string()).collect()).collect();
    assert_eq!(shapes, [["[3, 2, 3]", "[3, 2, 2]"], ["[3]", "[2]"]]);
    let (x, w) = (list(&a()), list(&b()));
    let mut expected = Vec::new();
    for (i, xi) in x.iter().enumerate() {
        for wj in &w {
            expected.extend((0..3).map(|k| if k == i { 2.0 * xi * wj } else { 0.0 }));
        }
    }
    assert_eq!(list(&found[0][0]), expected);
    // An output that does not depend on an input, and one that depends on none.
    assert_eq!(list(&found[1][0]), [0.0; 3]);
    let constant = jacobian(|x| Ok(Var::from(x[0].detach())), &[a()]).unwrap();
    assert_eq!((constant[0][0].shape().to_string(), list(&constant[0][0])), ("[3, 3]".into(), vec![0.0; 9]));
    let empty = jacobian(|x| x[0].mul_scalar(2.0), &[Tensor::zeros([0], DType::F32).unwrap()]).unwrap();
    assert_eq!((empty[0][0].shape().clone(), empty[0][0].dtype()), (Shape::from([0, 0]), DType::F32));
}

#[test]
fn products_are_the_jacobian_times_a_vector_on_either_side() {
    let inputs = [a(), b()];
    let jacobian = jacobian(two_outputs, &inputs).unwrap();
    let v = [vector(&[1.0, -2.0, 0.5]), vector(&[3.0, 0.25])];
    let (outputs, product) = jvp(two_outputs, &inputs, &v).unwrap();
    assert_eq!(outputs.len(), 2);
    for (o, product) in product.iter().enumerate() {
        let times = |i: usize| {
            let j = jacobian[o][i].reshape([-1, inputs[i].numel() as isize]).unwrap();
            list(&j.matmul(&v[i]).unwrap())
        };
        let expected: Vec<f64> = times(0).iter().zip(times(1)).map(|(a, b)| a + b).collect();
        assert_eq!(list(product), expected);
    }
    let u =
        [Tensor::from_vec((0..6).map(f64::from).collect(), [3, 2]).unwrap(), Tensor::scalar(2.0f64).unwrap()];
    let (_, product) = vjp(two_outputs, &inputs, &u).unwrap();
    for (i, product) in product.iter().enumerate() {
        let times = |o: usize| {
            let j = jacobian[o][i].reshape([u[o].numel() as isize, -1]).unwrap();
            list(&u[o].reshape([-1]).unwrap().matmul(&j).unwrap())
        };
        let expected: Vec<f64> = times(0).iter().zip(times(1)).map(|(a, b)| a + b).collect();
        assert_eq!(list(product), expected);
    }
}

/// Σ x₀³ · Σ x₁²
fn cubes(x: &[Var]) -> Result<Var> {
    x[0].pow_scalar(3)?.sum()?.mul(&x[1].pow_scalar(2)?.sum()?)
}

#[test]
fn a_hessian_has_a_block_for_each_pair_of_inputs() {
    let found = hessian(cubes, &[a(), b()]).unwrap();
    let (x, w) = (list(&a()), list(&b()));
    let squares: f64 = w.iter().map(|w| w * w).sum();
    let at = |i: usize, k: usize| if i == k { 6.0 * x[i] * squares } else { 0.0 };
    let expected: Vec<f64> = (0..9).map(|n| at(n / 3, n % 3)).collect();
    assert_eq!(list(&found[0][0]), expected);
    let mixed: Vec<f64> = (0..6).map(|n| 3.0 * x[n / 2].powi(2) * 2.0 * w[n % 2]).collect();
    assert_eq!((found[0][1].shape().to_string(), list(&found[0][1])), ("[3, 2]".into(), mixed));
    assert_eq!(list(&found[1][0].t().unwrap().contiguous().unwrap()), list(&found[0][1]));
    // Linear: a gradient without history.
    let flat = hessian(|x| x[0].sum(), &[a()]).unwrap();
    assert_eq!(list(&flat[0][0]), [0.0; 9]);
}

#[test]
fn hessian_products_of_both_sides_agree() {
    let (inputs, v) = ([a(), b()], [vector(&[1.0, -2.0, 0.5]), vector(&[3.0, 0.25])]);
    let hessian = hessian(cubes, &inputs).unwrap();
    let (value, right) = hvp(cubes, &inputs, &v).unwrap();
    let (again, left) = vhp(cubes, &inputs, &v).unwrap();
    assert_eq!((value.item::<f64>().unwrap(), again.item::<f64>().unwrap()), (71.25, 71.25));
    for i in 0..2 {
        let times = |j: usize| list(&hessian[i][j].matmul(&v[j]).unwrap());
        for ((expected, right), left) in
            times(0).iter().zip(times(1)).map(|(a, b)| a + b).zip(list(&right[i])).zip(list(&left[i]))
        {
            assert!((expected - right).abs() < 1e-9 && (expected - left).abs() < 1e-9);
        }
    }
}

#[test]
fn arguments_that_do_not_fit_are_refused() {
    says(vjp(two_outputs, &[a(), b()], &[a()]), &["vjp", "number of tensors in v", "1"]);
    says(jvp(two_outputs, &[a(), b()], &[a()]), &["jvp", "number of tensors in v", "1"]);
    says(vjp(|x| x[0].exp(), &[a()], &[b()]), &["[2]", "[3]", file!()]);
    says(jvp(|x| x[0].exp(), &[a()], &[b()]), &["[2]", "[3]", file!()]);
    says(hessian(|x| x[0].exp(), &[a()]), &["only for scalar outputs", file!()]);
    says(jacobian(|x| x[0].exp(), &[Tensor::zeros([2], DType::I64).unwrap()]), &["floating point", "i64"]);
}
