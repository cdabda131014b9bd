//! ResNet-18 as torchvision builds it: the same names, so that a state dict fits.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use examples::models::ResNet18;
use std::collections::BTreeSet;
use train::prelude::*;

/// What torchvision's `resnet18().state_dict()` has: 62 parameters and three buffers for each of 20 norms.
fn torchvision_names() -> BTreeSet<String> {
    let norm = |name: &str| {
        let parts = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"];
        parts.map(|part| format!("{name}.{part}"))
    };
    let mut names = BTreeSet::from(["conv1.weight", "fc.weight", "fc.bias"].map(String::from));
    names.extend(norm("bn1"));
    for stage in 1..=4 {
        for block in 0..2 {
            for place in 1..=2 {
                names.insert(format!("layer{stage}.{block}.conv{place}.weight"));
                names.extend(norm(&format!("layer{stage}.{block}.bn{place}")));
            }
        }
        if stage > 1 {
            names.insert(format!("layer{stage}.0.downsample.0.weight"));
            names.extend(norm(&format!("layer{stage}.0.downsample.1")));
        }
    }
    names
}

#[test]
fn the_names_are_torchvisions() {
    let state = ResNet18::new(3, 10, 2, &Rng::seed(0)).unwrap().state_dict();
    let names: BTreeSet<String> = state.keys().cloned().collect();
    assert_eq!(names, torchvision_names());
    assert_eq!(names.len(), 122);
}

#[test]
fn at_full_width_it_has_torchvisions_number_of_parameters() {
    // torchvision's 11,689,512, less 64·3·(49 − 9) in the stem and 513·(1000 − 10) in the head.
    assert_eq!(ResNet18::new(3, 10, 64, &Rng::seed(0)).unwrap().num_parameters(), 11_173_962);
}
