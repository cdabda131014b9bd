//! The machine that a pickle is a program for, with the instructions and names that PyTorch's files need.
//!
//! Every instruction makes at most one node and a node holds numbers of other nodes, so what is built is never larger
//! than a fixed multiple of the pickle, however often it refers to what it has built.

use super::tensor::Storages;
use super::{STORAGES, opcode};
use crate::io::input::Input;
use crate::{DType, Error, ErrorKind, Result, Tensor};
use std::collections::BTreeMap;

/// The place of a node.
pub(super) type Id = usize;

/// What an instruction makes.
pub(super) enum Node {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(String),
    List(Vec<Id>),
    Tuple(Vec<Id>),
    Dict(Vec<(Id, Id)>),
    Tensor(Tensor),
    /// All elements of a storage, in one dimension.
    Storage(Tensor),
    Global(Global),
}

impl Node {
    /// What kind of node this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "None",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "an integer",
            Self::Float(_) => "a number",
            Self::Str(_) => "text",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Dict(_) => "a dictionary",
            Self::Tensor(_) => "a tensor",
            Self::Storage(_) => "a storage",
            Self::Global(_) => "a name of code",
        }
    }
}

/// The names of code that are known. None of it is run.
#[derive(Clone, Copy)]
pub(super) enum Global {
    OrderedDict,
    Counter,
    RebuildTensor,
    RebuildParameter,
    Storage(DType),
}

impl Global {
    fn named(module: &str, name: &str) -> Option<Self> {
        match (module, name) {
            ("collections", "OrderedDict") => Some(Self::OrderedDict),
            ("collections", "Counter") => Some(Self::Counter),
            ("torch._utils", "_rebuild_tensor_v2") => Some(Self::RebuildTensor),
            ("torch._utils", "_rebuild_parameter") => Some(Self::RebuildParameter),
            ("torch", name) => {
                let known = STORAGES.iter().find(|(storage, _)| *storage == name);
                known.map(|&(_, dtype)| Self::Storage(dtype))
            }
            _ => None,
        }
    }
}

/// What a pickle has built.
pub(super) struct Built<'a> {
    pub nodes: Vec<Node>,
    pub root: Id,
    pub input: Input<&'a [u8]>,
}

pub(super) struct Machine<'a> {
    input: Input<&'a [u8]>,
    storages: Storages<'a>,
    nodes: Vec<Node>,
    stack: Vec<Id>,
    /// Heights of the stack.
    marks: Vec<usize>,
    memo: BTreeMap<u32, Id>,
    /// Where the instruction at work begins.
    at: u64,
}

impl<'a> Machine<'a> {
    pub fn new(input: Input<&'a [u8]>, storages: Storages<'a>) -> Self {
        let (nodes, stack, marks, memo) = (Vec::new(), Vec::new(), Vec::new(), BTreeMap::new());
        Self { input, storages, nodes, stack, marks, memo, at: 0 }
    }

