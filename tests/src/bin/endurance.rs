//! Simulated days of an agency's work: images by a generator through the store's verbs, everything
//! that follows by the real programs, all timers, in virtual time. The sums must agree, and memory
//! must stay what it was after the first day: what the allocator keeps of freed memory is not
//! counted, since what a day's merging freed lies scattered and says nothing about what is kept.
//!
//! ```sh
//! cargo run --release -p proofs --bin endurance -- --days 30 --images-per-day 50000 --folder .
//! cargo run -p proofs --bin endurance -- --days 10 --images-per-day 200
//! ```
//! `--folder` on a disk waits for it at each commit; in memory (`/dev/shm`) a day takes a minute.
//! Adding up reads every record: at half a million images it takes longer than a day's work.
#![allow(clippy::print_stdout)] // it talks to a person
#![allow(clippy::disallowed_methods, reason = "it measures")]

use std::cell::Cell;
use std::path::PathBuf;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_config::retry::RetryConfig;
use clap::Parser;
use proofs::sim::generator::{self, Generator};
use proofs::sim::{CaseSystem, Cluster, ClusterConfig, Injection, Pump, Tasks, Time, snapshot};

/// What the programs may keep in addition to what they had after the first day: caches of SQLite, seen to
/// grow for some days.
const GROWTH_KIB_MAX: u64 = 32 * 1024;
/// Images between two looks at what follows from them.
const IMAGES_AT_ONCE: u64 = 500;
/// Images of one batch of messages.
const IMAGES_PER_PACK: usize = 10;

/// Days of an agency's work.
#[derive(Clone, Parser)]
struct Arguments {
    #[arg(long, default_value_t = 30)]
    days: u64,
    #[arg(long, default_value_t = 50_000)]
    images_per_day: u64,
    /// One image in so many shows a reference.
    #[arg(long, default_value_t = 250)]
    copy_one_in: u64,
    #[arg(long, default_value_t = 20)]
    references: u64,
    /// The sums are taken each so many days, and on the last.
    #[arg(long, default_value_t = 5)]
    sums_every: u64,
    /// Where the data lie; in memory without it.
    #[arg(long)]
    folder: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    generator::keep_no_freed_memory();
    let plan = ClusterConfig {
        seed: 1,
        folder: arguments.folder.clone(),
        time: Time::default(),
        injections: Box::new(|_| Injection::default()),
        bug: None,
        retries: RetryConfig::disabled(),
        keeps_text: false,
        ads_kept: None,
    };
    let cluster = Arc::new(Cluster::new(plan, CaseSystem::willing));
    let went_well = Rc::new(Cell::new(false));
    let (mut tasks, told, inside) = (Tasks::default(), went_well.clone(), cluster.clone());
    tasks.add(
        "days",
        async move { told.set(days(&inside, &arguments).await) },
    );
    tasks.run(cluster.time());
    ExitCode::from(u8::from(!went_well.get()))
}

async fn days(cluster: &Arc<Cluster>, arguments: &Arguments) -> bool {
    let generator = Generator::new(cluster, arguments.references, arguments.copy_one_in);
    let mut pump = Pump::new(cluster);
    generator.submit_references().await;
    let (mut images, mut first_day_kib, mut went_well) = (0, 0, true);
    for day in 1..=arguments.days {
        let began = Instant::now();
        let end = images + arguments.images_per_day;
        while images < end {
            let next = (images + IMAGES_AT_ONCE).min(end);
            for first in (images..next).step_by(IMAGES_PER_PACK) {
                let end = next.min(first + IMAGES_PER_PACK as u64);
                generator.record(first..end).await;
            }
            images = next;
            cluster.time().skip(day_part(arguments));
            pump.until_done().await;
        }
        pump.timers().await;
        pump.until_done().await;
        generator.trim();
        let kib = generator::memory_kib();
        first_day_kib = if day == 1 { kib } else { first_day_kib };
        let is_due = day == arguments.days || day.is_multiple_of(arguments.sums_every.max(1));
        let found = match is_due {
            true => Some(generator.disagreements(images).await),
            false => None,
        };
        let grew = kib.saturating_sub(first_day_kib) > GROWTH_KIB_MAX;
        went_well &= found.as_ref().is_none_or(Vec::is_empty) && !grew;
        let sums = match found {
            Some(found) if found.is_empty() => "sums agree".to_owned(),
            Some(found) => found.join("; "),
            None => "sums not taken".to_owned(),
        };
        println!(
            "day {day}: {images} images, {} leads told, {} MiB, {:.0?}, {sums}",
            snapshot::alerted_leads(&cluster.case_system.arrived()),
            kib / 1024,
            began.elapsed()
        );
    }
    println!("sums agree and memory is flat: {went_well}");
    went_well
}

fn day_part(arguments: &Arguments) -> Duration {
    let parts = arguments.images_per_day.div_ceil(IMAGES_AT_ONCE).max(1);
    Duration::from_secs(24 * 3_600 / parts)
}
