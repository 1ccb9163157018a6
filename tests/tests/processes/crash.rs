//! `kill -9` of `homeward serve` at random moments while pictures are uploaded: whatever was
//! acknowledged is there afterwards, the leads are exactly the truth, and none is told twice.
//!
//! `HOMEWARD_KILLS` sets how often, `HOMEWARD_SEED` repeats the moments of an earlier run (as far
//! as a machine's timing can be repeated).
#![allow(clippy::unwrap_used, clippy::print_stdout)] // the figures are for the reader of the run

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use proofs::checkout;
use proofs::leads::{created, ids_of, pairs_of};
use proofs::process::{Process, Serve};
use proofs::receiver::Receiver;
use proofs::sim::Rng;
use proofs::world::{Put, World, plan};
use serde_json::Value;

/// References, and pictures of no reference, of the fixture: with seven ads a reference, 300 pictures. Many
/// kills take several times as many, so that each falls among uploads.
const REFERENCES: usize = 30;
const STRANGERS: usize = 60;
const KILLS_PER_WORLD: usize = 250;
/// The longest that a process lives after it is ready. Most live shorter.
const LIFE_MS_MAX: u64 = 1_200;
/// One in so many is killed while it starts, within this time after its start.
const STILLBORN_ONE_IN: u64 = 5;
const START_MS_MAX: u64 = 300;
/// How long the work that the kills left behind may take, per 300 pictures.
const LEADS_PATIENCE: Duration = Duration::from_secs(180);
/// How long a delivery that was cut off may take to come again: its lease must end first.
const ALERT_PATIENCE: Duration = Duration::from_secs(90);

/// Short times more often than long ones: much happens just after a start.
fn life(rng: &mut Rng) -> Duration {
    Duration::from_millis(rng.below(LIFE_MS_MAX) * rng.below(1_000) / 1_000)
}

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().expect("a number in the environment"))
}

/// Three free ports in a row, below those that the system gives to clients.
fn free_ports() -> u16 {
    let first = 20_000 + u16::try_from(std::process::id() % 3_000).unwrap() * 3;
    let free = |port: &u16| (0..3).all(|at| TcpListener::bind(("127.0.0.1", port + at)).is_ok());
    (first..32_000).step_by(3).find(free).expect("free ports")
}

/// boto3 at work: each call of [`Upload::more`] sets it on the next slice of the puts.
struct Upload {
    process: std::process::Child,
    input: ChildStdin,
}

