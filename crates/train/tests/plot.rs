//! The plot of a run: what is in the SVG file.
#![cfg(feature = "plot")]
#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::path::PathBuf;
use train::checkpoint::Checkpoints;
use train::prelude::{Adam, DataLoader, Layer, Linear, Module, Output, Result, Rng, TensorDataset, Trainer};
use train::{Callback, DType, Plot, Tensor, Values};

fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("train-plot-{}-{name}", std::process::id()))
}

/// The picture of series of values, the first of each for epoch 0.
fn svg(name: &str, series: &[(&str, &[f64])]) -> String {
    let path = temporary(name);
    let mut plot = Plot::new(&path);
    for epoch in 0..series[0].1.len() {
        let values: Values = series.iter().map(|(name, y)| (name.to_string(), y[epoch])).collect();
        plot.add(epoch, &values);
    }
    plot.draw().unwrap();
    let svg = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    assert!(svg.starts_with("<svg ") && svg.trim_end().ends_with("</svg>"));
    assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    svg
}

fn count(svg: &str, what: &str) -> usize {
    svg.matches(what).count()
}

/// The texts, in the order of the file.
fn texts(svg: &str) -> Vec<&str> {
    let after = svg.split("<text ").skip(1);
    after.map(|text| text.split_once('>').unwrap().1.split_once('<').unwrap().0.trim()).collect()
}

/// The lines of a colour, those of the legend among them.
fn lines(svg: &str, color: &str) -> usize {
    let stroke = format!("stroke=\"{color}\"");
    svg.split('<').filter(|tag| tag.starts_with("polyline ") && tag.contains(&stroke)).count()
}

const BLUE: &str = "#0072B2";
const RED: &str = "#D55E00";

#[test]
fn a_panel_for_the_loss_and_one_for_the_accuracy() {
    let svg = svg(
        "panels",
        &[
            ("accuracy", &[0.5, 0.7, 0.8]),
            ("loss", &[2.0, 1.0, 0.5]),
            ("val_accuracy", &[0.4, 0.6, 0.7]),
            ("val_loss", &[2.1, 1.2, 0.9]),
        ],
    );
    let texts = texts(&svg);
    let place = |text: &str| texts.iter().position(|found| *found == text).unwrap();
    assert!(place("loss") < place("val_loss") && place("val_loss") < place("accuracy"));
    assert!(place("accuracy") < place("val_accuracy"));
    assert_eq!(texts.iter().filter(|text| **text == "epoch").count(), 2);
    for label in ["0", "1", "2", "3", "0.5", "2.0"] {
        assert!(texts.contains(&label), "{label}: {texts:?}");
    }
    // A line and an entry of the legend each, and three points.
    assert_eq!((lines(&svg, BLUE), lines(&svg, RED)), (4, 4));
    assert_eq!(count(&svg, "<circle "), 12);
}

#[test]
fn values_that_are_not_finite_are_gaps() {
    let lines = |values: &[f64]| lines(&svg("gaps", &[("loss", values)]), BLUE);
    assert_eq!(lines(&[3.0, 2.0, 1.0, 0.5]), 2);
    assert_eq!(lines(&[3.0, 2.0, f64::NAN, 1.0]), 3);
    assert_eq!(lines(&[f64::INFINITY, 2.0, 1.0, f64::NEG_INFINITY]), 2);
    // Nothing to draw: axes alone. And nothing that an axis could not hold.
    assert_eq!(lines(&[f64::NAN, f64::INFINITY]), 0);
    assert_eq!(lines(&[f64::MAX, -f64::MAX, 1.0]), 2);
    assert_eq!(lines(&[0.0]), 2);
    assert_eq!(lines(&[1e30; 3]), 2);
}

#[test]
fn names_are_text_and_no_markup() {
    let svg = svg("markup", &[("a<b>&\"c", &[1.0, 2.0])]);
    assert!(svg.contains("a&lt;b&gt;&amp;"), "{svg}");
}

#[test]
fn no_epoch_is_no_file() {
    let path = temporary("none");
    Plot::new(&path).draw().unwrap();
    assert!(!path.exists());
    let mut plot = Plot::new(temporary("no folder").join("plot.svg"));
    plot.add(0, &Values::from([("loss".into(), 1.0)]));
    assert!(plot.draw().unwrap_err().to_string().contains("no folder"));
}

/// A run of this many epochs that goes on from where the folder's newest checkpoint is.
fn run(folder: &std::path::Path, epochs: usize) -> String {
    let rng = Rng::seed(0);
    let model = Linear::new(2, 1, &rng).unwrap();
    let (x, y) = (rng.randn([8, 2], DType::F32).unwrap(), Tensor::zeros([8, 1], DType::F32).unwrap());
    let loader = DataLoader::new(TensorDataset::new(x, y).unwrap(), 4).unwrap().shuffle(&rng);
    let mut opt = Adam::new(model.parameters(), 1e-2).unwrap();
    let path = folder.join("plot.svg");
    let mut trainer = Trainer::new(&model, &mut opt)
        .epochs(epochs)
        .rng(&rng)
        .checkpoints(Checkpoints::open(folder).unwrap(), None)
        .callback(Plot::new(&path))
        .quiet();
    trainer.resume_latest().unwrap();
    let loss = |(x, y): (Tensor, Tensor)| -> Result<Output> {
        Ok(Output::new(model.forward(&x.into())?.mse_loss(&y, train::autograd::Reduction::Mean)?, 4))
    };
    trainer.fit(&loader, loss).unwrap();
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn a_resumed_run_keeps_the_earlier_points() {
    let (whole, broken) = (temporary("whole"), temporary("broken"));
    let expected = run(&whole, 5);
    assert_eq!(count(&expected, "<circle "), 5);
    assert_eq!(count(&run(&broken, 2), "<circle "), 2);
    assert_eq!(run(&broken, 5), expected);
    std::fs::remove_dir_all(whole).unwrap();
    std::fs::remove_dir_all(broken).unwrap();
}

#[test]
fn a_state_of_another_kind_is_refused() {
    let mut plot = Plot::new("plot.svg");
    let error = plot.load_state_dict(&[("series".into(), train::optim::Value::Int(1))].into()).unwrap_err();
    assert!(error.to_string().contains("\"series\""), "{error}");
}
