//! What is built on the tree of modules: places in errors, hooks, summaries, reports of gradients.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use autograd::tensor_core::Rng;
use autograd::{Cut, DType, GradState, Tensor, Var};
use nn::prelude::*;
use nn::{grad_report, register_forward_hook, register_module_forward_hook, summary};
use std::cell::RefCell;
use std::rc::Rc;

/// A transformer of hand-written structs in shape, if not in deed.
#[derive(Module)]
struct Model {
    encoder: Encoder,
    activation: ReLU,
}

#[derive(Module)]
struct Encoder {
    layers: ModuleList<Block>,
    heads: ModuleDict<Linear>,
}

#[derive(Module)]
struct Block {
    norm: Option<LayerNorm>,
    fc: Box<Linear>,
}

impl Layer for Block {
    fn compute(&self, x: &Var) -> nn::Result<Var> {
        self.fc.forward(&self.norm.forward(x)?)
    }
}

impl Encoder {
    /// Of two inputs, so that it is no `Layer`.
    fn forward(&self, x: &Var, head: &str) -> nn::Result<Var> {
        let x = self.layers.iter().try_fold(x.clone(), |x, layer| layer.forward(&x))?;
        self.heads.get(head).unwrap().forward(&x)
    }
}

impl Layer for Model {
    fn compute(&self, x: &Var) -> nn::Result<Var> {
        self.activation.forward(&self.encoder.forward(x, "value")?)
    }
}

/// Blocks of these widths, and a head for width 3.
fn model(widths: [usize; 2]) -> Model {
    let rng = Rng::seed(0);
    let linear = |n| Linear::new(n, n, &rng).unwrap();
    let layers = widths.map(|n| Block { norm: None, fc: Box::new(linear(n)) });
    let heads = [("policy", linear(2)), ("value", linear(3))];
    Model { encoder: Encoder { layers: layers.into(), heads: heads.into_iter().collect() }, activation: ReLU }
}

fn ones(shape: [usize; 2]) -> Var {
    Tensor::ones(shape, DType::F32).unwrap().into()
}

#[test]
fn an_error_names_the_place_in_structs_written_by_hand() {
    let text = model([3, 5]).forward(&ones([4, 3])).unwrap_err().to_string();
    let expected = "encoder.layers.1.fc: Linear(in_features=5, out_features=5, bias=true): linear: ";
    assert!(text.starts_with(expected), "{text}");
    assert!(text.contains("[4, 3]"), "{text}");

    let text = model([4, 4]).forward(&ones([4, 4])).unwrap_err().to_string();
    assert!(text.starts_with("encoder.heads.value: Linear(in_features=3"), "{text}");
    // An operation outside any layer is that of the module that called it.
    let rng = Rng::seed(0);
    let block =
        Block { norm: Some(LayerNorm::new(2).unwrap()), fc: Box::new(Linear::new(3, 3, &rng).unwrap()) };
    let text = sequential![ReLU, block].forward(&ones([4, 3])).unwrap_err().to_string();
    assert!(text.starts_with("1.norm: LayerNorm([2], eps=1e-5, elementwise_affine=true): "), "{text}");
}

#[test]
fn within_names_the_place_for_modules_of_several_inputs() {
    let encoder = model([3, 5]).encoder;
    let text = nn::within(&encoder, || encoder.forward(&ones([4, 3]), "value")).unwrap_err().to_string();
    assert!(text.starts_with("layers.1.fc: Linear"), "{text}");
    let text = nn::within(&encoder, || Ok(ones([2, 2]).add(&ones([3, 3]))?)).unwrap_err().to_string();
    assert!(text.starts_with("Encoder(): add: "), "{text}");
}

#[test]
fn a_hook_sees_its_module_and_may_change_the_output() {
    let rng = Rng::seed(0);
    let model = sequential![Linear::new(2, 2, &rng).unwrap(), ReLU, Linear::new(2, 2, &rng).unwrap(), ReLU];
    let plain = model.forward(&ones([1, 2])).unwrap().detach().to_vec::<f32>().unwrap();
    let calls = Rc::new(RefCell::new(0));
    let seen = Rc::clone(&calls);
    let hook = register_forward_hook(model.get(3).unwrap(), move |input, output| {
        assert_eq!(input.shape(), output.shape());
        *seen.borrow_mut() += 1;
        Some(output.add_scalar(1.0).unwrap())
    });
    let hooked = model.forward(&ones([1, 2])).unwrap().detach().to_vec::<f32>().unwrap();
    assert_eq!(hooked, plain.iter().map(|y| y + 1.0).collect::<Vec<_>>());
    assert_eq!(*calls.borrow(), 1);
    drop(hook);
    assert_eq!(model.forward(&ones([1, 2])).unwrap().detach().to_vec::<f32>().unwrap(), plain);
}

#[test]
fn a_hook_on_all_modules_sees_those_inside_first() {
    let names = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&names);
    let hook = register_module_forward_hook(move |module, _, _| {
        seen.borrow_mut().push(module.type_name());
        None
    });
    model([3, 3]).forward(&ones([4, 3])).unwrap();
    drop(hook);
    model([3, 3]).forward(&ones([4, 3])).unwrap();
    assert_eq!(*names.borrow(), ["Linear", "Block", "Linear", "Block", "Linear", "ReLU", "Model"]);
}

