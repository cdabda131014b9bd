//! From values to a pickle and an archive.

use super::{STORAGES, opcode};
use crate::Tensor;
use crate::io::output::dense_bytes;
use crate::io::value::Value;
use crate::io::zip::Writer;
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The folder of all entries.
const FOLDER: &str = "archive";

/// Writes the file of `value`.
pub(super) fn write(value: &Value, out: &mut impl Write) -> io::Result<()> {
    let mut pickler = Pickler::default();
    pickler.code.extend([opcode::PROTO, 2]);
    pickler.value(value)?;
    pickler.code.push(opcode::STOP);

    let mut archive = Writer::new(out);
    let mut entry = |name: &str, data: &[u8]| archive.entry(&format!("{FOLDER}/{name}"), data);
    entry("data.pkl", &pickler.code)?;
    // PyTorch's fields: the alignment is that of the zip writer, 3 the version of the archive's format.
    entry(".format_version", b"1")?;
    entry(".storage_alignment", b"64")?;
    entry("byteorder", b"little")?;
    for (key, tensor) in pickler.storages.iter().enumerate() {
        entry(&format!("data/{key}"), &dense_bytes(tensor)?)?;
    }
    entry("version", b"3\n")?;
    archive.finish()?;
    Ok(())
}

/// What makes two tensors one: where the storage is, and how they look at it.
type View = (usize, usize, Vec<usize>, Vec<usize>);

#[derive(Default)]
struct Pickler {
    code: Vec<u8>,
    /// Row-major tensors, each of which is a storage of the file.
    storages: Vec<Tensor>,
    known: BTreeMap<View, usize>,
}

impl Pickler {
    fn value(&mut self, value: &Value) -> io::Result<()> {
        match value {
            Value::None => self.code.push(opcode::NONE),
            Value::Bool(x) => self.code.push(if *x { opcode::NEW_TRUE } else { opcode::NEW_FALSE }),
            Value::Int(x) => self.int(*x),
            Value::Float(x) => {
                self.code.push(opcode::BIN_FLOAT);
                self.code.extend(x.to_be_bytes());
            }
            Value::Str(x) => self.text(x)?,
            Value::List(items) => {
                self.code.extend([opcode::EMPTY_LIST, opcode::MARK]);
                items.iter().try_for_each(|item| self.value(item))?;
                self.code.push(opcode::APPENDS);
            }
            Value::Tuple(items) => {
                self.code.push(opcode::MARK);
                items.iter().try_for_each(|item| self.value(item))?;
                self.code.push(opcode::TUPLE);
            }
            Value::Dict(entries) => {
                self.dict(entries, |pickler, name| pickler.text(name))?;
            }
            Value::IntDict(entries) => self.dict(entries, |pickler, &key| {
                pickler.int(key);
                Ok(())
            })?,
            Value::Tensor(x) => self.tensor(x)?,
        }
        Ok(())
    }

    fn dict<K>(
        &mut self,
        entries: &BTreeMap<K, Value>,
        key: impl Fn(&mut Self, &K) -> io::Result<()>,
    ) -> io::Result<()> {
        self.code.extend([opcode::EMPTY_DICT, opcode::MARK]);
        for (name, value) in entries {
            key(self, name)?;
            self.value(value)?;
        }
        self.code.push(opcode::SET_ITEMS);
        Ok(())
    }

    /// `_rebuild_tensor_v2(storage, offset, sizes, strides, requires_grad, backward_hooks)`.
    fn tensor(&mut self, tensor: &Tensor) -> io::Result<()> {
        self.global("torch._utils", "_rebuild_tensor_v2");
        self.code.push(opcode::MARK);
        self.storage(tensor)?;
        self.int(0);
        let shape = tensor.shape();
        self.sizes(shape);
        self.sizes(&shape.contiguous_strides());
        self.code.push(opcode::NEW_FALSE);
        self.global("collections", "OrderedDict");
        self.code.extend([opcode::EMPTY_TUPLE, opcode::REDUCE, opcode::TUPLE, opcode::REDUCE]);
        Ok(())
    }

    /// The persistent id ("storage", type, key, device, number of elements).
    fn storage(&mut self, tensor: &Tensor) -> io::Result<()> {
        let key = self.key(tensor)?;
        let dtype = tensor.dtype();
        let Some((storage, _)) = STORAGES.iter().find(|(_, known)| *known == dtype) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, format!("{dtype} has no storage type")));
        };
        self.code.push(opcode::MARK);
        self.text("storage")?;
        self.global("torch", storage);
        self.text(&key.to_string())?;
        self.text("cpu")?;
        self.int(tensor.numel() as i64);
        self.code.extend([opcode::TUPLE, opcode::BIN_PERS_ID]);
        Ok(())
    }

    /// The number of the storage that holds the tensor's elements, a new one for a tensor that is not yet there.
    fn key(&mut self, tensor: &Tensor) -> io::Result<usize> {
        let place = std::sync::Arc::as_ptr(&tensor.storage) as usize;
        let view = (place, tensor.layout.offset, tensor.shape().to_vec(), tensor.strides().to_vec());
        if let Some(&key) = self.known.get(&view) {
            return Ok(key);
        }
        self.storages.push(tensor.contiguous().map_err(io::Error::other)?);
        self.known.insert(view, self.storages.len() - 1);
        Ok(self.storages.len() - 1)
    }

    fn sizes(&mut self, sizes: &[usize]) {
        self.code.push(opcode::MARK);
        sizes.iter().for_each(|&size| self.int(size as i64));
        self.code.push(opcode::TUPLE);
    }

    fn int(&mut self, x: i64) {
        match i32::try_from(x) {
            Ok(x) => {
                self.code.push(opcode::BIN_INT);
                self.code.extend(x.to_le_bytes());
            }
            Err(_) => {
                self.code.extend([opcode::LONG_1, 8]);
                self.code.extend(x.to_le_bytes());
            }
        }
    }

    fn text(&mut self, text: &str) -> io::Result<()> {
        let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "a text above 4 GiB");
        self.code.push(opcode::BIN_UNICODE);
        self.code.extend(u32::try_from(text.len()).map_err(too_long)?.to_le_bytes());
        self.code.extend(text.as_bytes());
        Ok(())
    }

    fn global(&mut self, module: &str, name: &str) {
        self.code.extend([&[opcode::GLOBAL], module.as_bytes(), b"\n", name.as_bytes(), b"\n"].concat());
    }
}
