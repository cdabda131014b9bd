//! `--scaling FILE`: how the rate of a training step grows with its size, printed and drawn beside the processor's peak.
//!
//! `mlp` is 784-w-w-10 with ReLU and Adam, 512 samples a step, over the width w. `gpt` is the workload of that name over
//! its block, 1024 tokens a step. Both count the multiply-adds that the products of a step need: forward, and twice that
//! backward, but for the first layer's input, which has no gradient; of attention the half that the mask leaves.

use crate::measure::{Settings, Unit, print};
use crate::workloads::{gpt, mlp};
use plotters::prelude::*;
use std::error::Error;
use std::io::Write;
use std::path::Path;

const WIDTHS: [usize; 6] = [128, 256, 512, 1024, 2048, 4096];
const BLOCKS: [usize; 5] = [64, 128, 256, 512, 1024];
/// Samples of a step of `mlp`, tokens of a step of `gpt`.
const BATCH: usize = 512;
const TOKENS: usize = 1024;

const PIXELS: (u32, u32) = (720, 400);
/// Blue and vermilion of Okabe and Ito, as in a run's plot.
const MLP: RGBColor = RGBColor(0, 114, 178);
const GPT: RGBColor = RGBColor(213, 94, 0);

/// Sizes and rates, in GF/s.
type Line = Vec<(f64, f64)>;

/// Measures, prints, and writes the picture.
pub fn run(settings: &Settings, file: &Path) -> Result<(), Box<dyn Error>> {
    let peak = train::tensor_core::fma_peak().unwrap_or(f64::NAN) * 1e-9;
    let rate = |name: &str, size: &str, at: usize, flops: f64, seconds: f64| {
        let rest = format!(" {size}={at} share_of_peak={:.2}", flops * 1e-9 / seconds / peak);
        print(name, None, &Unit::Rate(flops * 1e-9, "GF/s"), seconds, &rest);
        (at as f64, flops * 1e-9 / seconds)
    };
    let mut lines: [Line; 2] = Default::default();
    for width in WIDTHS {
        let seconds = settings.time(mlp::training(&mlp::two_hidden(width)?, BATCH)?)?;
        lines[0].push(rate("scaling_mlp", "width", width, mlp_flops(width), seconds));
    }
    for block in BLOCKS {
        let size = gpt::small_size(block);
        let seconds = settings.time(gpt::training(size, TOKENS / block)?)?;
        lines[1].push(rate("scaling_gpt", "block", block, gpt_flops(block), seconds));
    }
    let svg = draw(&lines, peak).map_err(|error| error.to_string())?;
    train::tensor_core::io::replace_file(file, |out| out.write_all(svg.as_bytes()))?;
    Ok(())
}

fn mlp_flops(width: usize) -> f64 {
    let (first, rest) = (784 * width, width * width + 10 * width);
    (2 * BATCH * (2 * first + 3 * rest)) as f64
}

fn gpt_flops(block: usize) -> f64 {
    let gpt::GptSize { vocabulary, width, blocks, .. } = gpt::small_size(block);
    let weights = blocks * 12 * width * width + vocabulary * width;
    // Scores and their products with the values, half a block of keys for the mean query.
    let attention = blocks * 2 * width * block / 2;
    (3 * 2 * TOKENS * (weights + attention)) as f64
}

fn draw(lines: &[Line; 2], peak: f64) -> Result<String, Box<dyn Error + '_>> {
    let mut svg = String::new();
    let root = SVGBackend::with_string(&mut svg, PIXELS).into_drawing_area();
    root.fill(&WHITE)?;
    let top = lines.iter().flatten().map(|(_, rate)| *rate).fold(peak, f64::max) * 1.05;
    let (left, right) = (64.0, 4096.0);
    let mut chart = ChartBuilder::on(&root)
        .margin(10)
        .x_label_area_size(40)
        .y_label_area_size(60)
        .build_cartesian_2d((left..right).log_scale().base(2.0), 0.0..top)?;
    let mesh = &mut chart.configure_mesh();
    mesh.x_desc("width (mlp), block (gpt)")
        .y_desc("GF/s")
        .x_label_formatter(&|x| format!("{x:.0}"))
        .draw()?;
    let peak = [(left, peak), (right, peak)].to_vec();
    for (name, color, line) in [("peak", BLACK, &peak), ("mlp", MLP, &lines[0]), ("gpt", GPT, &lines[1])] {
        let series = LineSeries::new(line.iter().copied(), color.stroke_width(2)).point_size(3);
        let legend = move |(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2));
        chart.draw_series(series)?.label(name).legend(legend);
    }
    let mut labels = chart.configure_series_labels();
    labels.position(SeriesLabelPosition::LowerRight).background_style(WHITE.mix(0.8)).draw()?;
    root.present()?;
    drop(chart);
    drop(root);
    Ok(svg)
}
