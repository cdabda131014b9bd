//! Layers in use: training and evaluation, gradients everywhere, any number of threads, refused settings and inputs.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may unwrap")]

use autograd::tensor_core::{Rng, with_threads};
use autograd::{DType, Tensor, Var, no_grad};
use nn::prelude::*;

fn images(rng: &Rng, shape: [usize; 4]) -> Var {
    rng.uniform(shape, -1.0, 1.0, DType::F32).unwrap().into()
}

/// One of each layer that an image can go through.
fn network(rng: &Rng) -> Sequential {
    sequential![
        Conv2d::options(1, 8, 3).padding_same().bias(false).build(rng).unwrap(),
        BatchNorm2d::new(8).unwrap(),
        SiLU,
        MaxPool2d::new(2),
        Conv2d::options(8, 16, 3).stride(2).padding(1).groups(2).build(rng).unwrap(),
        GELU::new(),
        AvgPool2d::new(2),
        Flatten::new(),
        Dropout::new(0.3, rng).unwrap(),
        Linear::new(64, 32, rng).unwrap(),
        ReLU,
        BatchNorm1d::new(32).unwrap(),
        LayerNorm::new(32).unwrap(),
        Linear::new(32, 16, rng).unwrap(),
        Tanh,
        RMSNorm::new(16).unwrap(),
        Sigmoid,
        Identity,
        Linear::options(16, 10).bias(false).build(rng).unwrap(),
    ]
}

/// The loss's bits, and those of all gradients and buffers, of one training step.
fn step() -> Vec<Vec<u8>> {
    let rng = Rng::seed(3);
    let model = network(&rng);
    // Large enough that the kernels share the work out.
    let x = images(&rng, [64, 1, 16, 16]);
    let target = rng.randint(0, 10, [64]).unwrap();
    let loss = CrossEntropyLoss::new().forward(&model.forward(&x).unwrap(), &target).unwrap();
    loss.backward().unwrap();
    let mut tensors = vec![loss.detach()];
    for (name, parameter) in model.named_parameters() {
        let grad = parameter.grad().unwrap_or_else(|| panic!("{name} has no gradient"));
        assert!(grad.is_finite().unwrap(), "{name}");
        assert!(grad.to_vec::<f32>().unwrap().iter().any(|&g| g != 0.0), "{name}");
        tensors.push(grad);
    }
    tensors.extend(model.buffers().iter().map(Buffer::value));
    tensors.iter().map(|tensor| tensor.to_le_bytes().unwrap()).collect()
}

#[test]
fn every_parameter_gets_a_gradient_the_same_on_any_number_of_threads() {
    let one = with_threads(1, step);
    assert_eq!(one.len(), 1 + 3 + 2 + 2 + 2 + 2 + 2 + 1 + 1 + 6);
    for threads in [2, 4] {
        assert!(with_threads(threads, step) == one, "{threads} threads");
    }
}

