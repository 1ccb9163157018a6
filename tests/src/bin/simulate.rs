//! Runs the simulator over many seeds, or one seed as text.
//!
//! ```sh
//! cargo run --release -p proofs --bin simulate -- --seeds 10000
//! cargo run --release -p proofs --bin simulate -- --seed 17 --words
//! ```
#![allow(clippy::print_stdout)] // it talks to a person
#![allow(clippy::disallowed_methods, reason = "it measures")]

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use clap::Parser;
use proofs::sim::{InjectedBug, run};

/// The whole cluster under faults, seed by seed.
#[derive(Parser)]
struct Arguments {
    /// How many seeds, from `--seed` on.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// The first seed.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Plant a bug of the protocol, e.g. `StaleReads`.
    #[arg(long)]
    plant: Option<String>,
    /// Print every call of a run.
    #[arg(long)]
    words: bool,
    /// Threads; none: one for each core.
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let named = |bug: &&InjectedBug| arguments.plant == Some(format!("{bug:?}"));
    let bug = InjectedBug::ALL.iter().find(named).copied();
    if arguments.plant.is_some() && bug.is_none() {
        eprintln!("no such bug; there are {:?}", InjectedBug::ALL);
        return ExitCode::from(2);
    }
    let began = Instant::now();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let (calls, leads) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|threads| {
        for _ in 0..arguments.threads.unwrap_or(cores) {
            threads.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    if at >= arguments.seeds {
                        return;
                    }
                    let seed = arguments.seed + at;
                    let report = run(seed, bug, arguments.words);
                    report.text.iter().for_each(|line| println!("{line}"));
                    calls.fetch_add(report.calls, Ordering::SeqCst);
                    leads.fetch_add(report.leads as u64, Ordering::SeqCst);
                    if !report.faults_found.is_empty() {
                        failed.fetch_add(1, Ordering::SeqCst);
                        println!("seed {seed}: {:?}", report.faults_found);
                    }
                    if (at + 1).is_multiple_of(500) {
                        println!("{} seeds after {:?}", at + 1, began.elapsed());
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    println!(
        "{} seeds, {} calls, {} leads in {:?}: {failed} seeds failed",
        arguments.seeds,
        calls.into_inner(),
        leads.into_inner(),
        began.elapsed()
    );
    ExitCode::from(u8::from(failed > 0))
}
