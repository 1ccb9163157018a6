//! What the functions take: start, memory, and for the cost model what one image makes them do.
//!
//! ```sh
//! infra/build && HOMEWARD_PROGRAMS=target/sam cargo run -p proofs --example lambda_figures
//! ```
//! runs the built artefacts on the embedded servers, counts every request on the wire, prints a
//! table for `infra/README.md`, and writes `infra/counts.json`, from which `homeward doctor` reckons.
//! Without `HOMEWARD_PROGRAMS` it runs what cargo has built last; times then mean nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::path::Path;
use std::time::Duration;

use proofs::backend::Backend;
use proofs::checkout;
use proofs::cloud::{Cloud, once};
use proofs::events::timer;
use proofs::runtime_api::{Function, LOG_FILE};
use proofs::wire::units::Units;
use proofs::world::{Put, World};
use serde_json::{Value, json};
use store::{Change, Pack, Table};

/// Ads of nobody, as nearly all are: ten full batches of `ingest`, one of `lookup`.
const ADS: usize = 100;
/// References that each ad is compared with.
const REFERENCES: usize = 10;
/// What the platform itself logs of one run: START, END, REPORT.
const PLATFORM_LOG_BYTES: f64 = 330.0;
/// The two items of an image: sighting, upload.
const ITEMS_BYTES: usize = 1_100;
/// As the template sets them.
const MESSAGES_PER_BATCH: usize = 10;
const CHANGES_PER_BATCH: usize = 100;

/// What a stretch of work took.
struct Took {
    time: Duration,
    units: Units,
    log_bytes: f64,
}

/// Counts what `work` makes a program do.
fn counted(cloud: &Cloud, program: &str, log: &Path, work: impl FnOnce()) -> Took {
    let function = match program {
        "ingest" => &cloud.ingest,
        _ => &cloud.lookup,
    };
    let bytes = || std::fs::metadata(log).map_or(0, |it| it.len()) as f64;
    let (before, logged) = (cloud.units(program), bytes());
    let worked = function.worked();
    work();
    let time = function.worked() - worked;
    let after = cloud.units(program);
    Took {
        time,
        units: Units {
            writes: after.writes - before.writes,
            reads: after.reads - before.reads,
            s3_puts: after.s3_puts - before.s3_puts,
            s3_gets: after.s3_gets - before.s3_gets,
        },
        log_bytes: bytes() - logged,
    }
}

/// One function's part, for one image of `images` in `runs` runs.
fn part(cloud: &Cloud, program: &str, took: &Took, images: usize, runs: usize) -> Value {
    let each = |sum: f64| round(sum / images as f64);
    json!({
        "busy_ms": each(took.time.as_secs_f64() * 1e3),
        "memory_mib": cloud.backend.deployment.limits(program).memory_mib,
        "write_units": each(took.units.writes),
        "read_units": each(took.units.reads),
        "s3_puts": each(took.units.s3_puts),
        "s3_gets": each(took.units.s3_gets),
        "log_bytes": each(took.log_bytes + PLATFORM_LOG_BYTES * runs as f64),
    })
}