#[test]
fn a_summary_tells_shapes_parameters_and_cost() {
    let rng = Rng::seed(0);
    let model = sequential![
        Conv2d::options(2, 4, 3).groups(2).build(&rng).unwrap(),
        BatchNorm2d::new(4).unwrap(),
        ReLU,
        Flatten::new(),
        Dropout::new(0.5, &rng).unwrap(),
        Linear::options(16, 3).bias(false).build(&rng).unwrap(),
    ];
    model.get(5).unwrap().set_requires_grad(false);
    let draws = rng.state();
    let x = Var::from(Tensor::ones([2, 2, 4, 4], DType::F32).unwrap());
    let summary = summary(&model, &x).unwrap();
    // Of each output of the convolution: one channel of 3 by 3.
    assert_eq!(summary.rows[1].multiply_adds, 2 * 4 * 4 * 9);
    assert_eq!(summary.multiply_adds(), 2 * 4 * 4 * 9 + 2 * 16 * 3);
    assert_eq!((summary.parameters(), summary.trainable()), (4 * 9 + 4 + 8 + 48, 4 * 9 + 4 + 8));
    assert_eq!(summary.rows[0].output.as_ref().unwrap().to_vec(), [2, 3]);
    let text = summary.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    assert_eq!(
        lines[0].split_whitespace().collect::<Vec<_>>(),
        ["layer", "output", "parameters", "multiply-adds"]
    );
    assert_eq!(
        lines[2].split_whitespace().collect::<Vec<_>>(),
        ["0:", "Conv2d", "[2,", "4,", "2,", "2]", "40", "288"]
    );
    assert_eq!(lines.last().unwrap(), &"96 parameters, 48 of them frozen; 384 multiply-adds");
    // Nothing has changed: neither draws nor statistics nor the mode.
    assert_eq!(rng.state(), draws);
    assert!(model.is_training());
    assert_eq!(model.state_dict()["1.num_batches_tracked"].item::<i64>().unwrap(), 0);
}

#[test]
fn a_report_finds_gradients_that_are_not_there() {
    let rng = Rng::seed(0);
    let linear = || Linear::options(1, 1).bias(false).build(&rng).unwrap();
    let model = ModuleDict::from_iter([("used", linear()), ("zero", linear()), ("idle", linear())]);
    model.get("idle").unwrap().set_requires_grad(true);
    let weight = |name| model.get(name).unwrap().weight.var();
    let report = grad_report(&model, || Ok(weight("used").add(&weight("zero").mul_scalar(0.0)?)?.sum()?));
    let states: Vec<(String, GradState)> = report.unwrap().parameters;
    assert!(
        matches!(&states[0], (name, GradState::Finite { norm: 1.0 }) if name == "used.weight"),
        "{states:?}"
    );
    assert!(matches!(states[1].1, GradState::Zero));
    assert!(matches!(states[2].1, GradState::Missing(Cut::Unused)));
}

#[test]
fn a_tied_weight_is_updated_once() {
    let rng = Rng::seed(0);
    let mut output = Linear::options(2, 2).bias(false).build(&rng).unwrap();
    let input = Linear::options(2, 2).bias(false).build(&rng).unwrap();
    output.weight = input.weight.clone();
    let model = sequential![input, output];
    assert_eq!(model.parameters().len(), 1);
    assert_eq!(summary(&model, &ones([1, 2])).unwrap().parameters(), 4);
}

#[test]
fn a_dictionary_keeps_the_order_of_insertion() {
    let heads = model([3, 3]).encoder.heads;
    let names: Vec<&str> = heads.iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["policy", "value"]);
    let mut heads = heads;
    let old = heads.insert("policy", Linear::new(7, 7, &Rng::seed(0)).unwrap()).unwrap();
    assert_eq!(old.weight.shape().to_vec(), [2, 2]);
    assert_eq!((heads.len(), heads.is_empty()), (2, false));
    assert_eq!(heads.named_parameters()[0].0, "policy.weight");
}

#[test]
fn a_vector_of_another_length_changes_no_parameter() {
    let layer = Linear::new(2, 3, &Rng::seed(0)).unwrap();
    let before = layer.weight.value().to_vec::<f32>().unwrap();
    for vector in [Tensor::zeros([8], DType::F32).unwrap(), Tensor::zeros([9], DType::F64).unwrap()] {
        let text = nn::vector_to_parameters(&vector, &layer.parameters()).unwrap_err().to_string();
        assert!(text.contains("for 9 numbers"), "{text}");
    }
    assert_eq!(layer.weight.value().to_vec::<f32>().unwrap(), before);
    // Gradients go through the vector.
    nn::parameters_to_vector(&layer.parameters()).unwrap().sum().unwrap().backward().unwrap();
    assert_eq!(layer.bias.as_ref().unwrap().grad().unwrap().to_vec::<f32>().unwrap(), [1.0; 3]);
}

#[test]
fn weights_are_not_normed_along_dimensions_that_they_have_not() {
    let rng = Rng::seed(0);
    let linear = || Linear::new(2, 3, &rng).unwrap();
    let text = WeightNorm::with_dim(linear(), Some(2)).unwrap_err().to_string();
    assert_eq!(text, "WeightNorm: dim is 2, expected a dimension of the weight");
    let text = SpectralNorm::options(linear()).dim(2).build(&rng).unwrap_err().to_string();
    assert_eq!(text, "SpectralNorm: dim is 2, expected a dimension of the weight");
    assert!(SpectralNorm::options(linear()).n_power_iterations(0).build(&rng).is_err());
}
