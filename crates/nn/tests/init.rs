//! Initial values by `nn::init`, those marked so against PyTorch 2.15 after the same seed.
#![allow(clippy::unwrap_used, reason = "a test may unwrap")]

use autograd::tensor_core::Rng;
use autograd::{DType, Parameter, Tensor};
use nn::init::{self, FanMode, Nonlinearity};

fn parameter<const N: usize>(shape: [usize; N], dtype: DType) -> Parameter {
    Parameter::new(Tensor::zeros(shape, dtype).unwrap()).unwrap()
}

#[test]
fn uniform_values_are_pytorchs_bits() {
    let bits = |shape: &[usize], set: &dyn Fn(&Parameter, &Rng) -> nn::Result<()>| -> Vec<u32> {
        let weight = Parameter::new(Tensor::zeros(shape, DType::F32).unwrap()).unwrap();
        set(&weight, &Rng::seed(5)).unwrap();
        weight.value().to_vec::<f32>().unwrap()[..4].iter().map(|x| x.to_bits()).collect()
    };
    // torch.manual_seed(5), then the function in the comment on torch.empty of the shape.
    // xavier_uniform_(w, gain=calculate_gain('tanh'))
    let tanh = init::calculate_gain(Nonlinearity::Tanh);
    assert_eq!(
        bits(&[5, 3, 2], &|w, rng| init::xavier_uniform(w, tanh, rng)),
        [1059885921, 3208863984, 1062530349, 1059532333]
    );
    // kaiming_uniform_(w, a=0.2, mode='fan_out')
    assert_eq!(
        bits(&[5, 3, 2], &|w, rng| init::kaiming_uniform(
            w,
            FanMode::FanOut,
            Nonlinearity::LeakyReLU(0.2),
            rng
        )),
        [1056992938, 3205588742, 1058960944, 1056494982]
    );
    // kaiming_uniform_(w, nonlinearity='relu')
    assert_eq!(
        bits(&[5, 3], &|w, rng| init::kaiming_uniform(w, FanMode::FanIn, Nonlinearity::ReLU, rng)),
        [1064247486, 3213319360, 1066632464, 1063757540]
    );
}

#[test]
fn normal_truncated_and_orthogonal_values_follow_pytorch() {
    let close = |shape: &[usize], set: &dyn Fn(&Parameter, &Rng) -> nn::Result<()>, expected: &[f64]| {
        let weight = Parameter::new(Tensor::zeros(shape, DType::F64).unwrap()).unwrap();
        set(&weight, &Rng::seed(5)).unwrap();
        for (found, expected) in weight.value().to_vec::<f64>().unwrap().iter().zip(expected) {
            assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
        }
    };
    // xavier_normal_(w)
    let expected = [0.38823527792327983, -0.3498423077312346, -0.28021581545006086, -0.18786742537817525];
    close(&[5, 4], &|w, rng| init::xavier_normal(w, 1.0, rng), &expected);
    // kaiming_normal_(w, nonlinearity='relu', mode='fan_out')
    let expected = [0.5208722836199863, -0.4693627088954645, -0.37594896703012315, -0.2520506003420814];
    close(&[5, 4], &|w, rng| init::kaiming_normal(w, FanMode::FanOut, Nonlinearity::ReLU, rng), &expected);
    // trunc_normal_(w, std=2.0, a=-1.0, b=2.0)
    let expected = [
        1.6471427862923707,
        -0.04219679522596826,
        1.6146666614894176,
        -0.7970539826937925,
        0.2638979678482435,
        1.407577887050172,
        0.10191294410598613,
        1.6744368673774135,
        -0.7244094481912584,
        0.37300152715444285,
        1.2144233052874347,
        0.9952057975732752,
        -0.8021773983979708,
        0.28777450208037436,
        -0.5372636044106044,
    ];
    close(&[5, 4], &|w, rng| init::trunc_normal(w, 0.0, 2.0, -1.0, 2.0, rng), &expected);
    // trunc_normal_(w, a=1.0, b=1.5)
    let expected = [
        1.3210075033140471,
        1.1298789575881576,
        1.1804138097135772,
        1.1575663040745252,
        1.1330585693886361,
        1.4257143489686506,
        1.2896488557190997,
        1.3600231377215382,
        1.4237079598476725,
        1.0714525243526898,
        1.1790594218871306,
        1.0694251350279973,
        1.4006453138686197,
        1.1093015108996873,
        1.1287032304564877,
    ];
    close(&[5, 4], &|w, rng| init::trunc_normal(w, 0.0, 1.0, 1.0, 1.5, rng), &expected);
    // orthogonal_(w, gain=2.0)
    let expected = [
        -1.0188763543768182,
        -1.2638534643304455,
        -1.168146136059926,
        -0.025929637423983243,
        -1.3460815092122314,
        1.4789835105436369,
    ];
    close(&[2, 3], &|w, rng| init::orthogonal(w, 2.0, rng), &expected);
    // orthogonal_(w)
    let expected = [
        -0.3047044196434461,
        -0.21780897825880344,
        -0.34934493171605613,
        0.3570813010497498,
        -0.12357360336185716,
        0.8878895568147736,
        -0.8774069180752,
        -0.1915837371222795,
    ];
    close(&[4, 2, 1], &|w, rng| init::orthogonal(w, 1.0, rng), &expected);
}

