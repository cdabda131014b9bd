//! `adamw`: one step over ten million parameters in ten tensors.

use crate::measure::{Settings, Unit};
use train::prelude::{AdamW, Optimizer};
use train::{DType, Parameter, Result, Rng};

const TENSORS: usize = 10;
const LENGTH: usize = 1_000_000;

pub fn run(settings: &Settings) -> Result<()> {
    let rng = Rng::seed(0);
    let mut parameters = Vec::with_capacity(TENSORS);
    for _ in 0..TENSORS {
        let parameter = Parameter::new(rng.randn([LENGTH], DType::F32)?)?;
        parameter.set_grad(Some(rng.randn([LENGTH], DType::F32)?))?;
        parameters.push(parameter);
    }
    let mut opt = AdamW::new(parameters, 1e-3)?;
    settings.call("adamw", Unit::Microseconds(1.0, "us"), || Ok(opt.step()?))
}
