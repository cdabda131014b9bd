//! Buffers of elements: fallible, aligned, and kept for reuse when they are freed.
//!
//! Handing pages back to the operating system between two steps costs a small model more than its arithmetic, so a
//! freed buffer goes to a bounded cache, by size class: small ones to a list of this thread, large ones to a shared
//! list. A buffer's bytes are initialised from its first allocation on (zeroed by the system, then whatever its last
//! owner wrote), so it can be handed out as a slice of plain numbers at any time.
#![allow(unsafe_code)]

use crate::{DType, Element, Error, ErrorKind, Result};
use std::alloc::Layout;
use std::cell::RefCell;
use std::ptr::NonNull;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Alignment of every buffer: a cache line, and the widest vector.
const ALIGN: usize = 64;
/// Buffers up to this size live in a list of their thread; taking one takes no lock.
const SMALL_BYTES: usize = 32 * 1024;
/// Bytes of small buffers that one thread keeps.
const SMALL_CACHE_BYTES: usize = 4 * 1024 * 1024;
/// Elements of up to this many bytes lie in the storage itself, which is in one allocation with its count: a loss or a
/// step of a recurrence takes no buffer. More would not fit into the size of an allocation that a block's handle needs.
const INLINE_BYTES: usize = 32;
/// Classes: four to each power of two from 64 bytes on, so at most a quarter of a buffer is unused.
const CLASSES: usize = 4 * (usize::BITS as usize - 6);

/// The size class that holds `bytes`, and its size.
fn size_class(bytes: usize) -> (usize, usize) {
    if bytes <= ALIGN {
        return (0, ALIGN);
    }
    let log = (usize::BITS - 1 - (bytes - 1).leading_zeros()) as usize;
    let base = 1usize << log;
    let quarter = base / 4;
    let quarters = (bytes - base).div_ceil(quarter);
    ((log - 6) * 4 + quarters, base + quarters * quarter)
}

/// A buffer's memory, without knowledge of what it holds.
struct Block {
    data: NonNull<u8>,
    class: usize,
    capacity: usize,
}

// SAFETY: a block is the only owner of its memory, which no thread has a tie to.
unsafe impl Send for Block {}

impl Block {
    /// A block of at least `bytes` bytes: from the cache, else from the system. `bytes` is at most `isize::MAX`.
    fn take(bytes: usize) -> Option<Block> {
        let (class, capacity) = size_class(bytes);
        cached(class, capacity).or_else(|| Block::from_system(class, capacity))
    }

    #[cold]
    fn from_system(class: usize, capacity: usize) -> Option<Block> {
        if !memory::reserve(capacity) {
            return None;
        }
        // SAFETY: `ALIGN` is a power of two.
        let layout = Layout::from_size_align(capacity, ALIGN).ok()?;
        // SAFETY: the layout has a size of at least `ALIGN` bytes.
        let data = NonNull::new(unsafe { std::alloc::alloc_zeroed(layout) });
        if data.is_none() {
            memory::unreserve(capacity);
        }
        Some(Block { data: data?, class, capacity })
    }

    /// Gives the memory back to the system.
    fn release(self) {
        memory::unreserve(self.capacity);
        // SAFETY: the memory came from `from_system` with this very layout and has no other owner.
        unsafe {
            std::alloc::dealloc(self.data.as_ptr(), Layout::from_size_align_unchecked(self.capacity, ALIGN));
        }
    }
}

/// Freed small buffers of one thread.
struct SmallCache {
    classes: [Vec<Block>; SMALL_CLASSES],
    bytes: usize,
}

const SMALL_CLASSES: usize = (SMALL_BYTES.trailing_zeros() as usize - 6) * 4 + 1;

impl Drop for SmallCache {
    fn drop(&mut self) {
        for class in &mut self.classes {
            class.drain(..).for_each(Block::release);
        }
    }
}

thread_local! {
    static SMALL: RefCell<SmallCache> =
        const { RefCell::new(SmallCache { classes: [const { Vec::new() }; SMALL_CLASSES], bytes: 0 }) };
}

/// Freed large buffers of all threads.
struct LargeCache {
    classes: [Vec<Block>; CLASSES],
    bytes: usize,
}

