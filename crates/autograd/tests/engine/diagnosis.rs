//! The graph as DOT, and the report of the gradients.

use crate::support::*;

fn parameter(value: f64) -> Parameter {
    Parameter::new(Tensor::scalar(value).unwrap()).unwrap()
}

#[test]
fn dot_has_every_operation_with_shape_and_line_and_every_leaf_with_its_name() {
    let w = Parameter::new(Tensor::ones([3, 2], DType::F32).unwrap()).unwrap();
    let b = Parameter::new(Tensor::ones([2], DType::F32).unwrap()).unwrap();
    let x = Var::from(Tensor::ones([5, 3], DType::F32).unwrap());
    let line = line!() + 1;
    let product = x.matmul(&w.var()).unwrap();
    let sum = product.add(&b.var()).unwrap();
    let loss = sum.mul(&sum).unwrap().mean().unwrap();
    let dot = graph_to_dot(&[&loss], &[("fc.weight", w.var()), ("a \"b\"", b.var())]);
    let here = format!("matmul\\n[5, 2]\\n{}:{line}", file!());
    for part in ["digraph {", &here, "fc.weight\\nf32 [3, 2]", "a \\\"b\\\"\\nf32 [2]", "output 0\\nf32 []"] {
        assert!(dot.contains(part), "{dot}\ndoes not have {part}");
    }
    // One node an operation, one arrow a dependency: `sum` is used twice by one operation.
    let count = |part: &str| dot.matches(part).count();
    assert_eq!(
        (count("[label=\"leaf"), count("fillcolor"), count(" -> "), dot.lines().count()),
        (0, 2, 6, 16),
        "{dot}"
    );
    assert_eq!(graph_to_dot(&[&x], &[]).lines().count(), 3, "a constant has no graph");
    assert!(graph_to_dot(&[&w.var()], &[]).contains("leaf\\nf32 [3, 2]"));
}

#[test]
fn a_report_tells_what_each_gradient_is() {
    let named: Vec<(&str, Parameter)> = [("fine", 3.0), ("zero", 2.0), ("infinite", 0.0), ("nan", 0.0)]
        .map(|(n, v)| (n, parameter(v)))
        .into();
    let [fine, zero, infinite, nan] = [0, 1, 2, 3].map(|i: usize| named[i].1.clone());
    let report = grad_report(&named, || {
        let dead = nan.var().sqrt()?.mul_scalar(0.0)?;
        fine.var()
            .mul_scalar(5.0)?
            .add(&zero.var().mul_scalar(0.0)?)?
            .add(&infinite.var().sqrt()?)?
            .add(&dead)
    });
    let report = report.unwrap();
    let states: Vec<&GradState> = report.parameters.iter().map(|(_, state)| state).collect();
    assert_eq!(
        states,
        [&GradState::Finite { norm: 5.0 }, &GradState::Zero, &GradState::Infinite, &GradState::Nan]
    );
    assert_eq!(report.faults().count(), 3);
    assert_eq!(
        report.to_string(),
        "fine: gradient of norm 5.0000e0\nzero: gradient is zero\ninfinite: gradient has inf\nnan: gradient has nan\n"
    );
    assert!(fine.grad().is_none(), "the report leaves .grad alone");
}

/// The cut that a report finds between a parameter and a loss.
fn cut(loss: impl FnOnce(&Parameter, &Var) -> Result<Var>) -> String {
    let (w, other) = (parameter(2.0), parameter(3.0));
    let report =
        grad_report(&[("w", w.clone()), ("other", other.clone())], || loss(&w, &other.var())).unwrap();
    match &report.parameters[0].1 {
        GradState::Missing(cut) => cut.to_string(),
        state => panic!("{state}"),
    }
}

#[test]
fn a_report_names_what_cut_a_gradient_and_where() {
    let here = |line: u32| format!("{}:{line}", file!());
    let contains = |cut: String, parts: &[&str]| {
        for part in parts {
            assert!(cut.contains(part), "{cut:?} does not say {part:?}");
        }
    };
    let line = line!() + 1;
    let found = cut(|w, x| x.mul(&w.var().exp()?.detach().into()));
    contains(found, &["detach cut it", &here(line)]);

    let line = line!() + 1;
    let found = cut(|w, x| x.mul(&no_grad(|| w.var().exp())?));
    contains(found, &["exp at", &here(line), "ran under no_grad"]);

    let line = line!() + 1;
    let found = cut(|w, x| x.mul(&w.value().into()));
    contains(found, &["mul at", &here(line), "takes as a constant"]);

    let line = line!() + 2;
    let found = cut(|w, x| {
        let index = w.var().mul_scalar(2.0)?.to_dtype(DType::I64)?;
        x.mul(&index.to_dtype(DType::F64)?)
    });
    contains(found, &["to_dtype at", &here(line), "gives i64"]);

    contains(cut(|_, x| x.exp()), &["the loss is not computed from it"]);
    // Used, but in nothing that the loss needs.
    let found = cut(|w, x| {
        w.var().exp()?;
        x.exp()
    });
    contains(found, &["the loss is not computed from it"]);
    let found = cut(|w, x| {
        w.set_requires_grad(false);
        x.mul(&w.var())
    });
    contains(found, &["frozen"]);
    // A detach beside the path is not blamed.
    let line = line!() + 3;
    let found = cut(|w, x| {
        let aside = x.detach();
        let y = no_grad(|| w.var().tanh())?;
        x.mul(&y)?.add(&aside.into())
    });
    contains(found, &["tanh at", &here(line), "no_grad"]);
    // A loss without any history.
    let found = cut(|w, x| w.var().mul(x)?.detach().mul_scalar(2.0).map(Var::from).map_err(Error::from));
    assert!(!found.is_empty());
}

#[test]
fn a_report_passes_the_functions_error_on() {
    let w = parameter(1.0);
    let outcome = grad_report(&[("w", w.clone())], || w.var().reshape([7]));
    says(outcome, &["reshape"]);
    says(grad_report(&[("w", w.clone())], || w.var().expand([2])), &["only for scalar outputs"]);
}
