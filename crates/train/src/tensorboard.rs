//! TensorBoard's event files.
//!
//! A file is a row of records: the length (u64, little-endian), its masked CRC-32C, the bytes, their masked CRC-32C
//! (TensorFlow's TFRecord format). Each record is an `Event` of TensorFlow's `event.proto`, encoded by hand: three kinds
//! of fields are all that scalars, text and histograms need.

mod histogram;

use crate::callback::{Callback, Event, Flow};
use crate::checksum::crc32c;
use crate::{DType, Error, Parameter, Result, Tensor, Values};
use histogram::histogram_value;
use nn::Module;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// What the first record of a file must say.
const VERSION: &str = "brain.Event:2";

/// Writes scalars, histograms and text to a folder that `tensorboard --logdir` shows. As a [`Callback`] it writes the values of steps
/// under `step/`, those of epochs under `epoch/`; a resumed run begins another file in the same folder, and TensorBoard
/// shows the later values where steps overlap.
///
/// ```
/// use train::{DType, Rng, TensorBoard};
///
/// # let folder = std::env::temp_dir().join(format!("train_doc_tensorboard_{}", std::process::id()));
/// let mut board = TensorBoard::create(&folder)?;
/// board.scalar("loss", 1, 0.5)?;
/// board.histogram("weights", 1, &Rng::seed(0).randn([100], DType::F32)?)?;
/// board.text("configuration", 0, "learning rate 0.001")?;
/// # std::fs::remove_dir_all(folder).ok();
/// # Ok::<(), train::Error>(())
/// ```
#[derive(Debug)]
pub struct TensorBoard {
    path: PathBuf,
    file: File,
    /// Whose histograms are written after each epoch.
    watched: Vec<(String, Parameter)>,
}

impl TensorBoard {
    /// Begins a file in `folder`, which is made if it is not there.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn create(folder: impl AsRef<Path>) -> Result<Self> {
        let (folder, seconds) = (folder.as_ref(), now());
        let mut count = 0;
        let open = |count: usize| -> std::io::Result<(PathBuf, File)> {
            fs::create_dir_all(folder)?;
            let (whole, process) = (seconds as u64, std::process::id());
            let path = folder.join(format!("events.out.tfevents.{whole:010}.{process}.{count}"));
            Ok((path.clone(), File::create_new(path)?))
        };
        let (path, file) = loop {
            match open(count) {
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => count += 1,
                opened => {
                    break opened
                        .map_err(|source| Error::File { path: folder.display().to_string(), source })?;
                }
            }
        };
        let mut board = Self { path, file, watched: Vec::new() };
        board.record(&version(seconds))?;
        Ok(board)
    }

    /// As a callback, also writes a histogram of each parameter after each epoch, under `weights/`.
    pub fn histograms(self, model: &(impl Module + ?Sized)) -> Self {
        Self { watched: model.named_parameters(), ..self }
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A number under a name, at a step.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn scalar(&mut self, name: &str, step: usize, value: f64) -> Result<()> {
        let bytes = event(now(), step, &scalar_value(name, value));
        self.record(&bytes)
    }

    /// How the elements of a tensor are spread, under a name, at a step: PyTorch's `add_histogram`, with TensorFlow's
    /// buckets. Elements that are not finite are left out.
    ///
    /// # Errors
    /// If the system refuses or memory runs out.
    pub fn histogram(&mut self, name: &str, step: usize, tensor: &Tensor) -> Result<()> {
        let values = tensor.to_dtype(DType::F64)?.to_vec::<f64>()?;
        let bytes = event(now(), step, &histogram_value(name, &values));
        self.record(&bytes)
    }

    /// Text under a name, at a step; TensorBoard takes it for Markdown.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn text(&mut self, name: &str, step: usize, text: &str) -> Result<()> {
        let bytes = event(now(), step, &text_value(name, text));
        self.record(&bytes)
    }

    fn record(&mut self, bytes: &[u8]) -> Result<()> {
        let written = self.file.write_all(&framed(bytes));
        written.map_err(|source| Error::File { path: self.path.display().to_string(), source })
    }

    fn write(&mut self, kind: &str, step: usize, values: &Values) -> Result<Flow> {
        values.iter().try_for_each(|(name, value)| self.scalar(&format!("{kind}/{name}"), step, *value))?;
        Ok(Flow::Continue)
    }
}

