//! Three ideas of training, with numbers: `zero_grad`, `detach` and `step`.
//!
//!     cargo run --release --example zero_grad_detach_step
//!
//! The model is one number w, the loss is (w·x − y)² for x = 2, y = 4: best at w = 2. Its gradient is 2·(w·x − y)·x,
//! which at w = 1 is 2·(2 − 4)·2 = −8. Every number that is printed is also asserted.

use examples::args;
use std::error::Error;
use std::process::ExitCode;
use train::prelude::*;

const HELP: &str = "
Shows with printed numbers what zero_grad, detach and step do.

Usage: cargo run --release --example zero_grad_detach_step";

fn main() -> ExitCode {
    args::exit_code(|| {
        args::parse(HELP, |_, _| Ok(false))?;
        zero_grad()?;
        detach()?;
        step()?;
        Ok(())
    })
}

/// The trained number, at its start.
fn weight() -> Result<Parameter> {
    Ok(Parameter::new(Tensor::scalar(1.0f32)?)?)
}

/// (w·2 − 4)²
fn loss(w: &Parameter) -> Result<Var> {
    let error = w.var().mul_scalar(2.0)?.sub_scalar(4.0)?;
    Ok(error.mul(&error)?)
}

fn value(w: &Parameter) -> Result<f32> {
    Ok(w.value().item()?)
}

fn gradient(w: &Parameter) -> Result<Option<f32>> {
    Ok(w.grad().map(|gradient| gradient.item()).transpose()?)
}

/// Gradients add up until they are cleared.
fn zero_grad() -> Result<(), Box<dyn Error>> {
    println!("1. zero_grad");

    // backward adds to what is there. Nothing is there at first.
    let w = weight()?;
    println!("   before the first backward the gradient is {:?}", gradient(&w)?);
    assert_eq!(gradient(&w)?, None);
    loss(&w)?.backward()?;
    println!("   after one backward it is {:?}", gradient(&w)?);
    assert_eq!(gradient(&w)?, Some(-8.0));

    // The same loss once more, with no zero_grad between: the gradient is twice what it should be.
    loss(&w)?.backward()?;
    println!("   after another backward without zero_grad it is {:?}: the two were added", gradient(&w)?);
    assert_eq!(gradient(&w)?, Some(-16.0));

    // A step with this gradient goes twice as far. At learning rate 0.1: 1 + 0.1·16 = 2.6, past the best value, 2.
    let mut opt = SGD::new([w.clone()], 0.1)?;
    opt.step()?;
    println!("   a step with it goes from 1 to {:.1}: past the best value, 2", value(&w)?);
    assert!((value(&w)? - 2.6).abs() < 1e-6);

    // With zero_grad between, the step is the right one: 1 + 0.1·8 = 1.8.
    let w = weight()?;
    let mut opt = SGD::new([w.clone()], 0.1)?;
    loss(&w)?.backward()?;
    opt.zero_grad();
    loss(&w)?.backward()?;
    opt.step()?;
    println!("   with zero_grad between the backwards it goes to {:.1}", value(&w)?);
    assert!((value(&w)? - 1.8).abs() < 1e-6);

    // Adding up has its use: two half batches, one step.
    let w = weight()?;
    loss(&w)?.mul_scalar(0.5)?.backward()?;
    loss(&w)?.mul_scalar(0.5)?.backward()?;
    println!(
        "   two backwards of half the loss, on purpose: {:?}, the gradient of the whole\n",
        gradient(&w)?
    );
    assert_eq!(gradient(&w)?, Some(-8.0));
    Ok(())
}

/// A detached value has no history: it shares the numbers, and no gradient flows through it.
fn detach() -> Result<(), Box<dyn Error>> {
    println!("2. detach");

    // y = w², whose gradient is 2·w. With w = 3 that is 6.
    let w = Parameter::new(Tensor::scalar(3.0f32)?)?;
    let y = w.var().mul(&w.var())?;
    println!("   y = w*w = {} has a history ({:?})", y.detach().item::<f32>()?, y.grad_fn());
    assert!(y.requires_grad());

    // Reading a number out of a tracked value asks for detach, so that no one loses a gradient unaware.
    let refused = y.item::<f32>().err().ok_or("reading a tracked value went through")?;
    println!("   y.item() is refused: {refused}");

    // What it shares: the numbers, without a copy.
    let detached = y.detach();
    println!("   the detached y shares its memory: {}", detached.shares_storage(&y.detach()));
    assert!(detached.shares_storage(&y.detach()));

    // What it cuts: z = y·y has the gradient 2·y·2·w = 108; with one factor detached, half of it.
    y.mul(&y)?.backward()?;
    println!("   gradient of y*y:          {:?}", gradient(&w)?);
    assert_eq!(gradient(&w)?, Some(108.0));
    w.zero_grad();
    let y = w.var().mul(&w.var())?;
    y.mul(&y.detach().into())?.backward()?;
    println!("   gradient of y*y.detach(): {:?}: the detached factor counts as a constant", gradient(&w)?);
    assert_eq!(gradient(&w)?, Some(54.0));

    // With all factors detached there is nothing to go back through, and backward says so.
    let constant: Var = w.var().detach().into();
    let refused = constant.mul(&constant)?.backward().err().ok_or("backward of a constant went through")?;
    println!("   backward of a constant is refused: {refused}\n");

    // A value written through one handle is never seen through another: what was detached stays as it was.
    let before = w.value();
    w.set_value(Tensor::scalar(5.0f32)?)?;
    assert_eq!((before.item::<f32>()?, value(&w)?), (3.0, 5.0));
    Ok(())
}

/// A step reads the gradient and writes the value. It does not clear the gradient.
fn step() -> Result<(), Box<dyn Error>> {
    println!("3. step");

    let w = weight()?;
    let mut opt = SGD::new([w.clone()], 0.1)?;
    loss(&w)?.backward()?;
    opt.step()?;
    println!("   after a step w is {:.1} and the gradient still {:?}", value(&w)?, gradient(&w)?);
    assert_eq!(gradient(&w)?, Some(-8.0));

    // A second step without a backward uses the old gradient again: 1.8 + 0.8.
    opt.step()?;
    println!("   a second step on the old gradient: w is {:.1}", value(&w)?);
    assert!((value(&w)? - 2.6).abs() < 1e-6);

    // zero_grad sets gradients to none, and a step passes over a parameter without one.
    opt.zero_grad();
    opt.step()?;
    println!(
        "   after zero_grad the gradient is {:?}, and a step leaves w at {:.1}",
        gradient(&w)?,
        value(&w)?
    );
    assert!((value(&w)? - 2.6).abs() < 1e-6);

    // A gradient of zero is not the same: momentum goes on with it. The first step sets the velocity to -8; the second
    // moves by 0.9 of that, though the gradient is 0. Without a gradient it would not.
    for (kind, moves) in [("none", 0.0), ("zero", 0.1 * 0.9 * 8.0)] {
        let w = weight()?;
        let mut opt = SGD::new([w.clone()], SGDOptions { momentum: 0.9, ..0.1.into() })?;
        loss(&w)?.backward()?;
        opt.step()?;
        let before = value(&w)?;
        match kind {
            "none" => opt.zero_grad(),
            // PyTorch's zero_grad(set_to_none=False).
            _ => opt.zero_grad_keep()?,
        }
        opt.step()?;
        let moved = value(&w)? - before;
        println!("   with momentum, a step on a gradient of {kind} moves w by {moved:.2}");
        assert!((moved - moves).abs() < 1e-6);
    }
    Ok(())
}
