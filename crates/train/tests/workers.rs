//! Workers: the same batches for any number of them, and no hang whatever a data set does.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use train::data::{
    ConcatDataset, DataLoader, Dataset, IterableDataset, IterableLoader, RandomSampler, TensorDataset,
};
use train::{Error, Result, Rng, Tensor};

/// The samples 0 … n−1, each its own target.
fn numbers(n: usize) -> TensorDataset {
    let numbers = Tensor::from_vec((0..n as i64).collect(), [n]).unwrap();
    TensorDataset::new(numbers.clone(), numbers).unwrap()
}

fn values(batch: Result<(Tensor, Tensor)>) -> Vec<i64> {
    batch.unwrap().0.to_vec().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_number_of_workers_gives_the_same_batches_also_after_a_resume(
        n in 0usize..40,
        size in 1usize..9,
        drop_last: bool,
        ahead in 0usize..4,
        at in 0usize..50,
        seed: u64,
    ) {
        let loader = |workers| {
            let rng = Rng::seed(seed);
            let loader = DataLoader::new(numbers(n), size).unwrap();
            (loader.drop_last(drop_last).shuffle(&rng).workers(workers).prefetch_factor(ahead), rng)
        };
        let run = |workers| {
            let (loader, rng) = loader(workers);
            let epochs: Vec<Vec<Vec<i64>>> = (0..2).map(|epoch| loader.epoch(epoch).map(values).collect()).collect();
            (epochs, rng.state())
        };
        let expected = run(0);
        for workers in [1, 4] {
            prop_assert_eq!(&run(workers), &expected);
            // The second epoch left at some batch, and gone on with by another loader.
            let (first, rng) = loader(workers);
            first.epoch(0).for_each(drop);
            let at = at % (first.len() + 1);
            let mut pass = first.epoch(1);
            pass.by_ref().take(at).for_each(drop);
            let (position, state) = (pass.position().clone(), rng.state());
            drop(pass);
            let (second, rng) = loader(4 - workers);
            rng.set_state(&state).unwrap();
            let rest: Vec<Vec<i64>> = second.resume(&position).unwrap().map(values).collect();
            prop_assert_eq!(&rest[..], &expected.0[1][at..]);
            prop_assert_eq!(rng.state(), state);
        }
    }
}

#[test]
fn a_position_of_another_kind_of_order_is_refused() {
    let (plain, rng) = (DataLoader::new(numbers(4), 2).unwrap(), Rng::seed(0));
    let shuffled = DataLoader::new(numbers(4), 2).unwrap().sampler(RandomSampler::new(&rng));
    assert!(plain.resume(shuffled.epoch(0).position()).is_err());
    assert!(shuffled.resume(plain.epoch(0).position()).is_err());
    let mut position = shuffled.epoch(0).position().clone();
    position.batches = 99;
    assert_eq!(shuffled.resume(&position).unwrap().count(), 0);
    position.rng = Some(vec![1, 2, 3]);
    let state = rng.state();
    assert!(shuffled.resume(&position).is_err());
    assert_eq!(rng.state(), state);
}

/// What a data set may do wrong at sample 5, and how many samples were asked for.
struct Faulty {
    fault: fn() -> Result<i64>,
    asked: Arc<AtomicUsize>,
}

impl Dataset for Faulty {
    type Sample = i64;

    fn len(&self) -> usize {
        1000
    }

    fn get(&self, index: usize) -> Result<i64> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if index == 5 { (self.fault)() } else { Ok(index as i64) }
    }
}

fn faulty(fault: fn() -> Result<i64>, workers: usize) -> (DataLoader<Faulty>, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let dataset = Faulty { fault, asked: Arc::clone(&asked) };
    (DataLoader::new(dataset, 2).unwrap().workers(workers), asked)
}

#[test]
fn a_panic_and_a_bad_record_name_the_sample_and_the_other_batches_come() {
    let bad = || Err(Error::File { path: "5.png".into(), source: std::io::Error::other("broken") });
    for (fault, text) in [
        (bad as fn() -> _, "5.png: broken"),
        (|| panic!("sample is odd"), "the data set panicked: sample is odd"),
    ] {
        for workers in [1, 2, 4] {
            let (loader, _) = faulty(fault, workers);
            let start = Instant::now();
            let results: Vec<Result<Tensor>> = loader.epoch(7).take(6).collect();
            assert!(start.elapsed() < Duration::from_secs(1));
            for (batch, result) in results.into_iter().enumerate() {
                match result {
                    Ok(tensor) => {
                        assert_eq!(tensor.to_vec::<i64>().unwrap(), [2 * batch as i64, 2 * batch as i64 + 1])
                    }
                    Err(error) => {
                        assert_eq!(batch, 2);
                        assert_eq!(error.to_string(), format!("epoch 7, batch 2: sample 5: {text}"));
                    }
                }
            }
        }
    }
}