#[test]
fn embedding_rows_in_use_get_a_gradient() {
    let embedding = Embedding::options(5, 3).padding_idx(-1).build(&Rng::seed(0)).unwrap();
    assert_eq!(embedding.weight.value().to_vec::<f32>().unwrap()[12..], [0.0; 3]);
    let tokens = Tensor::from_vec(vec![1i64, 4, 1], [3]).unwrap().into();
    embedding.forward(&tokens).unwrap().sum().unwrap().backward().unwrap();
    let rows: Vec<f32> =
        embedding.weight.grad().unwrap().to_vec::<f32>().unwrap().into_iter().step_by(3).collect();
    assert_eq!(rows, [0.0, 2.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_fused_relu_computes_the_same_bits() {
    let rng = Rng::seed(0);
    let (linear, x) =
        (Linear::new(20, 30, &rng).unwrap(), rng.uniform([7, 20], -1.0, 1.0, DType::F32).unwrap());
    let apart = ReLU.forward(&linear.forward(&(&x).into()).unwrap()).unwrap().detach();
    let fused = sequential![linear, ReLU].forward(&x.into()).unwrap().detach();
    assert_eq!(fused.to_vec::<f32>(), apart.to_vec::<f32>());
}

#[test]
fn relu_after_the_pool_computes_the_same_values_and_gradients() {
    let rng = Rng::seed(0);
    // Coarse, so that maxima are often equal and often not positive.
    let mut x: Vec<f32> = rng.uniform([2 * 3 * 9 * 11], -2.0, 1.0, DType::F32).unwrap().to_vec().unwrap();
    x.iter_mut().for_each(|x| *x = (*x * 2.0).round());
    (x[5], x[100]) = (f32::NAN, f32::INFINITY);
    x[200..240].fill(f32::NEG_INFINITY);
    let x = Tensor::from_vec(x, [2, 3, 9, 11]).unwrap();
    // Bits, so that NaN equals itself; the sum makes every zero positive.
    let bits =
        |x: &Tensor| -> Vec<u32> { x.to_vec::<f32>().unwrap().iter().map(|x| (x + 0.0).to_bits()).collect() };
    for pool in [
        MaxPool2d::new(2),
        MaxPool2d::new(3).stride(2).padding(1).ceil_mode(true),
        MaxPool2d::new(2).stride(1).dilation(3),
        // The outermost windows hold padding alone.
        MaxPool2d::new(2).stride(9).padding(1).dilation(10).ceil_mode(true),
    ] {
        let run = |forward: &dyn Fn(&Var) -> Var| {
            let x = Var::leaf(x.clone()).unwrap();
            let y = forward(&x);
            let weight = y.detach().add_scalar(1.0).unwrap().into();
            y.mul(&weight).unwrap().sum().unwrap().backward().unwrap();
            (bits(&y.detach()), bits(&x.grad().unwrap()))
        };
        let apart = run(&|x| pool.forward(&ReLU.forward(x).unwrap()).unwrap());
        let together = run(&|x| sequential![ReLU, pool].forward(x).unwrap());
        assert_eq!(together, apart, "{pool:?}");
    }
}

#[test]
fn dropout_draws_once_a_training_forward_and_never_in_evaluation() {
    let rng = Rng::seed(0);
    let dropout = Dropout::new(0.5, &rng).unwrap();
    let state = rng.state();
    let x: Var = Tensor::ones([4, 64], DType::F32).unwrap().into();
    assert!(dropout.is_training());
    let first = dropout.forward(&x).unwrap().detach().to_vec::<f32>().unwrap();
    assert!(first.iter().all(|&y| y == 0.0 || y == 2.0));
    let one_draw = Rng::from_state(&state).unwrap();
    one_draw.next_u64();
    assert_eq!(rng.state(), one_draw.state());
    assert_ne!(dropout.forward(&x).unwrap().detach().to_vec::<f32>().unwrap(), first);
    // The same state gives the same mask again.
    rng.set_state(&state).unwrap();
    assert_eq!(dropout.forward(&x).unwrap().detach().to_vec::<f32>().unwrap(), first);

    dropout.eval();
    let state = rng.state();
    assert_eq!(
        dropout.forward(&x).unwrap().detach().to_vec::<f32>(),
        x.to_vec::<f32>().map_err(|_| unreachable!())
    );
    assert_eq!(rng.state(), state);
}

#[test]
fn train_and_eval_reach_every_layer() {
    let rng = Rng::seed(0);
    let model = network(&rng);
    let x = images(&rng, [16, 1, 16, 16]);
    assert!(model.is_training());
    let tracked = || model.state_dict()["1.num_batches_tracked"].item::<i64>().unwrap();
    no_grad(|| model.forward(&x)).unwrap();
    assert_eq!(tracked(), 1);
    model.eval();
    assert!(!model.is_training());
    let first = model.forward(&x).unwrap().detach().to_vec::<f32>().unwrap();
    assert_eq!(model.forward(&x).unwrap().detach().to_vec::<f32>().unwrap(), first);
    assert_eq!(tracked(), 1);
    model.train();
    assert_ne!(model.forward(&x).unwrap().detach().to_vec::<f32>().unwrap(), first);
    assert_eq!(tracked(), 2);
    assert!(Linear::new(1, 1, &rng).unwrap().is_training());
}

fn refusal<T>(result: nn::Result<T>) -> String {
    match result {
        Ok(_) => panic!("nothing was refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn same_padding_keeps_the_size_under_an_even_window() {
    let conv = Conv2d::options(1, 2, [2, 4]).padding_same().build(&Rng::seed(0)).unwrap();
    let x = Var::from(Tensor::zeros([3, 1, 5, 6], DType::F32).unwrap());
    assert_eq!(*conv.forward(&x).unwrap().shape(), [3, 2, 5, 6]);
}

#[test]
fn settings_out_of_range_are_refused() {
    let rng = Rng::seed(0);
    let text = refusal(Dropout::new(1.5, &rng));
    assert_eq!(text, "Dropout: p is 1.5, expected a probability, 0 to 1");
    refusal(Dropout::new(f64::NAN, &rng));
    for groups in [0, 3] {
        assert!(refusal(Conv2d::options(4, 6, 3).groups(groups).build(&rng)).contains("groups"));
    }
    assert!(refusal(Conv2d::options(1, 1, 3).stride(2).padding_same().build(&rng)).contains("stride"));
    assert!(refusal(Embedding::options(3, 2).padding_idx(3).build(&rng)).contains("padding_idx"));
    assert!(refusal(Embedding::options(3, 2).padding_idx(-4).build(&rng)).contains("padding_idx"));
    refusal(Linear::options(2, 2).dtype(DType::I64).build(&rng));
    refusal(LayerNorm::options(2).dtype(DType::Bool).build());
    refusal(BatchNorm2d::options(2).dtype(DType::I64).build());
}

#[test]
fn empty_layers_are_made_and_run() {
    let rng = Rng::seed(0);
    let linear = Linear::new(0, 3, &rng).unwrap();
    let x = Tensor::zeros([2, 0], DType::F32).unwrap().into();
    assert_eq!(linear.forward(&x).unwrap().shape().to_string(), "[2, 3]");
    let linear = Linear::new(3, 0, &rng).unwrap();
    let x = Tensor::zeros([2, 3], DType::F32).unwrap().into();
    assert_eq!(linear.forward(&x).unwrap().shape().to_string(), "[2, 0]");
}

#[test]
fn inputs_that_do_not_fit_are_refused_by_the_named_layer() {
    let rng = Rng::seed(0);
    let x = images(&rng, [2, 3, 4, 4]);
    let text = |layer: &dyn Layer, x: &Var| refusal(layer.forward(x));
    assert!(text(&Conv2d::new(1, 2, 3, &rng).unwrap(), &x).starts_with("Conv2d(1, 2, kernel_size=[3, 3], "));
    assert!(text(&BatchNorm2d::new(4).unwrap(), &x).starts_with("BatchNorm2d(4, eps=1e-5, momentum=0.1, "));
    assert!(text(&BatchNorm1d::new(3).unwrap(), &x).contains("[N, C] or [N, C, L]"));
    assert!(text(&LayerNorm::new([3, 4]).unwrap(), &x).starts_with("LayerNorm([3, 4], eps=1e-5, "));
    assert!(text(&RMSNorm::new(5).unwrap(), &x).starts_with("RMSNorm([5], eps=None, "));
    assert!(text(&Embedding::new(3, 2, &rng).unwrap(), &x).starts_with("Embedding(3, 2): "));
    assert!(text(&MaxPool2d::new(5), &x).starts_with("MaxPool2d(kernel_size=[5, 5], stride=[5, 5], "));
    assert!(text(&AvgPool2d::new(5), &x).starts_with("AvgPool2d(kernel_size=[5, 5], "));
    assert!(text(&Softmax::new(4), &x).starts_with("Softmax(dim=4): "));
    assert!(text(&Flatten::dims(2, 1), &x).starts_with("Flatten(start_dim=2, end_dim=1): "));
    assert!(text(&BatchNorm3d::new(3).unwrap(), &x).starts_with("BatchNorm3d(3, "));
    // A call of a layer by its own type is reported for the caller's line.
    assert!(refusal(Flatten::dims(2, 1).forward(&x)).contains("layers.rs:"));
    // One value for each channel has no variance.
    let one = Tensor::zeros([1, 4], DType::F32).unwrap().into();
    assert!(text(&BatchNorm1d::new(4).unwrap(), &one).starts_with("BatchNorm1d(4, "));
}
