//! Our side of `tests/bench/search.py`: `search HASHES QUERIES`, files of 32 bytes a hash, or
//! `search retro RECORDS`.
//!
//! For each line on standard input, a job's name and arguments, it runs that job once and answers
//! with a line of JSON. Times are the thread's processor time, so that a busy machine's other work
//! is not counted.

mod jobs;
mod retro;
mod seconds;

use std::io::{BufRead, Write};

use peak_alloc::PeakAlloc;
use features::fingerprint::Hash256;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let answer: Box<dyn Fn(&[&str]) -> serde_json::Value> = match words[..] {
        ["retro", records] => {
            let ads = retro::Ads::generated(records.parse().expect("a number of records"));
            Box::new(move |job| ads.search(job))
        }
        [hashes, queries] => {
            let jobs = jobs::Jobs::new(&read(hashes)?, read(queries)?);
            Box::new(move |job| jobs.run(job))
        }
        _ => panic!("usage: search HASHES QUERIES, or search retro RECORDS"),
    };
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        println!("{}", answer(&line.split(' ').collect::<Vec<_>>()));
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn read(path: &str) -> std::io::Result<Vec<Hash256>> {
    let bytes = std::fs::read(path)?;
    let (hashes, _) = bytes.as_chunks();
    Ok(hashes.iter().map(|hash| Hash256(*hash)).collect())
}