#[test]
fn a_worker_that_does_not_answer_is_given_up() {
    let (loader, _) = faulty(
        || loop {
            std::thread::park()
        },
        2,
    );
    let loader = loader.timeout(Duration::from_millis(100));
    let start = Instant::now();
    let results: Vec<Result<Tensor>> = loader.epoch(0).collect();
    assert!(start.elapsed() < Duration::from_secs(1));
    let error = results[2].as_ref().unwrap_err().to_string();
    assert!(error.starts_with("epoch 0, batch 2: no batch after 0.1 s"), "{error}");
    assert_eq!(results.len(), 4, "the pass ends where the silent worker is next");
}

#[test]
fn workers_keep_their_distance() {
    let (loader, asked) = faulty(|| Ok(5), 3);
    let loader = loader.prefetch_factor(2);
    let mut pass = loader.epoch(0);
    pass.next().unwrap().unwrap();
    std::thread::sleep(Duration::from_millis(50));
    // Of 3 workers each has two batches in its queue and one in hand; one batch was taken.
    assert!(asked.load(Ordering::Relaxed) <= 2 * (3 * 3 + 1), "{asked:?}");
}

#[test]
fn dropping_a_pass_in_the_middle_ends_its_threads() {
    for round in 0..50 {
        let (loader, asked) = faulty(|| Ok(5), 4);
        let start = Instant::now();
        let mut pass = loader.epoch(0);
        pass.by_ref().take(round % 4).for_each(drop);
        drop(pass);
        assert!(start.elapsed() < Duration::from_secs(1));
        // The threads are gone: they hold nothing of the set.
        let now = asked.load(Ordering::Relaxed);
        drop(loader);
        assert_eq!((Arc::strong_count(&asked), asked.load(Ordering::Relaxed)), (1, now));
    }
}

/// The numbers up to 10, of which one may fail.
struct Stream(fn(i64) -> Result<i64>);

impl IterableDataset for Stream {
    type Sample = i64;

    fn iter(&self, epoch: usize) -> Box<dyn Iterator<Item = Result<i64>> + Send> {
        let (f, first) = (self.0, 100 * epoch as i64);
        Box::new((0..10).map(move |i| f(first + i)))
    }
}

fn stream(f: fn(i64) -> Result<i64>, prefetch: usize) -> IterableLoader<Stream> {
    IterableLoader::new(Stream(f), 4).unwrap().prefetch(prefetch)
}

#[test]
fn a_stream_is_the_same_with_and_without_a_thread_and_after_a_resume() {
    let all = |pass: &mut dyn Iterator<Item = Result<Tensor>>| -> Vec<Vec<i64>> {
        pass.map(|batch| batch.unwrap().to_vec().unwrap()).collect()
    };
    for prefetch in [0, 1, 3] {
        let loader = stream(Ok, prefetch);
        let whole = vec![vec![100, 101, 102, 103], vec![104, 105, 106, 107], vec![108, 109]];
        assert_eq!(all(&mut loader.epoch(1)), whole);
        for at in 0..4 {
            let mut pass = loader.epoch(1);
            pass.by_ref().take(at).for_each(drop);
            let position = pass.position().clone();
            assert_eq!(all(&mut stream(Ok, 1).resume(&position)), whole[at..]);
        }
        assert_eq!(all(&mut loader.drop_last(true).epoch(1)), whole[..2]);
    }
    assert!(IterableLoader::new(Stream(Ok), 0).is_err());
}

#[test]
fn a_stream_ends_at_its_first_fault() {
    let fail = |i| if i == 5 { Err(Error::Panic { message: "not really".into() }) } else { Ok(i) };
    let thrown = |i| if i == 5 { panic!("really") } else { Ok(i) };
    for (f, prefetch) in [(fail as fn(i64) -> _, 0), (fail, 2), (thrown, 2)] {
        let results: Vec<Result<Tensor>> = stream(f, prefetch).epoch(0).collect();
        assert_eq!(results.len(), 2);
        let error = results[1].as_ref().unwrap_err().to_string();
        assert!(error.starts_with("epoch 0, batch 1: the data set panicked: "), "{error}");
    }
}

#[test]
fn concatenated_sets_are_one() {
    let parts = vec![numbers(3), numbers(0), numbers(5)];
    let both = ConcatDataset::new(parts).unwrap();
    assert_eq!((both.len(), both.datasets().len()), (8, 3));
    let loader = DataLoader::new(both.clone(), 3).unwrap().workers(2);
    let seen: Vec<Vec<i64>> = loader.epoch(0).map(values).collect();
    assert_eq!(seen, [vec![0, 1, 2], vec![0, 1, 2], vec![3, 4]]);
    let across = both.batch(&[7, 0, 3]).unwrap().0;
    assert_eq!(across.to_vec::<i64>().unwrap(), [4, 0, 0]);
    assert!(both.get(8).is_err() && both.batch(&[1, 8]).is_err());
    assert!(both.batch(&[]).is_err());
    assert!(ConcatDataset::<TensorDataset>::new(vec![]).is_err());
    let boxed: Vec<Box<dyn Dataset<Sample = (Tensor, Tensor)>>> = vec![Box::new(numbers(1)), Box::new(both)];
    assert_eq!(ConcatDataset::new(boxed).unwrap().len(), 9);
}