impl Callback for TensorBoard {
    fn name(&self) -> &str {
        "tensorboard"
    }

    fn on_step(&mut self, event: &Event<'_>) -> Result<Flow> {
        self.write("step", event.step, event.values)
    }

    fn on_epoch(&mut self, event: &Event<'_>) -> Result<Flow> {
        for (name, parameter) in self.watched.clone() {
            self.histogram(&format!("weights/{name}"), event.step, &parameter.value())?;
        }
        self.write("epoch", event.step, event.values)
    }
}

fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// A record around `bytes`.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let length = (bytes.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), bytes, &masked(bytes)].concat()
}

/// The checksum, changed so that a checksum of data that hold checksums is none of them: TensorFlow's `MaskedCRC`.
fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// `Event { wall_time = 1, file_version = 3 }`
fn version(seconds: f64) -> Vec<u8> {
    let mut event = Vec::new();
    push_fixed64(&mut event, 1, seconds.to_bits());
    push_bytes(&mut event, 3, VERSION.as_bytes());
    event
}

/// `Event { wall_time = 1, step = 2, summary = 5 { value = 1 } }`
fn event(seconds: f64, step: usize, value: &[u8]) -> Vec<u8> {
    let (mut summary, mut event) = (Vec::new(), Vec::new());
    push_bytes(&mut summary, 1, value);
    push_fixed64(&mut event, 1, seconds.to_bits());
    push_varint_field(&mut event, 2, step as u64);
    push_bytes(&mut event, 5, &summary);
    event
}

/// `Value { tag = 1, simple_value = 2 }`
fn scalar_value(name: &str, value: f64) -> Vec<u8> {
    let mut bytes = Vec::new();
    push_bytes(&mut bytes, 1, name.as_bytes());
    push_key(&mut bytes, 2, 5);
    bytes.extend((value as f32).to_le_bytes());
    bytes
}

/// `Value { tag = 1, tensor = 8 { dtype = 1, tensor_shape = 2 { dim = 2 { size = 1 } }, string_val = 8 }, metadata = 9 {
/// plugin_data = 1 { plugin_name = 1 } } }`
fn text_value(name: &str, text: &str) -> Vec<u8> {
    /// TensorFlow's `DT_STRING`.
    const DT_STRING: u64 = 7;
    let (mut size, mut shape, mut tensor) = (Vec::new(), Vec::new(), Vec::new());
    push_varint_field(&mut size, 1, 1);
    push_bytes(&mut shape, 2, &size);
    push_varint_field(&mut tensor, 1, DT_STRING);
    push_bytes(&mut tensor, 2, &shape);
    push_bytes(&mut tensor, 8, text.as_bytes());
    let (mut plugin, mut metadata, mut bytes) = (Vec::new(), Vec::new(), Vec::new());
    push_bytes(&mut plugin, 1, b"text");
    push_bytes(&mut metadata, 1, &plugin);
    push_bytes(&mut bytes, 1, name.as_bytes());
    push_bytes(&mut bytes, 8, &tensor);
    push_bytes(&mut bytes, 9, &metadata);
    bytes
}

/// A field's number and wire type, as protocol buffers have them.
fn push_key(bytes: &mut Vec<u8>, field: u64, wire_type: u64) {
    push_varint(bytes, field << 3 | wire_type);
}

fn push_varint(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn push_varint_field(bytes: &mut Vec<u8>, field: u64, number: u64) {
    push_key(bytes, field, 0);
    push_varint(bytes, number);
}

fn push_fixed64(bytes: &mut Vec<u8>, field: u64, bits: u64) {
    push_key(bytes, field, 1);
    bytes.extend(bits.to_le_bytes());
}

fn push_bytes(bytes: &mut Vec<u8>, field: u64, content: &[u8]) {
    push_key(bytes, field, 2);
    push_varint(bytes, content.len() as u64);
    bytes.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_are_those_of_the_package_tensorboard() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/tensorboard/events.bin");
        let events = [
            version(1.5),
            event(2.5, 1, &scalar_value("loss", 0.5)),
            event(3.5, 300, &text_value("note", "é")),
        ];
        assert_eq!(
            events.iter().flat_map(|event| framed(event)).collect::<Vec<u8>>(),
            fs::read(path).unwrap()
        );
    }
}