impl Upload {
    fn start(plan: &Value) -> Self {
        let mut process = Command::new(checkout::python())
            .arg(checkout::root().join("tests/python/upload.py"))
            .args(["--patience", "240"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = process.stdin.take().unwrap();
        writeln!(input, "{plan}").unwrap();
        Self { process, input }
    }

    fn more(&mut self) {
        // On a fast machine the last put may be acknowledged before the last kill: then it has ended, and
        // `finish` sees how.
        let told = writeln!(self.input);
        let has_ended = |error: &std::io::Error| error.kind() == std::io::ErrorKind::BrokenPipe;
        assert!(told.as_ref().err().is_none_or(has_ended), "{told:?}");
    }

    /// Waits for the end; every put must have been acknowledged.
    fn finish(self) -> usize {
        drop(self.input);
        let output = self.process.wait_with_output().unwrap();
        assert!(output.status.success());
        let lines = String::from_utf8(output.stdout).unwrap();
        for line in lines.lines() {
            let answer: Value = serde_json::from_str(line).unwrap();
            assert_eq!(answer["ok"], true, "{answer}");
        }
        lines.lines().count()
    }
}

/// Waits until all leads are there, by asking little: the sums, which compare every picture again,
/// would take the machine from the work that they wait for.
fn wait_for_leads(serve: &Serve, count: usize, patience: Duration) {
    let deadline = Instant::now() + patience;
    while serve.all("unit", "/v1/leads").len() < count {
        if Instant::now() > deadline {
            return; // the checks will say what is missing
        }
        std::thread::sleep(Duration::from_millis(500));
    }
}

/// Starts serve on `port` and kills it after `life`, ready or not.
fn kill_while_starting(data: &Path, port: &str, life: Duration) {
    let mut command = Command::new(checkout::program("homeward"));
    command.arg("serve").arg("--data").arg(data);
    command.args(["--port", port]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut process = Process::start(&mut command);
    std::thread::sleep(life);
    assert!(process.alive(), "serve ended before it was killed");
    process.kill();
}

/// References among the ads, so that both find each other in both orders.
fn shuffled(world: &World) -> Vec<Put> {
    let (mut puts, references) = (world.ads(), world.references());
    let every = puts.len() / references.len() + 1;
    for (place, reference) in references.into_iter().enumerate() {
        puts.insert((place * every).min(puts.len()), reference);
    }
    puts
}

/// `homeward verify`, which must agree.
fn verify(data: &Path) -> Value {
    let verify = Command::new(checkout::program("homeward"))
        .arg("verify")
        .arg("--data")
        .arg(data)
        .output()
        .unwrap();
    let sums = String::from_utf8(verify.stdout).unwrap();
    let told = String::from_utf8_lossy(&verify.stderr).into_owned();
    assert_eq!(verify.status.code(), Some(0), "{sums}{told}");
    serde_json::from_str(&sums).unwrap()
}

fn check_objects(plan: &Value) {
    let mut python = Command::new(checkout::python())
        .arg(checkout::root().join("tests/python/download.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    writeln!(python.stdin.take().unwrap(), "{plan}").unwrap();
    let output = python.wait_with_output().unwrap();
    let faults = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "acknowledged and lost: {faults}");
}

fn check_uploads(serve: &Serve, puts: &[Put]) {
    let listed: BTreeMap<String, String> = serve
        .all("uploader", "/v1/uploads")
        .iter()
        .map(|upload| {
            let text = |name: &str| upload[name].as_str().unwrap().to_owned();
            (text("object_key"), text("state"))
        })
        .collect();
    let recorded = "recorded".to_owned();
    let ads = puts.iter().filter(|put| put.bucket == "ads_bucket");
    let expected: BTreeMap<_, _> = ads.map(|put| (put.key.clone(), recorded.clone())).collect();
    assert_eq!(listed, expected);
}

fn check_leads(serve: &Serve, world: &World, receiver: &Receiver) {
    let leads = serve.all("unit", "/v1/leads?level=alert");
    assert_eq!(pairs_of(&leads), world.pairs());
    assert_eq!(leads.len(), world.pairs().len(), "one lead a pair");
    let known = ids_of(&leads);

    let feed = serve.all("unit", "/v1/alerts");
    let told: Vec<_> = feed
        .iter()
        .filter(|alert| alert["type"] == "org.homeward.lead.created")
        .map(|alert| alert["subject"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(told.len(), known.len(), "no alert is created twice");
    assert_eq!(told.into_iter().collect::<BTreeSet<_>>(), known);

    let arrived = created(receiver, known.len(), ALERT_PATIENCE);
    assert_eq!(arrived.keys().cloned().collect::<BTreeSet<_>>(), known);
    let mut messages = BTreeSet::new();
    for received in arrived.values() {
        let ids: BTreeSet<_> = received
            .iter()
            .map(|one| one.header("webhook-id"))
            .collect();
        assert_eq!(ids.len(), 1, "a message that comes again keeps its id");
        assert!(messages.insert(ids.first().unwrap().unwrap().to_owned()));
    }
    let requests: usize = arrived.values().map(Vec::len).sum();
    println!("{} leads, told by {requests} requests", known.len());
}

#[test]
fn nothing_is_lost_missed_or_told_twice_by_kills_at_random_moments() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = setting("HOMEWARD_SEED").unwrap_or(now.subsec_nanos().into());
    let kills = setting("HOMEWARD_KILLS").map_or(50, |kills| usize::try_from(kills).unwrap());
    println!("HOMEWARD_SEED={seed} HOMEWARD_KILLS={kills}");
    let mut rng = Rng::new(seed);
    let worlds = kills.div_ceil(KILLS_PER_WORLD).max(1);
    let world = World::draw(worlds * REFERENCES, worlds * STRANGERS, 17);
    let puts = shuffled(&world);
    let folder = tempfile::tempdir().unwrap();
    let (data, port) = (folder.path().join("data"), free_ports().to_string());
    let start = || Serve::start_with(&data, &["--port", &port]);

    let began = Instant::now();
    let mut serve = start();
    let receiver = Receiver::start();
    serve.put_webhook(&receiver.url());
    let mut plan = plan(&serve.ready, &puts, 4);
    plan["slice"] = puts.len().div_ceil(kills + 1).into();
    let mut upload = Upload::start(&plan);
    for _ in 0..kills {
        std::thread::sleep(life(&mut rng));
        serve.process.kill();
        if rng.one_in(STILLBORN_ONE_IN) {
            let life = Duration::from_millis(rng.below(START_MS_MAX));
            kill_while_starting(&data, &port, life);
        }
        upload.more();
        serve = start();
    }
    println!("killed {kills} times in {:?}", began.elapsed());
    assert_eq!(upload.finish(), puts.len());
    let patience = LEADS_PATIENCE * u32::try_from(worlds).unwrap();
    wait_for_leads(&serve, world.pairs().len(), patience);
    println!("all leads after {:?}", began.elapsed());
    let sums = serve.settled();
    println!("at rest after {:?}: {sums:#}", began.elapsed());
    assert_eq!(sums["dead_letters"], 0, "{sums:#}");

    check_objects(&plan);
    check_uploads(&serve, &puts);
    check_leads(&serve, &world, &receiver);
    assert_eq!(verify(&data)["leads"], sums["leads"], "beside the system");
    assert_eq!(serve.process.terminate(Duration::from_secs(60)), Some(0));
    assert_eq!(
        verify(&data)["leads"],
        sums["leads"],
        "with the system stopped"
    );
}
