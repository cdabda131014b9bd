//! Drawing again what was drawn before: for computations that are repeated and must give the same bits.

use super::{Generator, Rng};
use std::cell::{Cell, RefCell};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Shared = Arc<Mutex<Generator>>;

/// The generators that a computation drew from, with their states before its first draw.
///
/// ```
/// use tensor_core::{DType, Draws, Rng};
///
/// let rng = Rng::seed(0);
/// let (first, draws) = Draws::record(|| rng.rand([3], DType::F32));
/// rng.rand([3], DType::F32)?;
/// let state = rng.state();
/// let again = draws.replay(|| rng.rand([3], DType::F32))?;
/// assert_eq!(again.to_vec::<f32>()?, first?.to_vec::<f32>()?);
/// assert_eq!(rng.state(), state);
/// # Ok::<(), tensor_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Draws(Vec<(Rng, Box<Generator>)>);

thread_local! {
    /// Whether this thread records or replays: all that a plain draw looks at.
    static ACTIVE: Cell<bool> = const { Cell::new(false) };
    static RECORD: RefCell<Option<Draws>> = const { RefCell::new(None) };
    /// Private generators, each out of its place while a guard has it.
    static REPLAY: RefCell<Vec<(Rng, Option<Box<Generator>>)>> = const { RefCell::new(Vec::new()) };
}

impl Draws {
    /// Runs `body` and notes what it draws from on this thread.
    pub fn record<R>(body: impl FnOnce() -> R) -> (R, Draws) {
        let outer = Restore {
            active: ACTIVE.replace(true),
            record: Some(RECORD.replace(Some(Draws::default()))),
            replay: None,
        };
        let result = body();
        let draws = RECORD.take().unwrap_or_default();
        drop(outer);
        // What was first drawn from in here is new to a recording around it too.
        RECORD.with_borrow_mut(|record| {
            if let Some(record) = record {
                draws.0.iter().for_each(|(rng, before)| record.note(rng, before));
            }
        });
        (result, draws)
    }

    /// Runs `body` on this thread with the generators as they were, in copies of their own: no other draw sees it.
    pub fn replay<R>(&self, body: impl FnOnce() -> R) -> R {
        let copies = self.0.iter().map(|(rng, state)| (rng.clone(), Some(state.clone()))).collect();
        let _outer =
            Restore { active: ACTIVE.replace(true), record: None, replay: Some(REPLAY.replace(copies)) };
        body()
    }

    fn note(&mut self, rng: &Rng, before: &Generator) {
        if !self.0.iter().any(|(known, _)| Arc::ptr_eq(&known.0, &rng.0)) {
            self.0.push((rng.clone(), Box::new(before.clone())));
        }
    }
}

/// Puts the thread back as it was, after a panic too.
struct Restore {
    active: bool,
    record: Option<Option<Draws>>,
    replay: Option<Vec<(Rng, Option<Box<Generator>>)>>,
}

impl Drop for Restore {
    fn drop(&mut self) {
        ACTIVE.set(self.active);
        if let Some(record) = self.record.take() {
            RECORD.set(record);
        }
        if let Some(replay) = self.replay.take() {
            REPLAY.set(replay);
        }
    }
}

/// A generator to draw from: the shared one, or this thread's copy in a replay.
pub(super) enum Guard<'a> {
    Shared(MutexGuard<'a, Generator>),
    Private { of: &'a Shared, copy: Box<Generator> },
}

impl Rng {
    pub(super) fn lock(&self) -> Guard<'_> {
        if ACTIVE.get() { self.watched() } else { self.shared() }
    }

    fn shared(&self) -> Guard<'_> {
        // A panic between two draws leaves a whole state behind.
        Guard::Shared(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    #[cold]
    fn watched(&self) -> Guard<'_> {
        let copy = REPLAY.with_borrow_mut(|replay| {
            let place = replay.iter_mut().find(|(rng, _)| Arc::ptr_eq(&rng.0, &self.0));
            place.and_then(|(_, copy)| copy.take())
        });
        let guard = match copy {
            Some(copy) => Guard::Private { of: &self.0, copy },
            None => self.shared(),
        };
        RECORD.with_borrow_mut(|record| {
            if let Some(record) = record {
                record.note(self, &guard);
            }
        });
        guard
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let Guard::Private { of, copy } = self else { return };
        REPLAY.with_borrow_mut(|replay| {
            if let Some((_, place)) = replay.iter_mut().find(|(rng, _)| Arc::ptr_eq(&rng.0, of)) {
                *place = Some(copy.clone());
            }
        });
    }
}

impl Deref for Guard<'_> {
    type Target = Generator;
    fn deref(&self) -> &Generator {
        match self {
            Guard::Shared(generator) => generator,
            Guard::Private { copy, .. } => copy,
        }
    }
}

impl DerefMut for Guard<'_> {
    fn deref_mut(&mut self) -> &mut Generator {
        match self {
            Guard::Shared(generator) => generator,
            Guard::Private { copy, .. } => copy,
        }
    }
}

impl std::fmt::Debug for Generator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generator").field("seed", &self.seed).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]
    use super::*;

    #[test]
    fn a_recording_in_a_recording_is_part_of_both() {
        let (a, b) = (Rng::seed(1), Rng::seed(2));
        let ((words, inner), outer) = Draws::record(|| {
            let first = a.next_u32();
            let (second, inner) = Draws::record(|| (a.next_u32(), b.next_u32()));
            ((first, second), inner)
        });
        assert_eq!(outer.replay(|| (a.next_u32(), (a.next_u32(), b.next_u32()))), words);
        assert_eq!(inner.replay(|| (a.next_u32(), b.next_u32())), words.1);
        // A replay in a replay, and a recording in it.
        let nested = outer.replay(|| {
            a.next_u32();
            Draws::record(|| inner.replay(|| (a.next_u32(), b.next_u32()))).0
        });
        assert_eq!(nested, words.1);
    }

    #[test]
    fn a_panic_ends_a_replay_and_other_threads_do_not_see_it() {
        let rng = Rng::seed(3);
        let (first, draws) = Draws::record(|| rng.next_u32());
        let expected = Rng::from(rng.shared().clone()).next_u32();
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            draws.replay(|| {
                assert_eq!(rng.next_u32(), first);
                let other = rng.clone();
                assert_eq!(std::thread::spawn(move || other.next_u32()).join().unwrap(), expected);
                panic!("on purpose");
            })
        }));
        assert!(caught.is_err());
        assert!(!ACTIVE.get());
    }
}
