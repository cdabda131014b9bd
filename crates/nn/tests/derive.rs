//! The derive over every shape of type, and what is built on the walk.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use autograd::tensor_core::Rng;
use autograd::{DType, Parameter, Tensor, Var};
use nn::Part;
use nn::prelude::*;
use std::any::Any;
use std::sync::Arc;

fn parameter(n: usize) -> Parameter {
    Parameter::new(Tensor::zeros([n], DType::F32).unwrap()).unwrap()
}

fn names(module: &dyn Module) -> Vec<String> {
    module.named_parameters().into_iter().map(|(name, _)| name).collect()
}

#[derive(Module)]
struct Block {
    fc: Linear,
    scale: Parameter,
    width: usize,
    label: String,
}

impl Block {
    fn new(rng: &Rng) -> Self {
        Self {
            fc: Linear::new(2, 2, rng).unwrap(),
            scale: parameter(1),
            width: 2,
            label: "block".to_string(),
        }
    }
}

#[derive(Module)]
struct Encoder<L> {
    layers: Vec<L>,
    first: Option<Linear>,
    second: Option<Linear>,
    boxed: Box<dyn Layer>,
    pair: (Parameter, Parameter),
    rows: [Parameter; 2],
    mask: Buffer,
    training: Training,
    #[module(skip)]
    untracked: std::sync::Mutex<u8>,
}

#[derive(Module)]
struct Model {
    encoder: Shared,
    r#type: Linear,
}

#[derive(Module)]
struct Shared(Arc<Linear>, Arc<Linear>);

#[derive(Module)]
enum Choice {
    Linear(Linear),
    Named { inner: Linear, rate: f64 },
    Two(Parameter, Parameter),
    Nothing,
}

#[derive(Module)]
struct Generic<L: Layer, const N: usize> {
    layer: L,
    sizes: [usize; N],
}

#[derive(Module)]
enum Never {}

/// A struct with fields that come out of a macro, in a place where `nn` is another module.
mod elsewhere {
    mod nn {}

    macro_rules! wrap {
        ($name:ident, $field:ident: $layer:ty) => {
            #[derive(::nn::Module)]
            #[module(crate = ::nn)]
            pub struct $name {
                pub $field: $layer,
                pub scale: autograd::Parameter,
            }
        };
    }
    wrap!(Wrapped, inner: ::nn::Linear);
}

#[test]
fn a_struct_out_of_a_macro_finds_the_crate_where_it_is_told() {
    let inner = Linear::new(2, 2, &Rng::seed(0)).unwrap();
    let wrapped = elsewhere::Wrapped { inner, scale: parameter(1) };
    assert_eq!(names(&wrapped), ["inner.weight", "inner.bias", "scale"]);
    assert_eq!(wrapped.inner.weight.numel() + wrapped.scale.numel(), 5);
}

#[test]
fn names_follow_fields_lists_options_and_tuples() {
    let rng = Rng::seed(0);
    let encoder = Encoder {
        layers: vec![Block::new(&rng), Block::new(&rng)],
        first: Some(Linear::new(2, 2, &rng).unwrap()),
        second: None,
        boxed: Box::new(Linear::options(2, 2).bias(false).build(&rng).unwrap()),
        pair: (parameter(1), parameter(2)),
        rows: [parameter(3), parameter(4)],
        mask: Buffer::new(Tensor::zeros([2], DType::F32).unwrap()),
        training: Training::default(),
        untracked: std::sync::Mutex::new(0),
    };
    assert_eq!(encoder.layers[0].width + encoder.layers[0].label.len(), 7);
    assert_eq!(*encoder.untracked.lock().unwrap(), 0);
    assert!(encoder.second.is_none() && encoder.training.get());
    let expected = [
        "layers.0.fc.weight",
        "layers.0.fc.bias",
        "layers.0.scale",
        "layers.1.fc.weight",
        "layers.1.fc.bias",
        "layers.1.scale",
        "first.weight",
        "first.bias",
        "boxed.weight",
        "pair.0",
        "pair.1",
        "rows.0",
        "rows.1",
    ];
    assert_eq!(names(&encoder), expected);
    assert_eq!(encoder.named_buffers()[0].0, "mask");
    assert_eq!(encoder.state_dict().len(), expected.len() + 1);
    assert_eq!(encoder.num_parameters(), 2 * (4 + 2 + 1) + 6 + 4 + 1 + 2 + 3 + 4);
}

#[test]
fn an_enum_stands_for_the_layer_it_holds() {
    let rng = Rng::seed(0);
    let linear = || Linear::new(2, 2, &rng).unwrap();
    let choices = vec![
        Choice::Linear(linear()),
        Choice::Named { inner: linear(), rate: 0.5 },
        Choice::Two(parameter(1), parameter(1)),
        Choice::Nothing,
    ];
    assert!(matches!(choices[1], Choice::Named { rate: 0.5, .. }));
    assert_eq!(names(&choices), ["0.weight", "0.bias", "1.inner.weight", "1.inner.bias", "2.0", "2.1"]);
    assert!(names(&Vec::<Never>::new()).is_empty());
}

