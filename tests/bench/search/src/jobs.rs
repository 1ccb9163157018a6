//! Searches of one set of hashes: scanned and by index.

use std::hint::black_box;

use matching::HashIndex;
use matching::scan::{self, Columns, Kernel, Neighbour};
use features::fingerprint::Hash256;
use serde_json::{Value, json};

use crate::{ALLOCATOR, seconds};

/// PDQ's distance, as the policy has it.
const DISTANCE_BITS_MAX: u16 = 31;

pub struct Jobs {
    columns: Vec<u8>,
    len: usize,
    queries: Vec<Hash256>,
    index: HashIndex,
    index_bytes: usize,
    index_s: f64,
}

impl Jobs {
    pub fn new(hashes: &[Hash256], queries: Vec<Hash256>) -> Self {
        let columns = scan::to_columns(hashes);
        let before = ALLOCATOR.current_usage();
        let mut index = HashIndex::new();
        let index_s = seconds::of_thread(|| index.extend(hashes.iter().copied().zip(0..)));
        Self {
            len: hashes.len(),
            columns,
            index_bytes: ALLOCATOR.current_usage() - before,
            index_s,
            queries,
            index,
        }
    }

    pub fn run(&self, job: &[&str]) -> Value {
        match job {
            ["size"] => json!({
                "kernels": Kernel::available().map(Kernel::name).collect::<Vec<_>>(),
                "index_bytes": self.index_bytes,
                "index_s": self.index_s,
            }),
            ["read"] => json!(seconds::of_thread(|| {
                let read = |_| _ = black_box(sum(black_box(self.scanned_bytes())));
                self.queries.iter().for_each(read);
            })),
            ["scan", kernel, "alone"] => {
                let near = |query| self.scan(kernel, std::slice::from_ref(query));
                json!(seconds::of_thread(|| self
                    .queries
                    .iter()
                    .for_each(|q| _ = near(q))))
            }
            ["scan", kernel, "together"] => {
                json!(seconds::of_thread(|| _ = self.scan(kernel, &self.queries)))
            }
            ["index"] => json!(seconds::of_thread(|| {
                self.queries
                    .iter()
                    .for_each(|query| _ = self.by_index(query));
            })),
            ["found", "scan"] => {
                let pairs = self.scan(Kernel::best().name(), &self.queries);
                json!(
                    pairs
                        .iter()
                        .map(|near| (near.query, near.item))
                        .collect::<Vec<_>>()
                )
            }
            ["found", "index"] => {
                let pairs = self.queries.iter().enumerate().flat_map(|(query, hash)| {
                    self.by_index(hash)
                        .into_iter()
                        .map(move |item| (query, item))
                });
                json!(pairs.collect::<Vec<_>>())
            }
            _ => panic!("no such job: {job:?}"),
        }
    }

    fn columns(&self) -> Columns<'_> {
        Columns::read(&self.columns).expect("written by to_columns")
    }

    /// What a scan reads of every hash.
    fn scanned_bytes(&self) -> &[u8] {
        &self.columns[..self.len * 12]
    }

    fn scan(&self, kernel: &str, queries: &[Hash256]) -> Vec<Neighbour> {
        let kernel = Kernel::available().find(|one| one.name() == kernel);
        let mut found = Vec::new();
        scan::neighbours_with(
            kernel.expect("one of this processor's"),
            self.columns(),
            queries,
            DISTANCE_BITS_MAX,
            |near| found.push(near),
        );
        found
    }

    fn by_index(&self, query: &Hash256) -> Vec<u32> {
        let mut owners = Vec::new();
        self.index.neighbours(query, DISTANCE_BITS_MAX, &mut owners);
        owners.sort_unstable();
        owners.dedup();
        owners
    }
}

/// A plain read of all bytes: the most that memory gives to one thread.
fn sum(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks::<8>();
    let words = words.iter().map(|word| u64::from_ne_bytes(*word));
    words.fold(0, u64::wrapping_add)
}