#[test]
fn constants_and_bounds() {
    let weight = parameter([2, 3], DType::F32);
    init::ones(&weight).unwrap();
    assert_eq!(weight.value().to_vec::<f32>().unwrap(), [1.0; 6]);
    init::constant(&weight, 0.5).unwrap();
    assert_eq!(weight.value().to_vec::<f32>().unwrap(), [0.5; 6]);
    init::zeros(&weight).unwrap();
    assert_eq!(weight.value().to_vec::<f32>().unwrap(), [0.0; 6]);
    let rng = Rng::seed(0);
    init::uniform(&weight, 2.0, 3.0, &rng).unwrap();
    assert!(weight.value().to_vec::<f32>().unwrap().iter().all(|x| (2.0..3.0).contains(x)));
    init::normal(&weight, 5.0, 0.0, &rng).unwrap();
    assert_eq!(weight.value().to_vec::<f32>().unwrap(), [5.0; 6]);
}

#[test]
fn what_has_no_scale_is_refused_or_left() {
    let rng = Rng::seed(0);
    let vector = parameter([3], DType::F32);
    let text = init::xavier_uniform(&vector, 1.0, &rng).unwrap_err().to_string();
    assert_eq!(
        text,
        "xavier_uniform: the parameter's shape is [3], expected at least two dimensions, [fan_out, fan_in, ..]"
    );
    assert!(init::kaiming_normal(&vector, FanMode::FanIn, Nonlinearity::ReLU, &rng).is_err());
    assert!(init::orthogonal(&vector, 1.0, &rng).is_err());
    assert!(init::trunc_normal(&vector, 0.0, 1.0, 2.0, 1.0, &rng).is_err());
    assert!(init::trunc_normal(&vector, 0.0, 0.0, 1.0, 2.0, &rng).is_err());
    let empty = parameter([0, 0], DType::F32);
    init::xavier_normal(&empty, 1.0, &rng).unwrap();
    init::kaiming_uniform(&empty, FanMode::FanIn, Nonlinearity::ReLU, &rng).unwrap();
    init::orthogonal(&empty, 1.0, &rng).unwrap();
}

#[test]
fn sparse_dirac_and_eye_follow_pytorch() {
    // torch.manual_seed(5); sparse_(w, 0.3, std=0.5)
    let weight = parameter([6, 3], DType::F64);
    init::sparse(&weight, 0.3, 0.5, &Rng::seed(5)).unwrap();
    let expected = [
        [0.0, -0.3710638022140604, 0.0],
        [0.40831143436839595, 0.0, 0.351894471762543],
        [0.025478236026496532, 0.41860921684435337, -0.1811023620478146],
        [0.0, 0.0, 0.4333008663408824],
        [-0.2005443495994927, -0.3599371877566853, -0.1343159011026511],
        [-0.1977608052698373, 0.9586173398759871, 0.0],
    ];
    for (found, expected) in weight.value().to_vec::<f64>().unwrap().iter().zip(expected.as_flattened()) {
        assert!((found - expected).abs() < 1e-12, "{found}, {expected}");
    }
    // dirac_(w, 2).nonzero()
    let weight = parameter([6, 3, 2, 3], DType::F32);
    init::dirac(&weight, 2).unwrap();
    let ones: Vec<usize> = (0..6).map(|output| (output * 3 + output % 3) * 6 + 3 + 1).collect();
    let values = weight.value().to_vec::<f32>().unwrap();
    assert_eq!(
        values.iter().enumerate().filter(|(_, x)| **x == 1.0).map(|(i, _)| i).collect::<Vec<_>>(),
        ones
    );
    assert_eq!(values.iter().sum::<f32>(), 6.0);
    let weight = parameter([2, 3], DType::F32);
    init::eye(&weight).unwrap();
    assert_eq!(weight.value().to_vec::<f32>().unwrap(), [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]);

    let rng = Rng::seed(0);
    assert!(init::eye(&parameter([3], DType::F32)).is_err());
    assert!(init::dirac(&parameter([3, 2], DType::F32), 1).is_err());
    assert!(init::dirac(&parameter([3, 2, 1], DType::F32), 2).is_err());
    assert!(init::sparse(&parameter([3], DType::F32), 0.5, 1.0, &rng).is_err());
    assert!(init::sparse(&parameter([3, 3], DType::F32), 1.5, 1.0, &rng).is_err());
}
