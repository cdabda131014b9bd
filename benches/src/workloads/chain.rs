//! `chain`: links of `y · a + b` on one element, forward, backward and the drop of the graph; time of an operation.

use crate::measure::{Settings, Unit};
use train::{DType, Result, Rng, Var};

pub fn run(settings: &Settings, links: usize) -> Result<()> {
    let rng = Rng::seed(0);
    let (x, a) = (Var::leaf(rng.rand([1], DType::F32)?)?, Var::from(rng.rand([1], DType::F32)?));
    let b = Var::from(rng.rand([1], DType::F32)?);
    let name = format!("chain_{links}");
    settings.call(&name, Unit::Microseconds(2.0 * links as f64, "us/op"), || {
        x.zero_grad();
        let mut y = x.clone();
        for _ in 0..links {
            y = y.mul(&a)?.add(&b)?;
        }
        Ok(y.backward()?)
    })
}