static LARGE: Mutex<LargeCache> =
    Mutex::new(LargeCache { classes: [const { Vec::new() }; CLASSES], bytes: 0 });

fn large() -> std::sync::MutexGuard<'static, LargeCache> {
    // Nothing panics while the lock is held; were it so, the lists would still be whole.
    LARGE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[inline]
fn cached(class: usize, capacity: usize) -> Option<Block> {
    if class < SMALL_CLASSES {
        SMALL
            .try_with(|small| {
                let mut small = small.borrow_mut();
                let block = small.classes[class].pop()?;
                small.bytes -= capacity;
                Some(block)
            })
            .ok()?
    } else {
        let mut large = large();
        let block = large.classes[class].pop()?;
        large.bytes -= capacity;
        Some(block)
    }
}

/// Keeps a freed block for the next taker, or gives it back to the system when the cache is full.
#[inline]
fn put_back(block: Block) {
    let rest = if block.class < SMALL_CLASSES { keep_small(block) } else { keep_large(block) };
    if let Some(block) = rest {
        block.release();
    }
}

#[inline]
fn keep_small(block: Block) -> Option<Block> {
    let mut block = Some(block);
    // At the end of a thread its list is gone; the block then goes back to the system.
    let _ = SMALL.try_with(|small| {
        let mut small = small.borrow_mut();
        if let Some(b) = block.take_if(|b| small.bytes + b.capacity <= SMALL_CACHE_BYTES) {
            small.bytes += b.capacity;
            let class = b.class;
            small.classes[class].push(b);
        }
    });
    block
}

fn keep_large(block: Block) -> Option<Block> {
    let mut large = large();
    if large.bytes + block.capacity > memory::cache_limit() {
        return Some(block);
    }
    large.bytes += block.capacity;
    let class = block.class;
    large.classes[class].push(block);
    None
}

/// Where the elements of a storage lie.
enum Place {
    Inline([u64; INLINE_BYTES / size_of::<u64>()]),
    Block(std::mem::ManuallyDrop<Block>),
}

/// `len` elements of one dtype. Shared between tensors by `Arc`; written only by a sole owner.
pub(crate) struct Storage {
    place: Place,
    dtype: DType,
    len: usize,
}

// SAFETY: shared access only reads, writing needs `&mut`; the memory has no tie to a thread.
unsafe impl Sync for Storage {}

impl Storage {
    /// `len` elements whose values are of no account: zeros, or what an earlier owner left.
    /// The caller writes all of them.
    #[track_caller]
    #[inline]
    pub fn recycled(op: &'static str, dtype: DType, len: usize) -> Result<Storage> {
        let bytes = len.checked_mul(dtype.size()).filter(|&bytes| bytes <= isize::MAX as usize / 2);
        if bytes.is_some_and(|bytes| bytes <= INLINE_BYTES) {
            return Ok(Storage { place: Place::Inline(Default::default()), dtype, len });
        }
        let block = match bytes.map(Block::take) {
            Some(Some(block)) => block,
            _ => {
                let bytes = bytes.unwrap_or(usize::MAX);
                return Err(Error::new(op, ErrorKind::OutOfMemory { bytes }));
            }
        };
        let mut storage = Storage { place: Place::Block(std::mem::ManuallyDrop::new(block)), dtype, len };
        if dtype == DType::Bool {
            // A recycled byte may be no bool; every other dtype takes any bits.
            storage.bytes_mut().fill(0);
        }
        Ok(storage)
    }

    /// An error where a list of `words` words, which is not a tensor's, would not fit: lists that are as long as a
    /// shape says go through here first, since their own allocation cannot fail without an abort.
    #[track_caller]
    pub fn expect_room(op: &'static str, words: usize) -> Result<()> {
        Self::recycled(op, DType::I64, words).map(drop)
    }

    /// `len` zeros.
    #[track_caller]
    pub fn zeroed(op: &'static str, dtype: DType, len: usize) -> Result<Storage> {
        let mut storage = Self::recycled(op, dtype, len)?;
        storage.bytes_mut().fill(0);
        Ok(storage)
    }

