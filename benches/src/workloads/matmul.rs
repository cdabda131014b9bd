//! `matmul`: products of several shapes, operands transposed too.

use crate::measure::{Settings, Unit};
use train::{DType, Result, Rng};

pub fn run(settings: &Settings) -> Result<()> {
    let rng = Rng::seed(0);
    for [m, k, n] in [[64; 3], [256; 3], [512; 3], [1024; 3], [8, 512, 512], [1, 784, 256]] {
        let flops = Unit::Rate(2e-9 * (m * k * n) as f64, "GF/s");
        let (a, b) = (rng.randn([m, k], DType::F32)?, rng.randn([k, n], DType::F32)?);
        settings.call(&format!("matmul_{m}x{k}x{n}"), flops, || Ok(a.matmul(&b)?))?;
    }
    let (a, b) = (rng.randn([512, 512], DType::F32)?, rng.randn([512, 512], DType::F32)?);
    let flops = || Unit::Rate(2e-9 * 512f64.powi(3), "GF/s");
    settings.call("matmul_512_left_transposed", flops(), || Ok(a.t()?.matmul(&b)?))?;
    settings.call("matmul_512_right_transposed", flops(), || Ok(a.matmul(&b.t()?)?))
}
