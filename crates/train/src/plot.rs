//! A run's values as a picture.

use crate::callback::{Callback, Event, Flow};
use crate::{Error, Result, checkpoint};
use optim::{Dict, OptionValue};
use plotters::prelude::*;
use std::collections::BTreeMap;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Pixels of a panel.
const PANEL: (u32, u32) = (720, 300);
/// Blue, vermilion, green, purple of Okabe and Ito: colours that colour-blind people tell apart.
const COLORS: [RGBColor; 4] =
    [RGBColor(0, 114, 178), RGBColor(213, 94, 0), RGBColor(0, 158, 115), RGBColor(204, 121, 167)];
/// Values beyond this are drawn as little as NaN: an axis that holds them shows nothing else.
const LARGEST: f64 = 1e30;
/// Series with at most this many points show each.
const MARKED: usize = 50;

/// The points of a line: the epoch, counted from 1, and the value.
type Series = Vec<(usize, f64)>;

/// Draws the values of the epochs into an SVG file at the end of a run: a panel for the loss, one for each metric, the
/// validation's `val_loss` beside the training's `loss`. A value that is not finite is a gap in its line. A resumed run
/// draws the epochs before the resume too.
///
/// ```
/// use train::{Callback, Plot};
///
/// let path = std::env::temp_dir().join("train_doc_plot.svg");
/// let mut plot = Plot::new(&path);
/// // trainer.callback(plot), or in a loop of one's own:
/// for (epoch, loss) in [2.3, 0.7, 0.4].into_iter().enumerate() {
///     plot.add(epoch, &[("loss".to_string(), loss), ("val_loss".to_string(), loss + 0.1)].into());
/// }
/// plot.draw()?;
/// assert!(std::fs::read_to_string(&path)?.starts_with("<svg "));
/// # std::fs::remove_file(path).ok();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plot {
    name: String,
    path: PathBuf,
    series: BTreeMap<String, Series>,
}

impl Plot {
    /// Draws to the file `path`, in place of what it held.
    pub fn new(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let name = format!("plot {}", path.file_name().unwrap_or_default().to_string_lossy());
        Self { name, path: path.to_path_buf(), series: BTreeMap::new() }
    }

    /// Takes in the values of an epoch, counted from 0.
    pub fn add(&mut self, epoch: usize, values: &crate::Values) {
        for (name, value) in values {
            self.series.entry(name.clone()).or_default().push((epoch + 1, *value));
        }
    }

    /// Writes the file, if there are values at all.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn draw(&self) -> Result<()> {
        if self.series.is_empty() {
            return Ok(());
        }
        let svg = self.svg().map_err(|error| Error::File {
            path: self.path.display().to_string(),
            source: std::io::Error::other(error.to_string()),
        })?;
        Ok(tensor_core::io::replace_file(&self.path, |file| file.write_all(svg.as_bytes()))?)
    }

    fn svg(&self) -> std::result::Result<String, Box<dyn std::error::Error + '_>> {
        let panels = panels(&self.series);
        let mut svg = String::new();
        let root = SVGBackend::with_string(&mut svg, (PANEL.0, PANEL.1 * panels.len() as u32));
        let root = root.into_drawing_area();
        root.fill(&WHITE)?;
        let last = self.series.values().flatten().map(|(epoch, _)| *epoch).max().unwrap_or(1);
        for (area, (title, lines)) in root.split_evenly((panels.len(), 1)).iter().zip(&panels) {
            let range = value_range(lines.iter().flat_map(|(_, series)| series.iter().map(|(_, y)| *y)));
            let mut chart = ChartBuilder::on(area)
                .margin(10)
                .x_label_area_size(40)
                .y_label_area_size(70)
                .build_cartesian_2d(0..last, range)?;
            chart.configure_mesh().x_desc("epoch").y_desc(*title).light_line_style(TRANSPARENT).draw()?;
            for ((name, series), color) in lines.iter().zip(COLORS.iter().cycle()) {
                let mut label = Some(*name);
                for points in series.split(|(_, y)| !is_drawn(*y)).filter(|points| !points.is_empty()) {
                    let line = LineSeries::new(points.iter().copied(), color.stroke_width(2));
                    let line = line.point_size(if series.len() > MARKED { 0 } else { 3 });
                    let drawn = chart.draw_series(line)?;
                    if let Some(label) = label.take() {
                        drawn
                            .label(label)
                            .legend(|(x, y)| PathElement::new([(x, y), (x + 16, y)], color.stroke_width(2)));
                    }
                }
            }
            let mut labels = chart.configure_series_labels();
            labels.background_style(WHITE.mix(0.8)).border_style(BLACK.mix(0.4)).draw()?;
        }
        root.present()?;
        drop(root);
        Ok(svg)
    }
}

const TRANSPARENT: RGBAColor = RGBAColor(0, 0, 0, 0.0);

/// What belongs into one picture, the loss first: `val_loss` to `loss`.
fn panels(series: &BTreeMap<String, Series>) -> Vec<(&str, Vec<(&str, &Series)>)> {
    let mut panels: BTreeMap<&str, Vec<(&str, &Series)>> = BTreeMap::new();
    for (name, series) in series {
        panels.entry(name.strip_prefix("val_").unwrap_or(name)).or_default().push((name, series));
    }
    let mut panels: Vec<_> = panels.into_iter().collect();
    panels.sort_by_key(|(title, _)| *title != "loss");
    panels
}

fn is_drawn(value: f64) -> bool {
    value.abs() <= LARGEST
}

/// The axis: from the least to the greatest value that is drawn, and a little around.
fn value_range(values: impl Iterator<Item = f64>) -> Range<f64> {
    let ends = values.filter(|y| is_drawn(*y)).fold(None, |ends: Option<(f64, f64)>, y| {
        Some(ends.map_or((y, y), |(least, most)| (least.min(y), most.max(y))))
    });
    let (least, most) = ends.unwrap_or((0.0, 1.0));
    let around = if most > least { 0.05 * (most - least) } else { 0.05 * most.abs().max(1e-3) };
    least - around..most + around
}

impl Callback for Plot {
    fn name(&self) -> &str {
        &self.name
    }

    fn on_epoch(&mut self, event: &Event<'_>) -> Result<Flow> {
        self.add(event.epoch, event.values);
        Ok(Flow::Continue)
    }

    fn on_end(&mut self, _event: &Event<'_>) -> Result<()> {
        self.draw()
    }

    fn state_dict(&self) -> Dict {
        [("series".into(), self.series.to_value())].into()
    }

    fn load_state_dict(&mut self, state: &Dict) -> Result<()> {
        self.series = checkpoint::entry(state, "series")?;
        Ok(())
    }
}