    /// The dtype of the elements.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The first element.
    #[inline]
    fn start(&self) -> *const u8 {
        match &self.place {
            Place::Inline(words) => words.as_ptr().cast(),
            Place::Block(block) => block.data.as_ptr(),
        }
    }

    /// The first element, to write.
    #[inline]
    fn start_mut(&mut self) -> *mut u8 {
        match &mut self.place {
            Place::Inline(words) => words.as_mut_ptr().cast(),
            Place::Block(block) => block.data.as_ptr(),
        }
    }

    /// The elements. The caller has dispatched on [`Storage::dtype`]; another type gives an empty slice.
    #[inline]
    pub fn slice<T: Element>(&self) -> &[T] {
        debug_assert_eq!(T::DTYPE, self.dtype);
        if T::DTYPE != self.dtype {
            return &[];
        }
        // SAFETY: the place holds at least `len` elements of T (sized in `recycled`), aligned to at least 8 bytes, with
        // initialised bytes that are valid for T (numbers take any bits, bools were zeroed and written as bools);
        // nobody writes while `&self` lives.
        unsafe { std::slice::from_raw_parts(self.start().cast(), self.len) }
    }

    /// The elements, to write.
    #[inline]
    pub fn slice_mut<T: Element>(&mut self) -> &mut [T] {
        debug_assert_eq!(T::DTYPE, self.dtype);
        if T::DTYPE != self.dtype {
            return &mut [];
        }
        // SAFETY: as in `slice`, and `&mut self` makes this the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.start_mut().cast(), self.len) }
    }

