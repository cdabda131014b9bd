//! `matmul`: products of several shapes, operands transposed too, each as a share of what the processor's multiply-adds
//! reach in registers.

use crate::measure::{Settings, Unit, print};
use train::{DType, Result, Rng, Tensor};

pub fn run(settings: &Settings) -> Result<()> {
    let rng = Rng::seed(0);
    let peak = train::tensor_core::fma_peak();
    if let Some(peak) = peak {
        print("fma_peak", None, &Unit::Rate(peak * 1e-9, "GF/s"), 1.0, "");
    }
    let product = |name: &str, [m, k, n]: [usize; 3], call: &dyn Fn() -> Result<Tensor>| -> Result<()> {
        let flops = 2.0 * (m * k * n) as f64;
        let seconds = settings.time(call)?;
        let share =
            peak.map_or(String::new(), |peak| format!(" share_of_peak={:.2}", flops / seconds / peak));
        print(&format!("matmul_{name}"), None, &Unit::Rate(flops * 1e-9, "GF/s"), seconds, &share);
        Ok(())
    };
    for [m, k, n] in [[64; 3], [256; 3], [512; 3], [1024; 3], [8, 512, 512], [1, 784, 256]] {
        let (a, b) = (rng.randn([m, k], DType::F32)?, rng.randn([k, n], DType::F32)?);
        product(&format!("{m}x{k}x{n}"), [m, k, n], &|| Ok(a.matmul(&b)?))?;
    }
    let (a, b) = (rng.randn([512, 512], DType::F32)?, rng.randn([512, 512], DType::F32)?);
    product("512_left_transposed", [512; 3], &|| Ok(a.t()?.matmul(&b)?))?;
    product("512_right_transposed", [512; 3], &|| Ok(a.matmul(&b.t()?)?))
}
