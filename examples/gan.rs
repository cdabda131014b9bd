//! Trains a GAN with gradient penalty to draw points on a circle.
//!
//!     cargo run --release --example gan

use examples::args;
use examples::gallery::gan::{Gan, Players};
use std::error::Error;
use std::f64::consts::TAU;
use std::process::ExitCode;
use train::prelude::*;

fn main() -> ExitCode {
    args::exit_code(run)
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut steps = 1000;
    let seed =
        args::parse("A GAN with gradient penalty.\n\n  --steps N      default 1000", |option, value| {
            let known = option == "steps";
            if known {
                steps = value.get()?;
            }
            Ok(known)
        })?;
    let rng = Rng::seed(seed);
    let gan = Gan::new(64, &rng)?;
    let mut players = Players::new(&gan, 1e-3)?;
    for step in 1..=steps {
        let angles = rng.uniform([128], 0.0, TAU, DType::F32)?.to_vec::<f32>()?;
        let points = angles.iter().flat_map(|angle| [angle.cos(), angle.sin()]).collect();
        let real = Tensor::from_vec(points, [128, 2])?;
        let loss = players.step(&gan, &real, &rng)?;
        if step % 100 == 0 || step == steps {
            let points = no_grad(|| gan.generate(1000, &rng))?.detach();
            let radius = points.mul(&points)?.sum_dim(1, false)?.sqrt()?;
            let off = radius.sub_scalar(1.0)?.abs()?.mean()?.item::<f32>()?;
            println!("step {step}: critic {loss:.3}, points are {off:.3} off the circle");
        }
    }
    Ok(())
}