    /// The bytes of the elements.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: the place holds `len * size` initialised bytes; nobody writes while `&self` lives.
        unsafe { std::slice::from_raw_parts(self.start(), self.len * self.dtype.size()) }
    }

    /// The bytes of the elements, to write; only this file and readers of checked bytes use it, because a bool's
    /// byte must stay 0 or 1.
    fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`, and `&mut self` makes this the only reference.
        unsafe { std::slice::from_raw_parts_mut(self.start_mut(), self.len * self.dtype.size()) }
    }

    /// Overwrites the elements with little-endian `bytes`. `None` if the length differs or a bool is not 0 or 1.
    pub fn fill_from_le_bytes(&mut self, bytes: &[u8]) -> Option<()> {
        if bytes.len() != self.len * self.dtype.size() {
            return None;
        }
        if self.dtype == DType::Bool && bytes.iter().any(|&b| b > 1) {
            return None;
        }
        let size = self.dtype.size();
        self.bytes_mut().copy_from_slice(bytes);
        if cfg!(target_endian = "big") {
            self.bytes_mut().chunks_exact_mut(size).for_each(<[u8]>::reverse);
        }
        Some(())
    }
}

impl Drop for Storage {
    #[inline]
    fn drop(&mut self) {
        if let Place::Block(block) = &mut self.place {
            // SAFETY: the block is taken once, here, and not used again.
            put_back(unsafe { std::mem::ManuallyDrop::take(block) });
        }
    }
}

/// Counters and limits of tensor memory.
pub mod memory {
    use super::{AtomicUsize, Block, Ordering, SMALL, large};

    static RESERVED: AtomicUsize = AtomicUsize::new(0);
    static PEAK: AtomicUsize = AtomicUsize::new(0);
    static SYSTEM_ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);
    static LIMIT: AtomicUsize = AtomicUsize::new(usize::MAX);
    /// Larger than the working set of the models this stack is for, small beside a machine's memory.
    static CACHE_LIMIT: AtomicUsize = AtomicUsize::new(1 << 30);

    /// Counts `bytes` as taken from the system, unless that passes the limit.
    pub(super) fn reserve(bytes: usize) -> bool {
        let before = RESERVED.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > LIMIT.load(Ordering::Relaxed) {
            RESERVED.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        PEAK.fetch_max(before + bytes, Ordering::Relaxed);
        SYSTEM_ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        true
    }

    pub(super) fn unreserve(bytes: usize) {
        RESERVED.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn cache_limit() -> usize {
        CACHE_LIMIT.load(Ordering::Relaxed)
    }

    /// Bytes of tensor buffers taken from the system and not given back: in use or kept for reuse. Tensors of up to 32
    /// bytes have no buffer.
    pub fn reserved_bytes() -> usize {
        RESERVED.load(Ordering::Relaxed)
    }

    /// The largest value that [`reserved_bytes`] has had.
    pub fn peak_bytes() -> usize {
        PEAK.load(Ordering::Relaxed)
    }

    /// How many buffers have been taken from the system so far. It stands still in the steady state of a
    /// fixed-shape training step.
    pub fn system_allocations() -> usize {
        SYSTEM_ALLOCATIONS.load(Ordering::Relaxed)
    }

    /// Sets the most bytes that tensor buffers may take from the system; past it an operation returns
    /// [`ErrorKind::OutOfMemory`](crate::ErrorKind::OutOfMemory). Default: no limit but the system's.
    pub fn set_limit(bytes: usize) {
        LIMIT.store(bytes, Ordering::Relaxed);
    }

    /// Sets how many bytes of freed buffers above 32 KiB are kept for reuse. Default: 1 GiB.
    pub fn set_cache_limit(bytes: usize) {
        CACHE_LIMIT.store(bytes, Ordering::Relaxed);
    }

    /// Gives the kept buffers back to the system: the large ones, and the small ones of this thread.
    pub fn release_cache() {
        let mut blocks: Vec<Block> = Vec::new();
        {
            let mut large = large();
            large.bytes = 0;
            large.classes.iter_mut().for_each(|class| blocks.append(class));
        }
        // A thread that is ending has no list left to empty.
        let _ = SMALL.try_with(|small| {
            let mut small = small.borrow_mut();
            small.bytes = 0;
            small.classes.iter_mut().for_each(|class| blocks.append(class));
        });
        blocks.into_iter().for_each(Block::release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_classes_hold_what_is_asked_for_with_a_quarter_to_spare() {
        for bytes in (1..5000).chain([SMALL_BYTES - 1, SMALL_BYTES, SMALL_BYTES + 1, 1 << 40, (1 << 40) + 1])
        {
            let (class, size) = size_class(bytes);
            assert!(size >= bytes && (size <= ALIGN || size <= bytes + bytes / 4 + 1), "{bytes} -> {size}");
            assert!(class < CLASSES);
            assert_eq!(class < SMALL_CLASSES, size <= SMALL_BYTES, "{bytes} -> {class}");
            if size < isize::MAX as usize / 2 {
                assert!(size_class(size + 1).0 == class + 1, "classes are consecutive");
            }
        }
    }

    #[test]
    fn a_freed_buffer_is_the_next_one_handed_out() {
        for len in [10, 100_003] {
            let first = Storage::recycled("test", DType::F32, len).unwrap();
            let at = first.start();
            drop(first);
            assert_eq!(Storage::recycled("test", DType::F32, len).unwrap().start(), at);
        }
    }

    #[test]
    fn elements_in_the_storage_and_in_a_block_are_written_and_read_alike() {
        for len in 0..20 {
            let naive: Vec<i64> = (0..len as i64).map(|i| i * i - 7).collect();
            let mut storage = Storage::recycled("test", DType::I64, len).unwrap();
            storage.slice_mut::<i64>().copy_from_slice(&naive);
            let moved = Box::new(storage);
            assert_eq!(moved.slice::<i64>(), naive);
            assert_eq!(moved.bytes(), naive.iter().flat_map(|x| x.to_ne_bytes()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_impossible_size_is_an_error() {
        for len in [usize::MAX, isize::MAX as usize, 1 << 58] {
            let error = Storage::recycled("test", DType::F32, len).err().unwrap();
            assert!(matches!(error.kind(), ErrorKind::OutOfMemory { .. }), "{error}");
        }
    }

    #[test]
    fn bools_are_valid_whatever_the_buffer_held_before() {
        let mut dirty = Storage::recycled("test", DType::U8, 100).unwrap();
        dirty.slice_mut::<u8>().fill(255);
        drop(dirty);
        let bools = Storage::recycled("test", DType::Bool, 100).unwrap();
        assert!(bools.slice::<bool>().iter().all(|&b| !b));
        let mut bools = bools;
        assert!(bools.fill_from_le_bytes(&[2; 100]).is_none());
        assert!(bools.fill_from_le_bytes(&[1; 99]).is_none());
    }
}
