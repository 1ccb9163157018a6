//! What the functions take: start, memory, and for the cost model what one image makes them do.
//!
//! ```sh
//! infra/build && HOMEWARD_PROGRAMS=target/sam cargo run -p proofs --example lambda_figures
//! ```
//! runs the built artefacts on the embedded servers, counts every request on the wire, prints a
//! table for `infra/README.md`, and writes `infra/counts.json`, from which `homeward doctor` reckons.
//! Without `HOMEWARD_PROGRAMS` it runs what cargo has built last; times then mean nothing.
#![allow(clippy::unwrap_used, clippy::print_stdout)]
#![allow(clippy::disallowed_methods, reason = "it measures")]

use std::path::Path;
use std::time::Duration;

use proofs::backend::Backend;
use proofs::checkout;
use proofs::cloud::{Cloud, once};
use proofs::events::{Message, timer};
use proofs::runtime_api::{Function, LOG_FILE};
use proofs::sim::list;
use proofs::wire::units::Units;
use proofs::world::{Put, World};
use records::MemberName;
use serde_json::{Value, json};
use store::{Change, Pack, Table};

/// Ads that show no reference, as nearly all are, that come singly: ten full batches of `ingest`, one of `lookup`.
const SINGLE: usize = 100;
/// Those that come in one bundle: enough that all go into segments after it.
const BUNDLED: usize = 1_000;
/// Those of which a list of hashes comes: as many as `homeward upload --hash-only` puts into one.
const HASHED: usize = 500;
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
        "upkeep" => &cloud.upkeep,
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

/// Ads that show no reference, and their bytes.
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

/// One bundle of these ads, as a put.
fn bundle(world: &World, ads: &[Put]) -> Put {
    let member = |put: &Put| {
        let name = put.path.file_name().unwrap().to_str().unwrap();
        let bytes = std::fs::read(&put.path).unwrap();
        (MemberName::parse(name).unwrap(), bytes)
    };
    let members: Vec<_> = ads.iter().map(member).collect();
    let path = world.path("bundle.tar");
    let tar = bundles::pack(&members, &bundles::Metadata::default()).unwrap();
    std::fs::write(&path, tar).unwrap();
    Put {
        bucket: "ads_bucket",
        key: "ads/uploader/bundle.tar".into(),
        path,
        metadata: json!({}),
    }
}

/// A list of the hashes of these ads, as a put.
fn hash_list(world: &World, ads: &[Put]) -> Put {
    let member = |put: &Put| {
        let name = put.path.file_name().unwrap().to_str().unwrap();
        (name.to_owned(), std::fs::read(&put.path).unwrap())
    };
    let members: Vec<_> = ads.iter().map(member).collect();
    let path = world.path("hashes.jsonl");
    std::fs::write(&path, list(&members)).unwrap();
    Put {
        bucket: "ads_bucket",
        key: "ads/uploader/hashes.jsonl".into(),
        path,
        metadata: json!({}),
    }
}