fn round(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

fn puts(world: &World) -> (Vec<Put>, f64) {
    let ads: Vec<_> = world
        .ads()
        .into_iter()
        .filter(|put| put.key.contains("stranger"))
        .collect();
    let size = |put: &Put| std::fs::metadata(&put.path).unwrap().len();
    let bytes = ads.iter().map(size).sum::<u64>() as f64 / ads.len() as f64;
    (ads, bytes)
}

fn changes(cloud: &Cloud, table: Table) -> Vec<Value> {
    let told = cloud.backend.changes(&[table]).remove(0).1;
    told.into_iter()
        .filter(|change| change["eventName"] == "INSERT")
        .collect()
}

/// The pack that a change of the tail tells.
fn pack(change: &Value) -> Pack {
    let item = serde_json::from_value(change["dynamodb"]["NewImage"].clone()).unwrap();
    match store::inserted(item) {
        Ok(Some(Change::Ads(pack))) => pack,
        other => panic!("{other:?}"),
    }
}

fn invoke_all(function: &Function, changes: &[Value], each: usize) {
    for changes in changes.chunks(each) {
        once(function, &json!({ "Records": changes }));
    }
}

fn main() {
    let world = World::draw(REFERENCES, ADS, 59);
    let log = tempfile::NamedTempFile::new().unwrap();
    let path = log.path().to_str().unwrap().to_owned();
    let variables = [(LOG_FILE, path.as_str()), ("RUST_LOG", "info")];
    let cloud = Cloud::with(Backend::embedded(), &variables);
    let (ads, photo_bytes) = puts(&world);

    // The first event of each is its cold start; what is counted comes after.
    let references = cloud.upload(&world.references());
    cloud.send(&cloud.enroll, &references, once);
    let added = changes(&cloud, Table::ReferencesTail);
    let warm = cloud.upload(&ads[..1]);
    cloud.send(&cloud.ingest, &warm, once);
    invoke_all(
        &cloud.lookup,
        &changes(&cloud, Table::AdsTail),
        CHANGES_PER_BATCH,
    );
    cloud.alert.invoke(&timer()).unwrap();
    cloud.upkeep.invoke(&json!({"task": "digests"})).unwrap();
    cloud.ask("uploader", "GET", "/v1/uploads", None);

    let messages = cloud.upload(&ads[1..]);
    let images = messages.len();
    let ingest = counted(&cloud, "ingest", log.path(), || {
        cloud.send(&cloud.ingest, &messages, once);
    });
    let (tail, sightings) = (changes(&cloud, Table::AdsTail), changes(&cloud, Table::Ads));
    let is_sighting = |change: &Value| change["dynamodb"]["NewImage"]["kind"]["S"] == "sighting";
    let sightings: Vec<_> = sightings.into_iter().filter(is_sighting).collect();
    let packs: Vec<Pack> = tail[1..].iter().map(pack).collect();
    let packed: usize = packs.iter().map(Pack::len).sum();
    assert_eq!(packed, images, "every image is in one pack");
    let pack_bytes: u64 = packs.iter().map(Pack::bytes).sum();
    let lookup = counted(&cloud, "lookup", log.path(), || {
        invoke_all(&cloud.lookup, &tail[1..], CHANGES_PER_BATCH);
        invoke_all(&cloud.lookup, &sightings[1..], CHANGES_PER_BATCH);
    });
    let search = counted(&cloud, "lookup", log.path(), || {
        invoke_all(&cloud.lookup, &added[..1], 1);
    });

    let runs = images.div_ceil(MESSAGES_PER_BATCH);
    let found = json!({
        "measured": date(),
        "how": "tests/bench/lambda_figures.rs: the built functions on the embedded servers, requests \
                counted on the wire; 640 x 480 JPEGs of nobody in full batches, ten references; time \
                is that of the processor, since waiting overlaps",
        "photo_bytes": round(photo_bytes),
        "pack": {
            "ads": round(images as f64 / packs.len() as f64),
            "bytes_per_ad": round(pack_bytes as f64 / images as f64),
        },
        "table_bytes": ITEMS_BYTES,
        "batch": {"messages": MESSAGES_PER_BATCH, "changes": CHANGES_PER_BATCH},
        "per_image": {
            "ingest": part(&cloud, "ingest", &ingest, images, runs),
            "lookup": part(&cloud, "lookup", &lookup, images, 2),
        },
        "search": {
            "memory_mib": cloud.backend.deployment.limits("lookup").memory_mib,
            "busy_ms_per_ad": round(search.time.as_secs_f64() * 1e3 / ADS as f64),
            "read_units_per_ad": round(search.units.reads / ADS as f64),
            "s3_gets_per_ad": round(search.units.s3_gets / ADS as f64),
        },
    });
    std::fs::write(
        checkout::root().join("infra/counts.json"),
        format!("{found:#}\n"),
    )
    .unwrap();
    println!("{found:#}\n");
    println!("| function | start | first event | most memory | of |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for function in cloud.functions() {
        let it = function.figures();
        println!(
            "| `{}` | {} ms | {} ms | {} MiB | {} |",
            it.name,
            it.init.as_millis(),
            it.first_event.as_millis(),
            it.peak_kib / 1_024,
            cloud.backend.deployment.limits(&it.name).memory_mib,
        );
    }
}

fn date() -> String {
    jiff::Timestamp::now().to_string()[..10].to_owned()
}
