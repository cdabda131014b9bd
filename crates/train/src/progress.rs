//! What one sees of a running epoch: a bar where the output is a terminal, plain lines elsewhere.

#[cfg(feature = "progress")]
mod bar;

use std::io::Write;
use std::time::{Duration, Instant};

/// Redraws of the bar: often enough to look steady, seldom enough to cost nothing.
const REDRAW: Duration = Duration::from_millis(100);
/// Plain lines within an epoch.
const LINE: Duration = Duration::from_secs(10);

/// The progress of one epoch, on the standard error stream: how far it is, the values that [`step`](Progress::step)
/// hands over, samples per second. With the feature `progress` and a terminal it is a bar whose last state stays;
/// otherwise a line at the end, and on long epochs one every ten seconds.
///
/// ```
/// use train::progress::Progress;
///
/// let mut progress = Progress::epoch(0, 10, 2);
/// progress.step(64, &[("loss", 2.31)]);
/// progress.step(32, &[("loss", 2.18)]);
/// let line = progress.finish();
/// assert!(line.starts_with("epoch 1/10: loss 2.1800, "), "{line}");
/// ```
#[derive(Debug)]
pub struct Progress {
    title: String,
    steps: usize,
    step: usize,
    samples: usize,
    /// The values of the last step, as text.
    values: String,
    start: Instant,
    drawn: Instant,
    display: Display,
}

#[derive(Debug)]
enum Display {
    #[cfg(feature = "progress")]
    Bar(bar::Bar),
    Lines,
}

impl Progress {
    /// Starts epoch number `epoch` (counted from 0) of `epochs`, which has `steps` steps.
    pub fn epoch(epoch: usize, epochs: usize, steps: usize) -> Self {
        Self::new(format!("epoch {}/{epochs}", epoch + 1), steps)
    }

    /// Starts `steps` steps under a title of one's own.
    pub fn new(title: impl Into<String>, steps: usize) -> Self {
        let (title, now) = (title.into(), Instant::now());
        let display = Display::new(&title, steps);
        Self { title, steps, step: 0, samples: 0, values: String::new(), start: now, drawn: now, display }
    }

    /// A step is done, over `samples` samples. `values` are shown behind their names: means over the epoch so far say
    /// more than the batch's own. A name that ends in `%` shows a share as percent.
    pub fn step(&mut self, samples: usize, values: &[(&str, f64)]) {
        self.step += 1;
        self.samples += samples;
        let interval = if self.display.is_bar() { REDRAW } else { LINE };
        let due = self.drawn.elapsed() >= interval;
        if due || self.step >= self.steps {
            self.values = text(values);
        }
        if due {
            self.draw();
            self.drawn = Instant::now();
        }
    }

    /// Ends the display and returns its last line.
    pub fn finish(self) -> String {
        let line = format!("{}: {}", self.title, self.summary());
        match &self.display {
            #[cfg(feature = "progress")]
            Display::Bar(bar) => bar.finish(self.step, &self.summary()),
            Display::Lines => print(&line),
        }
        line
    }

    /// Samples per second so far.
    pub fn samples_per_second(&self) -> f64 {
        self.samples as f64 / self.start.elapsed().as_secs_f64().max(1e-9)
    }

    fn draw(&self) {
        match &self.display {
            #[cfg(feature = "progress")]
            Display::Bar(bar) => bar.draw(self.step, &self.summary()),
            Display::Lines if self.step < self.steps => {
                print(&format!("{}, step {}/{}: {}", self.title, self.step, self.steps, self.summary()));
            }
            Display::Lines => {}
        }
    }

    fn summary(&self) -> String {
        let (rate, seconds) = (self.samples_per_second(), self.start.elapsed().as_secs_f64());
        format!("{}{rate:.0} samples/s, {seconds:.1} s", self.values)
    }
}

impl Display {
    fn new(title: &str, steps: usize) -> Self {
        #[cfg(feature = "progress")]
        if std::io::IsTerminal::is_terminal(&std::io::stderr()) {
            return Display::Bar(bar::Bar::new(title, steps));
        }
        let _ = (title, steps);
        Display::Lines
    }

    fn is_bar(&self) -> bool {
        !matches!(self, Display::Lines)
    }
}

fn text(values: &[(&str, f64)]) -> String {
    let value = |&(name, value): &(&str, f64)| match name.strip_suffix('%') {
        Some(name) => format!("{} {:.2} %, ", name.trim_end(), 100.0 * value),
        None => format!("{name} {value:.4}, "),
    };
    values.iter().map(value).collect()
}

/// A line that nobody may be reading: training goes on where the stream is closed.
fn print(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_values_and_the_samples_are_in_the_last_line() {
        let mut progress = Progress::epoch(2, 5, 3);
        for i in 0..3 {
            progress.step(10, &[("loss", f64::from(i)), ("accuracy %", 0.975)]);
        }
        assert!(progress.samples_per_second() > 0.0);
        let line = progress.finish();
        assert!(line.starts_with("epoch 3/5: loss 2.0000, accuracy 97.50 %, "), "{line}");
        assert!(line.contains(" samples/s, ") && line.ends_with(" s"), "{line}");
    }

    #[test]
    fn no_step_is_no_trouble() {
        assert!(Progress::new("validation", 0).finish().starts_with("validation: 0 samples/s"));
    }
}
