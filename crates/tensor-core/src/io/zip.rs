//! Zip archives of stored entries: what PyTorch's `.pt` files are. Nothing is compressed or encrypted.
//!
//! Format: PKWARE's APPNOTE 6.3, with the wide fields of its section 4.3.14 for archives above 4 GiB.

use crate::{Error, ErrorKind, Result};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::ops::Range;

const LOCAL: [u8; 4] = *b"PK\x03\x04";
const ENTRY: [u8; 4] = *b"PK\x01\x02";
const END: [u8; 4] = *b"PK\x05\x06";
const WIDE_END: [u8; 4] = *b"PK\x06\x06";
const WIDE_LOCATOR: [u8; 4] = *b"PK\x06\x07";
/// Bytes of the records' fixed parts.
const LOCAL_BYTES: usize = 30;
const ENTRY_BYTES: usize = 46;
const END_BYTES: usize = 22;
const WIDE_END_BYTES: usize = 56;
const WIDE_LOCATOR_BYTES: usize = 20;
/// A field of 32 bits with this value has its number in the wide extra field.
const WIDE: u32 = u32::MAX;
/// The extra field with 64-bit numbers, and the one that PyTorch pads with.
const WIDE_EXTRA: [u8; 2] = [1, 0];
const PADDING_EXTRA: [u8; 2] = *b"FB";
/// Version 4.5 of the format, the first with wide fields.
const VERSION: [u8; 2] = [45, 0];
/// The data of an entry start at a multiple of this, as PyTorch writes them.
const ALIGN: u64 = 64;

/// The entries of an archive in memory.
pub(super) struct Archive<'a> {
    op: &'static str,
    path: String,
    bytes: &'a [u8],
    /// By name: where the data lie, and their checksum.
    entries: BTreeMap<String, (Range<usize>, u32)>,
}

impl<'a> Archive<'a> {
    /// Reads the directory of an archive, which errors call `path`.
    pub fn open(op: &'static str, path: String, bytes: &'a [u8]) -> Result<Self> {
        let mut archive = Self { op, path, bytes, entries: BTreeMap::new() };
        let (count, mut at) = archive.directory()?;
        // The directory's own length bounds what a count can promise.
        for _ in 0..count {
            at = archive.entry(at)?;
        }
        archive.check_apart()?;
        Ok(archive)
    }