    /// Follows the instructions to their end.
    pub fn run(mut self) -> Result<Built<'a>> {
        loop {
            self.at = self.input.position();
            let [code] = self.input.array("the instructions")?;
            if code == opcode::STOP {
                let root = self.pop()?;
                return Ok(Built { nodes: self.nodes, root, input: self.input });
            }
            self.follow(code)?;
        }
    }

    fn follow(&mut self, code: u8) -> Result<()> {
        match code {
            opcode::MARK => self.marks.push(self.stack.len()),
            opcode::PROTO => {
                let [version] = self.byte()?;
                if version > 5 {
                    return self.fault(format!("protocol {version}, expected at most 5"));
                }
            }
            opcode::BIN_PUT | opcode::LONG_BIN_PUT => {
                let (key, top) = (self.key(code == opcode::BIN_PUT)?, self.pop()?);
                self.stack.push(top);
                self.memo.insert(key, top);
            }
            opcode::BIN_GET | opcode::LONG_BIN_GET => {
                let key = self.key(code == opcode::BIN_GET)?;
                match self.memo.get(&key) {
                    Some(&id) => self.stack.push(id),
                    None => return self.fault(format!("nothing was put under {key}")),
                }
            }
            opcode::APPEND | opcode::APPENDS => {
                let items = if code == opcode::APPENDS { self.pop_mark()? } else { vec![self.pop()?] };
                let list = self.top()?;
                match &mut self.nodes[list] {
                    Node::List(held) => held.extend(items),
                    other => {
                        let kind = other.kind();
                        return self.fault(format!("appends to {kind}"));
                    }
                }
            }
            opcode::SET_ITEM | opcode::SET_ITEMS => {
                let items = if code == opcode::SET_ITEMS { self.pop_mark()? } else { self.pop_many(2)? };
                let dict = self.top()?;
                self.set_items(dict, &items)?;
            }
            opcode::BUILD => {
                // The attributes of an OrderedDict.
                self.pop()?;
                let object = self.top()?;
                if !matches!(self.nodes[object], Node::Dict(_)) {
                    return self.unexpected(object, "a dictionary to set the attributes of");
                }
            }
            opcode::REDUCE => {
                let (arguments, global) = (self.pop()?, self.pop()?);
                let made = self.reduce(global, arguments)?;
                self.stack.push(made);
            }
            _ => {
                let node = self.make(code)?;
                self.push(node);
            }
        }
        Ok(())
    }

    /// The node of an instruction that makes one.
    fn make(&mut self, code: u8) -> Result<Node> {
        Ok(match code {
            opcode::NONE => Node::None,
            opcode::NEW_TRUE => Node::Bool(true),
            opcode::NEW_FALSE => Node::Bool(false),
            opcode::BIN_INT => Node::Int(i32::from_le_bytes(self.input.array("an integer")?).into()),
            opcode::BIN_INT_1 => Node::Int(self.byte()?[0].into()),
            opcode::BIN_INT_2 => Node::Int(u16::from_le_bytes(self.input.array("an integer")?).into()),
            opcode::LONG_1 => Node::Int(self.long()?),
            opcode::BIN_FLOAT => Node::Float(f64::from_be_bytes(self.input.array("a number")?)),
            opcode::BIN_UNICODE => Node::Str(self.text()?),
            opcode::EMPTY_LIST => Node::List(Vec::new()),
            opcode::EMPTY_DICT => Node::Dict(Vec::new()),
            opcode::EMPTY_TUPLE => Node::Tuple(Vec::new()),
            opcode::TUPLE => Node::Tuple(self.pop_mark()?),
            opcode::TUPLE_1..=opcode::TUPLE_3 => {
                Node::Tuple(self.pop_many(usize::from(code - opcode::TUPLE_1) + 1)?)
            }
            opcode::GLOBAL => Node::Global(self.global()?),
            opcode::BIN_PERS_ID => Node::Storage(self.storage()?),
            other => {
                return self.fault(format!("instruction {other:#04x} does not occur in PyTorch's files"));
            }
        })
    }

    fn byte(&mut self) -> Result<[u8; 1]> {
        self.input.array("an instruction")
    }

    fn key(&mut self, short: bool) -> Result<u32> {
        Ok(if short { self.byte()?[0].into() } else { u32::from_le_bytes(self.input.array("a key")?) })
    }

    /// An integer of as many bytes as its first says, of two's complement.
    fn long(&mut self) -> Result<i64> {
        let [count] = self.byte()?;
        let bytes = self.input.vec(count.into(), "an integer")?;
        let negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
        let mut wide = [if negative { 0xff } else { 0 }; 8];
        if bytes.len() > wide.len() {
            return self.fault(format!("an integer of {count} bytes, expected at most 8"));
        }
        wide[..bytes.len()].copy_from_slice(&bytes);
        Ok(i64::from_le_bytes(wide))
    }

    fn text(&mut self) -> Result<String> {
        let length = u32::from_le_bytes(self.input.array("the length of a text")?);
        let bytes = self.input.vec(length as usize, "a text")?;
        String::from_utf8(bytes).or_else(|_| self.fault("a text that is not UTF-8"))
    }

    fn global(&mut self) -> Result<Global> {
        let (module, name) = (self.line()?, self.line()?);
        Global::named(&module, &name).ok_or_else(|| {
            let (path, offset) = (self.input.name().to_string(), self.at);
            let global = format!("{module}.{name}");
            Error::new(self.input.op(), ErrorKind::UnknownGlobal { path, offset, global })
        })
    }

    fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        loop {
            match self.input.array("a name")? {
                [b'\n'] => break,
                [byte] => line.push(byte),
            }
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    /// The storage that a tuple ("storage", type, key, device, number of elements) stands for.
    fn storage(&mut self) -> Result<Tensor> {
        let id = self.pop()?;
        let Node::Tuple(parts) = &self.nodes[id] else {
            return self.unexpected(id, "the tuple of a storage");
        };
        let &[_, dtype, key, _, numel] = parts.as_slice() else {
            return self.unexpected(id, "a tuple of 5, of a storage");
        };
        match (&self.nodes[dtype], &self.nodes[key], &self.nodes[numel]) {
            (&Node::Global(Global::Storage(dtype)), Node::Str(key), &Node::Int(numel)) => {
                self.storages.tensor(dtype, key, numel)
            }
            _ => self.unexpected(id, "(\"storage\", type, key, device, number of elements)"),
        }
    }

    fn reduce(&mut self, global: Id, arguments: Id) -> Result<Id> {
        let Node::Global(called) = self.nodes[global] else {
            return self.unexpected(global, "a name of code");
        };
        let Node::Tuple(parts) = &self.nodes[arguments] else {
            return self.unexpected(arguments, "a tuple of arguments");
        };
        match (called, parts.as_slice()) {
            (Global::OrderedDict, []) => Ok(self.add(Node::Dict(Vec::new()))),
            (Global::Counter, &[dict]) if matches!(self.nodes[dict], Node::Dict(_)) => Ok(dict),
            (Global::RebuildParameter, &[tensor, ..]) if matches!(self.nodes[tensor], Node::Tensor(_)) => {
                Ok(tensor)
            }
            (Global::RebuildTensor, &[storage, offset, size, stride, ..]) => {
                let parts = (&self.nodes[storage], &self.nodes[offset]);
                let (Node::Storage(storage), &Node::Int(offset)) = parts else {
                    return self.unexpected(storage, "a storage and an offset to rebuild a tensor from");
                };
                let (size, stride) = (self.integers(size)?, self.integers(stride)?);
                let view = super::tensor::view(storage, offset, &size, &stride);
                let tensor = view.or_else(|reason| self.fault(reason))?;
                Ok(self.add(Node::Tensor(tensor)))
            }
            _ => self.unexpected(arguments, "other arguments"),
        }
    }

    fn integers(&self, id: Id) -> Result<Vec<i64>> {
        let Node::Tuple(items) = &self.nodes[id] else { return self.unexpected(id, "a tuple of integers") };
        let integer = |&item: &Id| match self.nodes[item] {
            Node::Int(x) => Ok(x),
            _ => self.unexpected(item, "an integer"),
        };
        items.iter().map(integer).collect()
    }

    fn set_items(&mut self, dict: Id, items: &[Id]) -> Result<()> {
        let (pairs, rest) = items.as_chunks::<2>();
        match &mut self.nodes[dict] {
            Node::Dict(held) if rest.is_empty() => {
                held.extend(pairs.iter().map(|&[key, value]| (key, value)))
            }
            Node::Dict(_) => return self.fault("a key without a value"),
            _ => return self.unexpected(dict, "a dictionary to set items of"),
        }
        Ok(())
    }

    fn add(&mut self, node: Node) -> Id {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    fn push(&mut self, node: Node) {
        let id = self.add(node);
        self.stack.push(id);
    }

    /// The height that the innermost mark leaves alone.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn top(&self) -> Result<Id> {
        let own = self.stack.get(self.floor()..).and_then(<[Id]>::last);
        own.copied().ok_or_else(|| self.input.error(self.at, "the stack is empty"))
    }

    fn pop(&mut self) -> Result<Id> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_many(&mut self, count: usize) -> Result<Vec<Id>> {
        match self.stack.len().checked_sub(count).filter(|&height| height >= self.floor()) {
            Some(height) => Ok(self.stack.split_off(height)),
            None => self.fault(format!("the stack has no {count} values")),
        }
    }

    /// All values above the innermost mark, which is taken away.
    fn pop_mark(&mut self) -> Result<Vec<Id>> {
        match self.marks.pop() {
            Some(height) => Ok(self.stack.split_off(height)),
            None => self.fault("no mark was set"),
        }
    }

    fn fault<T>(&self, reason: impl Into<String>) -> Result<T> {
        Err(self.input.error(self.at, reason))
    }

    fn unexpected<T>(&self, id: Id, expected: &str) -> Result<T> {
        self.fault(format!("{}, expected {expected}", self.nodes[id].kind()))
    }
}
