//! Reading recorded tensors and comparing with them.

use crate::Result;
use autograd::{DType, Tensor};
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::path::Path;
use tensor_core::io::safetensors;

/// The tensors of a record by their keys.
pub type Tensors = BTreeMap<String, Tensor>;

/// A JSON file.
///
/// # Errors
/// If it cannot be read or is not JSON.
pub fn read_json(path: &Path) -> Result<Json> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    serde_json::from_slice(&bytes).map_err(|e| format!("{}: {e}", path.display()))
}

/// `NAME.json` and the tensors of `NAME.safetensors` in `folder`.
///
/// # Errors
/// If either cannot be read.
pub fn read(folder: &Path, name: &str) -> Result<(Json, Tensors)> {
    let json = read_json(&folder.join(format!("{name}.json")))?;
    let tensors = safetensors::read(folder.join(format!("{name}.safetensors"))).map_err(|e| e.to_string())?;
    Ok((json, tensors.tensors))
}

/// The list under `what`.
///
/// # Errors
/// If it is none.
pub fn list<'a>(json: &'a Json, what: &str) -> Result<&'a [Json]> {
    json.as_array().map(Vec::as_slice).ok_or_else(|| format!("{what} is not a list: {json}"))
}

/// Every value within `tolerance`, absolute and relative, of the recorded one; NaN equals NaN.
///
/// # Errors
/// If shapes, dtypes or a value differ: what and where.
pub fn compare(what: &str, found: &Tensor, expected: &Tensor, tolerance: f64) -> Result<()> {
    if found.shape() != expected.shape() || found.dtype() != expected.dtype() {
        let (a, b) = (found.shape(), expected.shape());
        return Err(format!("{what}: {} {a}, recorded {} {b}", found.dtype(), expected.dtype()));
    }
    for (i, (f, e)) in values(found)?.into_iter().zip(values(expected)?).enumerate() {
        let close = f == e || (f.is_nan() && e.is_nan()) || (f - e).abs() <= tolerance * (1.0 + e.abs());
        if !close {
            return Err(format!("{what}: element {i} is {f}, recorded {e}"));
        }
    }
    Ok(())
}

/// The values of any dtype as f64, row-major.
///
/// # Errors
/// If there is no memory for them.
pub fn values(x: &Tensor) -> Result<Vec<f64>> {
    x.to_dtype(DType::F64).and_then(|x| x.to_vec::<f64>()).map_err(|e| e.to_string())
}

/// The tensor that `object` names, with its recorded strides.
///
/// # Errors
/// If there is no such tensor or the strides are none.
pub fn strided(object: &Map<String, Json>, tensors: &Tensors) -> Result<Tensor> {
    let key = object.get("t").and_then(Json::as_str).ok_or("a tensor without a key")?;
    let dense = tensors.get(key).ok_or_else(|| format!("no tensor {key}"))?;
    let strides = list(object.get("stride").unwrap_or(&Json::Null), "stride")?;
    let strides: Vec<usize> = strides.iter().filter_map(Json::as_u64).map(|s| s as usize).collect();
    with_strides(dense, &strides).map_err(|e| format!("{key}: {e}"))
}

/// The values of `x` in storage with other strides, as a narrowed and permuted view of a larger tensor: what lies
/// between is NaN, so that a kernel that strays is noticed. Strides that do not divide each other (none is recorded)
/// come out dense in the same order.
fn with_strides(x: &Tensor, strides: &[usize]) -> tensor_core::Result<Tensor> {
    if x.strides() == strides || x.numel() == 0 || strides.len() != x.rank() {
        return Ok(x.clone());
    }
    let shape = x.shape().clone();
    // One element of each repeated dimension is all there is of it.
    let mut base = x.clone();
    for (d, &stride) in strides.iter().enumerate() {
        if stride == 0 {
            base = base.narrow(d as isize, 0, 1)?;
        }
    }
    let mut order: Vec<usize> = (0..shape.len()).collect();
    order.sort_by_key(|&d| std::cmp::Reverse((strides[d].max(1), base.shape()[d])));
    let forward: Vec<isize> = order.iter().map(|&d| d as isize).collect();
    let mut back = vec![0isize; shape.len()];
    order.iter().enumerate().for_each(|(place, &d)| back[d] = place as isize);
    let mut padded = base.permute(&forward)?.unsqueeze(-1)?;
    let sizes = padded.shape().clone();
    let mut step = 1;
    for d in (0..sizes.len()).rev() {
        // Dimension d is as long as the step of the one before it asks for.
        let outer = d.checked_sub(1).map_or(0, |before| strides[order[before]].max(1));
        let length = if outer % step == 0 { (outer / step).max(sizes[d]) } else { sizes[d] };
        if length > sizes[d] {
            let mut room = padded.shape().to_vec();
            room[d] = length - sizes[d];
            let room = Tensor::full(room, f64::NAN, x.dtype())?;
            padded = Tensor::cat(&[&padded, &room], d as isize)?;
        }
        step *= length;
    }
    let mut view = padded.contiguous()?;
    for (d, &size) in sizes.iter().enumerate() {
        view = view.narrow(d as isize, 0, size)?;
    }
    view.squeeze(-1)?.permute(&back)?.broadcast_to(&shape)
}
