//! `ops`: single operations on a million f32, as 1000 rows of 1000.

use crate::measure::{Settings, Unit};
use train::autograd::Approximate;
use train::{DType, Result, Rng, Tensor};

const ROWS: usize = 1000;
const COLUMNS: usize = 1000;

pub fn run(settings: &Settings) -> Result<()> {
    let rng = Rng::seed(0);
    let (x, y) = (rng.randn([ROWS, COLUMNS], DType::F32)?, rng.randn([ROWS, COLUMNS], DType::F32)?);
    let row = rng.randn([COLUMNS], DType::F32)?;
    let (weight, bias) = (Tensor::ones([COLUMNS], DType::F32)?, Tensor::zeros([COLUMNS], DType::F32)?);
    let call = |name: &str, call: &dyn Fn() -> train::tensor_core::Result<Tensor>| {
        settings.call(&format!("ops_{name}"), Unit::Microseconds(1.0, "us"), || Ok(call()?))
    };
    call("add", &|| x.add(&y))?;
    call("exp", &|| x.exp())?;
    call("tanh", &|| x.tanh())?;
    call("gelu", &|| x.gelu(Approximate::None))?;
    call("sum", &|| x.sum())?;
    call("softmax", &|| x.softmax(-1))?;
    call("layer_norm", &|| Ok(x.layer_norm(&[COLUMNS], Some(&weight), Some(&bias), 1e-5)?.0))?;
    call("transpose_copy", &|| x.t()?.contiguous())?;
    call("broadcast_add", &|| x.add(&row))
}
