//! Printing, as PyTorch prints with its default options.

use crate::dtype::dispatch_all;
use crate::{DType, Element, Tensor};
use std::fmt::{Display, Formatter, Result};

/// Digits after the point.
const PRECISION: usize = 4;
/// Tensors of more elements are summarised.
const THRESHOLD: usize = 1000;
/// Elements at each end of a summarised dimension.
const EDGE: usize = 3;
/// Columns of a line.
const LINE_WIDTH: usize = 80;
/// What every text starts with; later lines are indented by as much.
const PREFIX: &str = "tensor(";

/// The elements as PyTorch prints them: four digits, scientific where the range asks for it, 80 columns; above 1,000
/// elements only three at each end of a dimension. A dtype other than f32, i64 and bool is named, by the name that it
/// has here: `dtype=f64`.
///
/// ```
/// use tensor_core::Tensor;
/// let x = Tensor::from_vec(vec![1.0f64, 2.5, 3.0, 4.0], [2, 2])?;
/// assert_eq!(x.to_string(), "tensor([[1.0000, 2.5000],\n        [3.0000, 4.0000]], dtype=f64)");
/// # Ok::<(), tensor_core::Error>(())
/// ```
impl Display for Tensor {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let mut text = PREFIX.to_string();
        if self.numel() == 0 {
            text.push_str("[]");
        } else {
            dispatch_all!(self.dtype(), T => Printer::<T>::new(self).print(&mut text, 0, self.layout.offset));
        }
        add_suffixes(self, &mut text);
        f.write_str(&text)
    }
}

/// Appends what follows the elements, `, ` before each; on a new line where the line would get too long.
fn add_suffixes(tensor: &Tensor, text: &mut String) {
    let mut suffixes = Vec::new();
    if tensor.numel() == 0 && tensor.rank() != 1 {
        let sizes: Vec<String> = tensor.shape().iter().map(usize::to_string).collect();
        suffixes.push(format!("size=({})", sizes.join(", ")));
    }
    let unnamed = match tensor.dtype() {
        DType::F32 => true,
        DType::I64 | DType::Bool => tensor.numel() != 0,
        _ => false,
    };
    if !unnamed {
        suffixes.push(format!("dtype={}", tensor.dtype()));
    }
    let mut column = text.len() - text.rfind('\n').map_or(0, |at| at + 1) + 2;
    for suffix in suffixes {
        if column + suffix.len() + 2 > LINE_WIDTH {
            text.push_str(",\n");
            text.push_str(&" ".repeat(PREFIX.len()));
            column = PREFIX.len() + suffix.len();
        } else {
            text.push_str(", ");
            column += suffix.len() + 2;
        }
        text.push_str(&suffix);
    }
    text.push(')');
}

/// How the numbers of one tensor are written.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    Integer,
    Bool,
    /// Floats that are all whole: `3.`
    Whole,
    Fixed,
    Scientific,
}

struct Printer<'a, T> {
    tensor: &'a Tensor,
    data: &'a [T],
    summarised: bool,
    style: Style,
    width: usize,
}

impl<'a, T: Element> Printer<'a, T> {
    /// Looks at the elements that will be shown. The tensor has at least one.
    fn new(tensor: &'a Tensor) -> Self {
        let summarised = tensor.numel() > THRESHOLD;
        let data = tensor.storage.slice::<T>();
        let mut printer = Printer { tensor, data, summarised, style: Style::Integer, width: 1 };
        let mut shown = Vec::new();
        printer.collect(&mut shown, 0, tensor.layout.offset);
        match T::DTYPE {
            DType::Bool => printer.style = Style::Bool,
            dtype if dtype.is_float() => {
                shown.retain(|x| x.to_f64().is_finite() && x.to_f64() != 0.0);
                printer.style = float_style(&shown);
            }
            _ => {}
        }
        printer.width = shown.iter().map(|&x| printer.number(x).len()).max().unwrap_or(1);
        printer
    }

    /// The indices shown of dimension `dim`, `None` for the gap.
    fn shown(&self, dim: usize) -> impl Iterator<Item = Option<usize>> {
        let size = self.tensor.shape()[dim];
        let cut = self.summarised && size > 2 * EDGE;
        let head = if cut { EDGE } else { size };
        let tail = if cut { size - EDGE } else { size };
        (0..head).map(Some).chain(cut.then_some(None)).chain((tail..size).map(Some))
    }

    fn collect(&self, shown: &mut Vec<T>, dim: usize, offset: usize) {
        if dim == self.tensor.rank() {
            shown.push(self.data[offset]);
            return;
        }
        for index in self.shown(dim).flatten() {
            self.collect(shown, dim + 1, offset + index * self.tensor.strides()[dim]);
        }
    }

    fn print(&self, text: &mut String, dim: usize, offset: usize) {
        let rank = self.tensor.rank();
        if dim == rank {
            return self.push_padded(text, offset);
        }
        // The column after this bracket.
        let column = PREFIX.len() + dim + 1;
        let break_line = |text: &mut String, lines: usize| {
            text.push_str(&"\n".repeat(lines));
            text.push_str(&" ".repeat(column));
        };
        let per_line = ((LINE_WIDTH + 1).saturating_sub(column) / (self.width + 2)).max(1);
        let last = dim + 1 == rank;
        text.push('[');
        for (count, index) in self.shown(dim).enumerate() {
            match (count, last) {
                (0, _) => {}
                (_, true) if count.is_multiple_of(per_line) => {
                    text.push(',');
                    break_line(text, 1);
                }
                (_, true) => text.push_str(", "),
                (_, false) => {
                    text.push(',');
                    break_line(text, rank - dim - 1);
                }
            }
            match index {
                Some(index) => self.print(text, dim + 1, offset + index * self.tensor.strides()[dim]),
                None => text.push_str(if last { " ..." } else { "..." }),
            }
        }
        text.push(']');
    }

    fn push_padded(&self, text: &mut String, offset: usize) {
        let number = self.number(self.data[offset]);
        text.push_str(&" ".repeat(self.width.saturating_sub(number.len())));
        text.push_str(&number);
    }

    fn number(&self, element: T) -> String {
        let x = element.to_f64();
        match self.style {
            Style::Integer => element.to_i64().to_string(),
            Style::Bool => if element.to_i64() == 0 { "False" } else { "True" }.to_string(),
            _ if x.is_nan() => "nan".to_string(),
            _ if x.is_infinite() => x.to_string(),
            Style::Whole => format!("{x:.0}."),
            Style::Fixed => format!("{x:.PRECISION$}"),
            Style::Scientific => scientific(x),
        }
    }
}

/// The style of finite, nonzero floats.
fn float_style<T: Element>(shown: &[T]) -> Style {
    let sizes = || shown.iter().map(|x| x.to_f64().abs());
    let (smallest, largest) = (sizes().fold(f64::INFINITY, f64::min), sizes().fold(0.0, f64::max));
    if largest / smallest > 1000.0 || largest > 1e8 || smallest < 1e-4 {
        Style::Scientific
    } else if sizes().all(|x| x.fract() == 0.0) {
        Style::Whole
    } else {
        Style::Fixed
    }
}

/// `1.5000e-03`: an exponent with a sign and at least two digits.
fn scientific(x: f64) -> String {
    let text = format!("{x:.PRECISION$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}