    /// The operation that reads, for errors.
    pub fn op(&self) -> &'static str {
        self.op
    }

    /// The names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The data of an entry and where they begin; `None` if there is no such entry.
    pub fn get(&self, name: &str) -> Result<Option<(&'a [u8], u64)>> {
        let Some((range, expected)) = self.entries.get(name) else { return Ok(None) };
        let data = self.bytes.get(range.clone()).unwrap_or_default();
        // Behind a checksum a fuzzer would find nothing.
        if !cfg!(fuzzing) && crc32(data) != *expected {
            return Err(self.error(range.start, format!("{name:?}: the data differ from their checksum")));
        }
        Ok(Some((data, range.start as u64)))
    }

    /// An error at byte `at`.
    pub fn error(&self, at: usize, reason: impl Into<String>) -> Error {
        let (path, reason) = (self.path.clone(), reason.into());
        Error::new(self.op, ErrorKind::Format { path, offset: at as u64, reason })
    }

    /// `count` bytes from `at` on, which are part of `what`.
    fn slice(&self, at: usize, count: usize, what: &str) -> Result<&'a [u8]> {
        at.checked_add(count)
            .and_then(|end| self.bytes.get(at..end))
            .ok_or_else(|| self.error(at.min(self.bytes.len()), format!("the file ends within {what}")))
    }

    /// The number of entries, and where the first is listed.
    fn directory(&self) -> Result<(u64, usize)> {
        // The end record has a comment of up to 2^16 bytes behind it.
        let earliest = self.bytes.len().saturating_sub(END_BYTES + usize::from(u16::MAX));
        let last = self.bytes.len().checked_sub(END_BYTES);
        let end =
            last.and_then(|last| (earliest..=last).rev().find(|&at| self.bytes[at..].starts_with(&END)));
        let end = end.ok_or_else(|| {
            self.error(0, "no zip archive: it has no end record (PyTorch's format before 1.6 is not read)")
        })?;
        let record = self.slice(end, END_BYTES, "the end record")?;
        let (count, start) = (number::<2>(record, 10), number::<4>(record, 16));
        if count < u64::from(u16::MAX) && start < u64::from(WIDE) {
            return Ok((count, start as usize));
        }
        let locator = end.saturating_sub(WIDE_LOCATOR_BYTES);
        let record = self.slice(locator, WIDE_LOCATOR_BYTES, "the wide locator")?;
        if !record.starts_with(&WIDE_LOCATOR) {
            return Err(self.error(locator, "expected the wide end record's locator"));
        }
        let at = usize::try_from(number::<8>(record, 8)).unwrap_or(usize::MAX);
        let record = self.slice(at, WIDE_END_BYTES, "the wide end record")?;
        if !record.starts_with(&WIDE_END) {
            return Err(self.error(at, "expected the wide end record"));
        }
        let start = usize::try_from(number::<8>(record, 48)).unwrap_or(usize::MAX);
        Ok((number::<8>(record, 32), start))
    }

    /// Takes the entry listed at `at`; where the next is listed.
    fn entry(&mut self, at: usize) -> Result<usize> {
        let what = "the directory";
        let record = self.slice(at, ENTRY_BYTES, what)?;
        if !record.starts_with(&ENTRY) {
            return Err(self.error(at, "expected an entry of the directory"));
        }
        let [name, extra, comment] = [28, 30, 32].map(|field| number::<2>(record, field) as usize);
        let name_at = at + ENTRY_BYTES;
        let Ok(text) = std::str::from_utf8(self.slice(name_at, name, what)?) else {
            return Err(self.error(name_at, "a name that is not UTF-8"));
        };
        let fault = |reason: &str| self.error(at, format!("{text:?}: {reason}"));
        let wide = wide_numbers(record, self.slice(name_at + name, extra, what)?)
            .ok_or_else(|| fault("wide numbers are missing"))?;
        let [size, packed, offset] = wide.map(|x| usize::try_from(x).unwrap_or(usize::MAX));
        if number::<2>(record, 8) & 1 == 1 {
            return Err(fault("encrypted"));
        }
        if number::<2>(record, 10) != 0 || size != packed {
            return Err(fault("expected an entry that is stored as it is"));
        }
        let local = self.slice(offset, LOCAL_BYTES, "an entry's header")?;
        if !local.starts_with(&LOCAL) {
            return Err(self.error(offset, format!("{text:?}: expected the entry's header")));
        }
        let [local_name, local_extra] = [26, 28].map(|field| number::<2>(local, field) as usize);
        let data = offset + LOCAL_BYTES + local_name + local_extra;
        self.slice(data, size, "an entry's data")?;
        let checksum = number::<4>(record, 16) as u32;
        if self.entries.insert(text.to_string(), (data..data + size, checksum)).is_some() {
            return Err(self.error(at, format!("a second {text:?}")));
        }
        Ok(name_at + name + extra + comment)
    }

    /// Entries that share bytes could unpack to more than the file.
    fn check_apart(&self) -> Result<()> {
        let mut ranges: Vec<&Range<usize>> = self.entries.values().map(|(range, _)| range).collect();
        ranges.retain(|range| !range.is_empty());
        ranges.sort_by_key(|range| range.start);
        match ranges.windows(2).find(|pair| pair[0].end > pair[1].start) {
            Some(pair) => Err(self.error(pair[1].start, "two entries overlap")),
            None => Ok(()),
        }
    }
}

/// The little-endian number of `N` bytes at `at` of a record whose length was checked.
fn number<const N: usize>(record: &[u8], at: usize) -> u64 {
    record[at..at + N].iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte))
}

/// An entry's size, packed size and offset, from the extra field where they are wide; `None` if they are not there.
fn wide_numbers(record: &[u8], extra: &[u8]) -> Option<[u64; 3]> {
    let mut numbers = [24, 20, 42].map(|field| number::<4>(record, field));
    if !numbers.contains(&u64::from(WIDE)) {
        return Some(numbers);
    }
    let mut rest = extra;
    while let Some((head, more)) = rest.split_at_checked(4) {
        let (body, more) = more.split_at_checked(number::<2>(head, 2) as usize)?;
        if head.starts_with(&WIDE_EXTRA) {
            let mut wide = body.chunks_exact(8).map(|bytes| number::<8>(bytes, 0));
            for number in numbers.iter_mut().filter(|number| **number == u64::from(WIDE)) {
                *number = wide.next()?;
            }
            return Some(numbers);
        }
        rest = more;
    }
    None
}