/// What S3 tells of the parts that a bundle was cut into.
fn parts_of(cloud: &Cloud) -> Vec<Message> {
    let target = "/v1/uploads?limit=100&below=bundle.tar%2F%2Fpart-";
    let (status, page) = cloud.ask("uploader", "GET", target, None);
    assert_eq!((status, &page["next"]), (200, &Value::Null), "{page}");
    let parts = page["items"].as_array().unwrap().iter();
    let bucket = &cloud.backend.store().names().ads_bucket.clone();
    let message = |part: &Value| {
        let put = json!({"key": part["object_key"], "size": part["size_bytes"]});
        Message::created(bucket, &put)
    };
    parts.map(message).collect()
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

/// The changes of a table from a place on, and nothing but new items.
struct News {
    table: Table,
    seen: usize,
}

impl News {
    fn of(cloud: &Cloud, table: Table) -> Self {
        let seen = changes(cloud, table).len();
        Self { table, seen }
    }

    fn next(&mut self, cloud: &Cloud) -> Vec<Value> {
        let mut all = changes(cloud, self.table);
        let new = all.split_off(self.seen);
        self.seen += new.len();
        new
    }
}

/// What the functions did for ads that came in one way.
struct Came {
    ingest: Took,
    lookup: Took,
    /// Runs of `ingest`, and of `lookup`.
    runs: (usize, usize),
    images: usize,
    packs: usize,
    pack_bytes: u64,
}

/// Counts what `send` has `ingest` do, which gives the number of its runs, and what `lookup` does then.
/// Of the images some have a recorded sighting each, which wakes it too; hashes have none.
fn came(
    cloud: &Cloud,
    log: &Path,
    (images, recorded): (usize, usize),
    send: impl FnOnce() -> usize,
) -> Came {
    let mut tail = News::of(cloud, Table::AdsTail);
    let mut sightings = News::of(cloud, Table::Ads);
    let mut ingest_runs = 0;
    let ingest = counted(cloud, "ingest", log, || ingest_runs = send());
    let (tail, mut sightings) = (tail.next(cloud), sightings.next(cloud));
    sightings.retain(|change| change["dynamodb"]["NewImage"]["kind"]["S"] == "sighting");
    let packs: Vec<Pack> = tail.iter().map(pack).collect();
    let packed: usize = packs.iter().map(Pack::len).sum();
    assert_eq!(
        (packed, sightings.len()),
        (images, recorded),
        "each is in one pack"
    );
    let lookup = counted(cloud, "lookup", log, || {
        invoke_all(&cloud.lookup, &tail, CHANGES_PER_BATCH);
        invoke_all(&cloud.lookup, &sightings, CHANGES_PER_BATCH);
    });
    let runs = |changes: &[Value]| changes.len().div_ceil(CHANGES_PER_BATCH);
    Came {
        ingest,
        lookup,
        runs: (ingest_runs, runs(&tail) + runs(&sightings)),
        images,
        packs: packs.len(),
        pack_bytes: packs.iter().map(Pack::bytes).sum(),
    }
}

impl Came {
    fn to_json(&self, cloud: &Cloud, messages: usize) -> Value {
        let each = |sum: f64| round(sum / self.images as f64);
        json!({
            "messages_per_image": each(messages as f64),
            "ads_per_pack": round(self.images as f64 / self.packs as f64),
            "pack_bytes_per_ad": each(self.pack_bytes as f64),
            "ingest": part(cloud, "ingest", &self.ingest, self.images, self.runs.0),
            "lookup": part(cloud, "lookup", &self.lookup, self.images, self.runs.1),
        })
    }
}

/// Moves all ads into segments.
fn compacted(cloud: &Cloud, log: &Path, ads: usize) -> Value {
    let took = counted(cloud, "upkeep", log, || {
        let done = cloud.upkeep.invoke(&json!({"task": "compact"})).unwrap();
        assert_eq!(done["compacted"], ads, "{done}");
    });
    json!({
        "memory_mib": cloud.backend.deployment.limits("upkeep").memory_mib,
        "busy_ms_per_ad": round(took.time.as_secs_f64() * 1e3 / ads as f64),
    })
}

/// Searches for a reference among so many ads.
fn searched(cloud: &Cloud, log: &Path, added: &[Value], ads: usize) -> Value {
    let mut steps = News::of(cloud, Table::Searches);
    let took = counted(cloud, "lookup", log, || {
        let mut told = added.to_vec();
        while !told.is_empty() {
            invoke_all(&cloud.lookup, &told, 1);
            told = steps.next(cloud);
        }
    });
    let each = |sum: f64| (sum / ads as f64 * 1e6).round() / 1e6;
    json!({
        "memory_mib": cloud.backend.deployment.limits("lookup").memory_mib,
        "busy_ms_per_ad": each(took.time.as_secs_f64() * 1e3),
        "read_units_per_ad": each(took.units.reads),
        "write_units_per_ad": each(took.units.writes),
        "s3_gets_per_ad": each(took.units.s3_gets),
    })
}

fn main() {
    let world = World::draw(REFERENCES, SINGLE + BUNDLED + HASHED, 59);
    let log = tempfile::NamedTempFile::new().unwrap();
    let path = log.path().to_str().unwrap().to_owned();
    let variables = [(LOG_FILE, path.as_str()), ("RUST_LOG", "info")];
    let cloud = Cloud::with(Backend::embedded(), &variables);
    let (ads, photo_bytes) = puts(&world);
    let (single, others) = ads.split_at(SINGLE);
    let (bundled, hashed) = others.split_at(BUNDLED);

    // The first event of each is its cold start; what is counted comes after.
    let references = cloud.upload(&world.references());
    cloud.send(&cloud.enroll, &references, once);
    let added = changes(&cloud, Table::ReferencesTail);
    let warm = cloud.upload(&single[..1]);
    cloud.send(&cloud.ingest, &warm, once);
    let tail = changes(&cloud, Table::AdsTail);
    invoke_all(&cloud.lookup, &tail, CHANGES_PER_BATCH);
    cloud.alert.invoke(&timer()).unwrap();
    cloud.upkeep.invoke(&json!({"task": "digests"})).unwrap();
    cloud.ask("uploader", "GET", "/v1/uploads", None);

    let messages = cloud.upload(&single[1..]);
    let each = (messages.len(), messages.len());
    let singly = came(&cloud, log.path(), each, || {
        cloud.send(&cloud.ingest, &messages, once);
        messages.len().div_ceil(MESSAGES_PER_BATCH)
    });
    let bundle = bundle(&world, bundled);
    let message = cloud.upload(std::slice::from_ref(&bundle));
    let mut parts = 0;
    let each = (bundled.len(), bundled.len());
    let together = came(&cloud, log.path(), each, || {
        cloud.send(&cloud.ingest, &message, once);
        let messages = parts_of(&cloud);
        cloud.send(&cloud.ingest, &messages, once);
        parts = messages.len();
        1 + parts.div_ceil(MESSAGES_PER_BATCH)
    });
    let list = cloud.upload(&[hash_list(&world, hashed)]);
    let as_hashes = came(&cloud, log.path(), (hashed.len(), 0), || {
        cloud.send(&cloud.ingest, &list, once);
        1
    });
    let compaction = compacted(&cloud, log.path(), ads.len());
    let search = searched(&cloud, log.path(), &added[..1], ads.len());

    let found = json!({
        "measured": date(),
        "how": "tests/bench/lambda_figures.rs: the built functions on the embedded servers, requests \
                counted on the wire; 640 x 480 JPEGs of nobody in full batches, ten references; time \
                is that of the processor, since waiting overlaps",
        "photo_bytes": round(photo_bytes),
        "table_bytes": ITEMS_BYTES,
        "batch": {"messages": MESSAGES_PER_BATCH, "changes": CHANGES_PER_BATCH},
        "bundle_images": bundled.len(),
        "list_images": hashed.len(),
        "single": singly.to_json(&cloud, singly.images),
        "bundled": together.to_json(&cloud, 1 + parts),
        "hashes": as_hashes.to_json(&cloud, 1),
        "compaction": compaction,
        "search": search,
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
