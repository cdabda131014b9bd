//! What is composed of other operations and reads arguments of its own: equations, grids, bags, lengths.

use crate::arguments::SIZES;
use crate::attempt::{Log, described, odd_tensors, var};
use crate::attempts;
use autograd::*;

#[test]
fn equations() {
    let mut log = Log::new();
    let letters: String = ('a'..='z').chain('A'..='Z').collect();
    let long = format!("{letters}->");
    let many = ",".repeat(100);
    let equations = [
        "",
        "->",
        ",",
        "->->",
        "i->j",
        "ii->ii",
        "ij,jk->ik",
        "ij,jk",
        "...",
        "......",
        "...->",
        "->...",
        "i...i",
        "...i->i...",
        "i.j",
        "i..j",
        "i,i,i",
        "ij->ijk",
        "1->1",
        "é->é",
        "i\0->i",
        "ij -> ji ",
        ",->",
        "iij,jji->",
        &long,
        &many,
    ];
    let tensors = odd_tensors();
    for equation in equations {
        for a in &tensors {
            attempts!(log, format!("{equation:?}, {}", described(a));
                Tensor::einsum(equation, &[]), Tensor::einsum(equation, &[a]), Var::einsum(equation, &[&var(a)]),
            );
            for b in &tensors {
                attempts!(log, format!("{equation:?}, {} and {}", described(a), described(b));
                    Tensor::einsum(equation, &[a, b]),
                );
            }
        }
    }
    log.finish();
}

#[test]
fn grids_and_bags() {
    let mut log = Log::new();
    let tensors = odd_tensors();
    let modes = [GridSampleMode::Bilinear, GridSampleMode::Nearest, GridSampleMode::Bicubic];
    for a in &tensors {
        for b in &tensors {
            let (x, y) = (var(a), var(b));
            let grid = |mode| GridSampleOptions {
                mode,
                padding_mode: GridSamplePadding::Reflection,
                ..Default::default()
            };
            let bag = |offsets, weights, padding_idx| EmbeddingBagOptions {
                offsets,
                mode: BagMode::Sum,
                per_sample_weights: weights,
                padding_idx,
                ..Default::default()
            };
            attempts!(log, format!("{} and {}", described(a), described(b));
                x.grid_sample(&y, grid(modes[0])), x.grid_sample(&y, grid(modes[1])), x.grid_sample(&y, grid(modes[2])),
                x.embedding_bag(b, bag(None, None, None)), x.embedding_bag(b, bag(Some(b), None, Some(isize::MIN))),
                x.embedding_bag(b, bag(Some(a), Some(&y), Some(isize::MAX))),
                x.clamp_tensor(Some(&y), None), x.clamp_tensor(None, Some(&y)), x.clamp_tensor(Some(&y), Some(&x)),
                x.kron(&y), x.addmm(&y, &x, f64::NAN, 0.0), x.addbmm(&y, &x, 0.0, 1.0), x.baddbmm(&x, &y, 1.0, 1.0),
                x.addmv(&y, &x, 1.0, 1.0), x.addr(&y, &x, 1.0, 1.0), x.dot(&y), x.mv(&y), x.outer(&y),
                x.solve(&y), x.solve_triangular(&y, false),
            );
        }
    }
    log.finish();
}

#[test]
fn a_place_that_is_no_number_reads_as_outside() {
    let image = Var::from(Tensor::ones([1, 1, 2, 2], DType::F64).unwrap());
    for place in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300] {
        let grid = Var::from(Tensor::full([1, 1, 1, 2], place, DType::F64).unwrap());
        let read = image.grid_sample(&grid, GridSampleOptions::default()).unwrap();
        assert_eq!(read.shape().to_vec(), [1, 1, 1, 1], "{place}");
    }
}

#[test]
fn lengths_of_labels() {
    let mut log = Log::new();
    for value in odd_tensors() {
        let x = var(&value);
        for targets in odd_tensors() {
            for n in SIZES {
                let options = CtcLossOptions { blank: n, ..Default::default() };
                attempts!(log, format!("{n}, {} and {}", described(&value), described(&targets));
                    x.ctc_loss(&targets, &[n], &[n], options), x.ctc_loss(&targets, &[1, n], &[n, 1], options),
                    x.ctc_loss(&targets, &[], &[n], CtcLossOptions::default()),
                );
            }
        }
    }
    log.finish();
}