/// An archive being written.
pub(super) struct Writer<W> {
    out: W,
    position: u64,
    directory: Vec<u8>,
    count: u64,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W) -> Self {
        Self { out, position: 0, directory: Vec::new(), count: 0 }
    }

    /// Writes an entry.
    pub fn entry(&mut self, name: &str, data: &[u8]) -> io::Result<()> {
        let too_long = |_| io::Error::new(io::ErrorKind::InvalidInput, "a name above 65535 bytes");
        let name_bytes = u16::try_from(name.len()).map_err(too_long)?.to_le_bytes();
        let (offset, size) = (self.position, data.len() as u64);
        let checksum = crc32(data).to_le_bytes();
        // What local header and directory share: flags (names are UTF-8), method, time, date, checksum.
        let shared = [&VERSION[..], &[0, 8, 0, 0, 0, 0, 0, 0], &checksum].concat();

        let mut extra = wide_extra(&[size, size]);
        let begin = offset + (LOCAL_BYTES + name.len() + extra.len() + 4) as u64;
        let padding = (begin.next_multiple_of(ALIGN) - begin) as usize;
        extra.extend([&PADDING_EXTRA[..], &(padding as u16).to_le_bytes(), &vec![b'Z'; padding]].concat());
        let lengths = [name_bytes, (extra.len() as u16).to_le_bytes()].concat();
        let sizes = [narrow(size), narrow(size)].concat();
        for part in [&LOCAL[..], &shared, &sizes, &lengths, name.as_bytes(), &extra, data] {
            self.out.write_all(part)?;
            self.position += part.len() as u64;
        }

        let extra = wide_extra(&[size, size, offset]);
        let lengths = [name_bytes, (extra.len() as u16).to_le_bytes()].concat();
        // No comment, first disk, no attributes.
        let rest = [&[0; 10][..], &narrow(offset)].concat();
        for part in [&ENTRY[..], &VERSION, &shared, &sizes, &lengths, &rest, name.as_bytes(), &extra] {
            self.directory.extend(part);
        }
        self.count += 1;
        Ok(())
    }

    /// Writes the directory.
    pub fn finish(mut self) -> io::Result<W> {
        let (start, length) = (self.position, self.directory.len() as u64);
        let count = self.count.to_le_bytes();
        let place = [length.to_le_bytes(), start.to_le_bytes()].concat();
        // One disk; of the wide record, the bytes that follow its length.
        let after = (WIDE_END_BYTES as u64 - 12).to_le_bytes();
        let wide_end = [&WIDE_END[..], &after, &VERSION, &VERSION, &[0; 8], &count, &count, &place].concat();
        let locator = [&WIDE_LOCATOR[..], &[0; 4], &(start + length).to_le_bytes(), &[1, 0, 0, 0]].concat();
        let count = u16::try_from(self.count).unwrap_or(u16::MAX).to_le_bytes();
        let end = [&END[..], &[0; 4], &count, &count, &narrow(length), &narrow(start), &[0; 2]].concat();
        for part in [self.directory, wide_end, locator, end] {
            self.out.write_all(&part)?;
        }
        Ok(self.out)
    }
}

/// The number in 32 bits, or the mark that it is in the extra field.
fn narrow(number: u64) -> [u8; 4] {
    u32::try_from(number).unwrap_or(WIDE).to_le_bytes()
}

/// The extra field with those of `numbers` that 32 bits do not hold; empty if they all do.
fn wide_extra(numbers: &[u64]) -> Vec<u8> {
    let wide: Vec<u8> =
        numbers.iter().filter(|&&x| x >= u64::from(WIDE)).flat_map(|x| x.to_le_bytes()).collect();
    if wide.is_empty() {
        return wide;
    }
    [&WIDE_EXTRA[..], &(wide.len() as u16).to_le_bytes(), &wide].concat()
}

/// Tables of the checksum: the first for one byte, each next for one byte further on.
const CRC_TABLES: [[u32; 256]; 8] = crc_tables();

const fn crc_tables() -> [[u32; 256]; 8] {
    // ISO 3309, bits reversed.
    const POLYNOMIAL: u32 = 0xedb8_8320;
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut i = 256;
    while i < 8 * 256 {
        let before = tables[i / 256 - 1][i % 256];
        tables[i / 256][i % 256] = before >> 8 ^ tables[0][(before & 255) as usize];
        i += 1;
    }
    tables
}

/// The checksum of zip, eight bytes at a time.
fn crc32(data: &[u8]) -> u32 {
    let mut chunks = data.chunks_exact(8);
    let mut crc = !0u32;
    for chunk in &mut chunks {
        let low = number::<4>(chunk, 0) as u32 ^ crc;
        let word = u64::from(low) | number::<4>(chunk, 4) << 32;
        crc = (0..8).fold(0, |crc, i| crc ^ CRC_TABLES[7 - i][(word >> (8 * i) & 255) as usize]);
    }
    !chunks.remainder().iter().fold(crc, |crc, &b| crc >> 8 ^ CRC_TABLES[0][usize::from(crc as u8 ^ b)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn numbers_above_32_bits_go_through_the_extra_field() {
        let numbers = [5, 1 << 33, u64::from(WIDE)];
        let mut record = [0; ENTRY_BYTES];
        for (field, x) in [24, 20, 42].into_iter().zip(numbers) {
            record[field..field + 4].copy_from_slice(&narrow(x));
        }
        let extra = wide_extra(&numbers);
        assert_eq!(wide_numbers(&record, &extra), Some(numbers));
        let behind_another = [&PADDING_EXTRA[..], &[2, 0, 9, 9], &extra].concat();
        assert_eq!(wide_numbers(&record, &behind_another), Some(numbers));
        assert_eq!(wide_numbers(&record, &extra[..12]), None);
    }
}