#[test]
fn generic_and_raw_names() {
    let rng = Rng::seed(0);
    let generic = Generic { layer: sequential![ReLU, Linear::new(2, 2, &rng).unwrap()], sizes: [1, 2, 3] };
    assert_eq!(generic.sizes.len(), 3);
    assert_eq!(names(&generic), ["layer.1.weight", "layer.1.bias"]);
    let shared = Arc::new(Linear::new(2, 2, &rng).unwrap());
    let model =
        Model { encoder: Shared(Arc::clone(&shared), shared), r#type: Linear::new(2, 2, &rng).unwrap() };
    assert_eq!(names(&model), ["encoder.0.weight", "encoder.0.bias", "type.weight", "type.bias"]);
    assert_eq!(model.encoder.0.weight.value().shape(), model.encoder.1.weight.shape());
}

#[test]
fn a_tied_parameter_is_one_parameter_under_each_of_its_names() {
    let rng = Rng::seed(0);
    let mut output = Linear::new(3, 3, &rng).unwrap();
    let input = Linear::new(3, 3, &rng).unwrap();
    output.weight = input.weight.clone();
    let model = (input, output);
    assert_eq!(names(&model), ["0.weight", "0.bias", "1.bias"]);
    assert_eq!(model.num_parameters(), 9 + 3 + 3);
    let state = model.state_dict();
    assert_eq!(state.keys().collect::<Vec<_>>(), ["0.bias", "0.weight", "1.bias", "1.weight"]);
    // A save and load keeps the tie.
    model.load_state_dict(&state, true).unwrap();
    assert!(model.0.weight.is(&model.1.weight));

    // One gradient, from both uses.
    let x = Var::from(Tensor::ones([1, 3], DType::F32).unwrap());
    model.1.forward(&model.0.forward(&x).unwrap()).unwrap().sum().unwrap().backward().unwrap();
    assert!(model.0.weight.grad().is_some());
    assert_eq!(
        model.0.weight.grad().unwrap().to_vec::<f32>(),
        model.1.weight.grad().unwrap().to_vec::<f32>()
    );
}

#[test]
fn frozen_layers_get_no_gradient() {
    let rng = Rng::seed(0);
    let model = sequential![Linear::new(3, 4, &rng).unwrap(), ReLU, Linear::new(4, 2, &rng).unwrap()];
    model.get(0).unwrap().set_requires_grad(false);
    let x = Var::from(rng.uniform([5, 3], 0.0, 1.0, DType::F32).unwrap());
    model.forward(&x).unwrap().sum().unwrap().backward().unwrap();
    let graded: Vec<bool> = model.parameters().iter().map(|p| p.grad().is_some()).collect();
    assert_eq!(graded, [false, false, true, true]);
    model.set_requires_grad(true);
    model.forward(&x).unwrap().sum().unwrap().backward().unwrap();
    assert!(model.parameters().iter().all(|p| p.grad().is_some()));
    model.zero_grad();
    assert!(model.parameters().iter().all(|p| p.grad().is_none()));
}

#[test]
fn apply_meets_children_before_their_parents() {
    let rng = Rng::seed(0);
    let model = sequential![Linear::new(3, 4, &rng).unwrap(), sequential![ReLU]];
    let mut seen = Vec::new();
    model.apply(&mut |name, module| seen.push(format!("{name}:{}", module.type_name())));
    assert_eq!(seen, ["0:Linear", "1.0:ReLU", "1:Sequential", ":Sequential"]);
    let mut linears = 0;
    model.apply(&mut |_, module| linears += usize::from((module as &dyn Any).is::<Linear>()));
    assert_eq!(linears, 1);
}

#[test]
fn a_model_prints_as_a_tree() {
    let rng = Rng::seed(0);
    let model = sequential![Linear::new(3, 4, &rng).unwrap(), sequential![ReLU], Block::new(&rng)];
    let expected = "\
Sequential(
  (0): Linear(in_features=3, out_features=4, bias=true)
  (1): Sequential(
    (0): ReLU()
  )
  (2): Block(
    (fc): Linear(in_features=2, out_features=2, bias=true)
  )
)";
    assert_eq!(model.repr(), expected);
}

impl Layer for Block {
    fn compute(&self, x: &Var) -> nn::Result<Var> {
        Ok(self.fc.forward(x)?.mul(&self.scale.var())?)
    }
}

#[test]
fn an_error_names_the_layer_and_its_place() {
    let rng = Rng::seed(0);
    let inner = sequential![Linear::new(4, 4, &rng).unwrap(), ReLU, Linear::new(5, 2, &rng).unwrap()];
    let model = sequential![Linear::new(4, 4, &rng).unwrap(), inner];
    let x = Var::from(Tensor::zeros([1, 4], DType::F32).unwrap());
    let text = model.forward(&x).unwrap_err().to_string();
    assert!(text.starts_with("1.2: Linear(in_features=5, out_features=2, bias=true): linear: "), "{text}");
    assert!(text.contains("[1, 4]"), "{text}");
}

#[test]
fn a_walk_meets_each_part_once() {
    let rng = Rng::seed(0);
    let model = sequential![Linear::new(3, 4, &rng).unwrap()];
    let (mut begun, mut ended, mut parameters) = (0, 0, 0);
    model.visit(&mut nn::Walk::new(&mut |_, part| match part {
        Part::Module(_) => begun += 1,
        Part::ModuleEnd(_) => ended += 1,
        Part::Parameter(_) => parameters += 1,
        _ => {}
    }));
    assert_eq!((begun, ended, parameters), (2, 2, 2));
}
