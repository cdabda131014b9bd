//! Storages in the archive, and the tensors that look at them.

use crate::io::MAX_RANK;
use crate::io::input::{ByteOrder, Input};
use crate::io::zip::Archive;
use crate::layout::Layout;
use crate::{DType, Result, Shape, Tensor};
use std::collections::BTreeMap;

/// The storages of an archive, each read once.
pub(super) struct Storages<'a> {
    archive: &'a Archive<'a>,
    folder: &'a str,
    order: ByteOrder,
    read: BTreeMap<String, Tensor>,
}

impl<'a> Storages<'a> {
    pub fn new(archive: &'a Archive<'a>, folder: &'a str) -> Result<Self> {
        let order = match archive.get(&format!("{folder}byteorder"))? {
            None | Some((b"little", _)) => ByteOrder::Little,
            Some((b"big", _)) => ByteOrder::Big,
            Some((_, at)) => return Err(archive.error(at as usize, "expected \"little\" or \"big\"")),
        };
        Ok(Self { archive, folder, order, read: BTreeMap::new() })
    }

    /// The `numel` elements of the storage `key`.
    pub fn tensor(&mut self, dtype: DType, key: &str, numel: i64) -> Result<Tensor> {
        let known = self.read.get(key).map(|tensor| (tensor.dtype(), tensor.numel() as i64, tensor.clone()));
        if let Some((known, count, tensor)) = known {
            if (known, count) == (dtype, numel) {
                return Ok(tensor);
            }
            let reason = format!("storage {key:?} is {known} and {dtype}, with {count} and {numel} elements");
            return Err(self.archive.error(0, reason));
        }
        let name = format!("{}data/{key}", self.folder);
        let Some((bytes, at)) = self.archive.get(&name)? else {
            return Err(self.archive.error(0, format!("no entry {name:?}")));
        };
        let count = bytes.len() / dtype.size();
        if i64::try_from(count) != Ok(numel) || bytes.len() % dtype.size() != 0 {
            let reason = format!("{name:?} has {} bytes, expected {numel} elements of {dtype}", bytes.len());
            return Err(self.archive.error(at as usize, reason));
        }
        let mut input = Input::bytes(self.archive.op(), &name, bytes);
        let tensor = input.tensor(Shape::from([count]), dtype, self.order)?;
        self.read.insert(key.to_string(), tensor.clone());
        Ok(tensor)
    }
}

/// The tensor of these sizes and strides that begins at element `offset` of a storage; the reason if there is none.
pub(super) fn view(storage: &Tensor, offset: i64, size: &[i64], stride: &[i64]) -> Result<Tensor, String> {
    let unfit = || {
        let numel = storage.numel();
        format!("a tensor of sizes {size:?}, strides {stride:?}, offset {offset} in a storage of {numel}")
    };
    let unsigned = |numbers: &[i64]| numbers.iter().map(|&x| usize::try_from(x).ok()).collect();
    let (Some(offset), Some(size), Some(stride)): (_, Option<Vec<usize>>, Option<Vec<usize>>) =
        (usize::try_from(offset).ok(), unsigned(size), unsigned(stride))
    else {
        return Err(unfit());
    };
    let shape = Shape::new(&size);
    if size.len() != stride.len() || size.len() > MAX_RANK {
        return Err(unfit());
    }
    let numel = shape.checked_numel("pt", storage.dtype().size()).map_err(|_| unfit())?;
    // The place of the last element, which no other is behind.
    let reach = |last: usize, (&size, &stride): (&usize, &usize)| {
        last.checked_add(size.saturating_sub(1).checked_mul(stride)?)
    };
    let last = size.iter().zip(&stride).try_fold(offset, reach);
    if numel > 0 && last.is_none_or(|last| last >= storage.numel()) {
        return Err(unfit());
    }
    Ok(storage.with_layout(Layout::new(shape, stride.into(), offset)))
}
