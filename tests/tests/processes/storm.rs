//! Every function as a real process, woken as the template says, by queues and streams with their
//! real rules, and one of them killed each second: all leads come out, and nothing is set aside.
//!
//! `HOMEWARD_STORM_PHOTOS=1000 cargo nextest run -p proofs storm::` is the long form.
#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use proofs::backend::Backend;
use proofs::cloud::{Cloud, STREAMS};
use proofs::events::Message;
use proofs::receiver::Receiver;
use proofs::sim::Rng;
use proofs::sources::queue::Queue;
use proofs::sources::stream::Stream;
use proofs::sources::timer;
use proofs::world::{Put, World};
use serde_json::{Value, json};
use sources::template::Template;
use sources::{QueueRules, StreamRules};
use store::Table;

use crate::truth::{found, truth};

/// Photos, unless `HOMEWARD_STORM_PHOTOS` says how many: enough for several batches of each kind.
const PHOTOS: usize = 60;
/// Ads that show a reference, of the seven that a world draws of each; the others show strangers.
const ADS_OF_A_REFERENCE: usize = 7;
/// Six minutes in which a message is hidden pass in two seconds.
const FASTER: u32 = 180;
/// Which function is killed next.
const SEED: u64 = 47;
/// How often one function is killed.
const KILLS_EVERY: Duration = Duration::from_secs(1);
/// Timers of minutes and hours come this often.
const TIMERS_EVERY: Duration = Duration::from_secs(2);

/// What wakes the functions, and whether the storm goes on.
struct Sources {
    ads: Queue,
    photos: Queue,
    streams: Vec<(Table, Stream)>,
    over: AtomicBool,
    kills: AtomicU64,
}

impl Sources {
    fn new() -> Self {
        let template = Template::of_this_build();
        let queue = |program, id| Queue::new(QueueRules::of(template, program, id), FASTER);
        let stream = |table| {
            let (program, id) = wakes(table);
            (table, Stream::new(StreamRules::of(template, program, id)))
        };
        Self {
            ads: queue("ingest", "AdsQueue"),
            photos: queue("enroll", "ReferencesQueue"),
            streams: STREAMS.map(stream).into(),
            over: AtomicBool::new(false),
            kills: AtomicU64::new(0),
        }
    }

    fn depth(&self) -> usize {
        let streams = self.streams.iter().map(|(_, stream)| stream.depth());
        self.ads.depth() + self.photos.depth() + streams.sum::<usize>()
    }

    fn until_over(&self, mut work: impl FnMut() -> bool) {
        while !self.over.load(Ordering::SeqCst) {
            if !work() {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// Which program a table's stream wakes, and the table's id in the template.
fn wakes(table: Table) -> (&'static str, &'static str) {
    match table {
        Table::Ads => ("lookup", "AdsTable"),
        Table::AdsTail => ("lookup", "AdsTailTable"),
        Table::ReferencesTail => ("lookup", "ReferencesTailTable"),
        Table::Searches => ("lookup", "SearchesTable"),
        Table::Leads => ("alert", "LeadsTable"),
        _ => unreachable!("it has no stream"),
    }
}

fn kill_at_random(cloud: &Cloud, sources: &Sources) {
    let mut rng = Rng::new(SEED);
    let functions = cloud.functions();
    let mut next = Instant::now() + KILLS_EVERY;
    sources.until_over(|| {
        if Instant::now() >= next {
            let count = functions.len() as u64;
            functions[usize::try_from(rng.below(count)).unwrap()].restart();
            sources.kills.fetch_add(1, Ordering::SeqCst);
            next += KILLS_EVERY;
        }
        false
    });
}

fn wake_by_timers(cloud: &Cloud, sources: &Sources) {
    let template = Template::of_this_build();
    let mut next = Instant::now();
    sources.until_over(|| {
        if Instant::now() >= next {
            for (program, function) in [("alert", &cloud.alert), ("upkeep", &cloud.upkeep)] {
                for event in timer::events_of(template, program) {
                    function.invoke_unless_killed(&event); // if it was, the next timer comes
                }
            }
            next = Instant::now() + TIMERS_EVERY;
        }
        false
    });
}

fn read_streams(cloud: &Cloud, sources: &Sources) {
    let mut follower = cloud.backend.follow(&STREAMS);
    sources.until_over(|| {
        for ((table, changes), (known, stream)) in follower.news().into_iter().zip(&sources.streams)
        {
            assert_eq!(table, *known);
            stream.push(changes);
        }
        false
    });
}

/// Everything that goes on concurrently with the uploads; `uploads` decides when it is over.
fn storm(cloud: &Cloud, sources: &Sources, uploads: impl FnOnce()) {
    std::thread::scope(|scope| {
        scope.spawn(|| kill_at_random(cloud, sources));
        scope.spawn(|| wake_by_timers(cloud, sources));
        scope.spawn(|| read_streams(cloud, sources));
        scope.spawn(|| sources.until_over(|| sources.ads.poll(&cloud.ingest)));
        scope.spawn(|| sources.until_over(|| sources.photos.poll(&cloud.enroll)));
        for (table, stream) in &sources.streams {
            let function = match wakes(*table).0 {
                "alert" => &cloud.alert,
                _ => &cloud.lookup,
            };
            scope.spawn(|| sources.until_over(|| stream.poll(function)));
        }
        let _over = Over(&sources.over); // also if the proof fails before that
        uploads();
    });
}

/// Ends the storm.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// A request to `review`, again if it is killed during it, as a client does after a 5xx.
fn get(cloud: &Cloud, tenant: &str, target: &str) -> Value {
    let bearer = proofs::backend::token(tenant);
    let event = proofs::events::http(bearer.reveal(), "GET", target, None);
    loop {
        if let Some(answer) = cloud.review.invoke_unless_killed(&event) {
            let answer = answer.unwrap();
            assert_eq!(answer["statusCode"], 200, "{answer}");
            return serde_json::from_str(answer["body"].as_str().unwrap()).unwrap();
        }
    }
}

fn leads(cloud: &Cloud) -> Vec<Value> {
    let (mut leads, mut after) = (Vec::new(), String::new());
    loop {
        let page = get(cloud, "unit", &format!("/v1/leads?limit=50{after}"));
        leads.extend(page["items"].as_array().unwrap().clone());
        match page["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return leads,
        }
    }
}

fn send(cloud: &Cloud, queue: &Queue, puts: &[Put]) {
    for puts in puts.chunks(50) {
        let messages: Vec<Message> = cloud.upload(puts);
        queue.send(messages);
    }
}

/// Waits until nothing waits in a queue or a stream, and the case system knows of every lead.
fn wait_for_rest(cloud: &Cloud, sources: &Sources, receiver: &Receiver, expected: usize) {
    let patience = Duration::from_secs(120 + 2 * photos() as u64);
    let deadline = Instant::now() + patience;
    let mut quiet = 0;
    while quiet < 5 {
        let told = alerted(receiver).len();
        let state = || format!("{} waiting, {told} told of {expected}", sources.depth());
        assert!(Instant::now() < deadline, "never at rest: {}", state());
        let at_rest = sources.depth() == 0 && leads(cloud).len() >= expected && told > 0;
        quiet = if at_rest { quiet + 1 } else { 0 };
        std::thread::sleep(Duration::from_millis(400));
    }
}

/// The ids of messages that arrived, by lead.
fn alerted(receiver: &Receiver) -> BTreeMap<String, BTreeSet<String>> {
    let mut told: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for one in receiver.received() {
        let event = one.json();
        if event["type"] == "org.homeward.lead.created" {
            let lead = event["subject"].as_str().unwrap().to_owned();
            let id = one.header("webhook-id").unwrap().to_owned();
            told.entry(lead).or_default().insert(id);
        }
    }
    told
}

fn photos() -> usize {
    let set = std::env::var("HOMEWARD_STORM_PHOTOS");
    set.map_or(PHOTOS, |text| text.parse().expect("a number of photos"))
}

/// Photos of all kinds: a fourteenth are references, half of the rest shows one of them.
fn world() -> World {
    let references = (photos() / (2 * ADS_OF_A_REFERENCE)).clamp(2, 20);
    let strangers = photos().saturating_sub(references * (1 + ADS_OF_A_REFERENCE));
    World::draw(references, strangers, 53)
}

fn every_lead_survives(backend: Backend) {
    let world = world();
    let cloud = Cloud::on(backend);
    let receiver = Receiver::start();
    let webhook = json!({"url": receiver.url()});
    let (status, _) = cloud.ask("unit", "PUT", "/v1/webhooks/test", Some(&webhook));
    assert_eq!(status, 201);
    let (ads, sources) = (world.ads(), Sources::new());
    let expected = truth(&world, &ads);
    let started = Instant::now();
    storm(&cloud, &sources, || {
        let (early, late) = ads.split_at(ads.len() / 2);
        send(&cloud, &sources.ads, early);
        send(&cloud, &sources.photos, &world.references());
        send(&cloud, &sources.ads, late);
        wait_for_rest(&cloud, &sources, &receiver, expected.len());
    });
    let kills = sources.kills.load(Ordering::SeqCst);
    let cut_off: u64 = cloud.functions().map(|it| it.cut_off()).iter().sum();
    eprintln!(
        "{}: {} photos, {} leads, {kills} kills, {cut_off} of them over an event, {:.0} s",
        cloud.backend.name,
        ads.len() + world.references().len(),
        expected.len(),
        started.elapsed().as_secs_f64(),
    );
    assert!(cut_off > 0, "no kill disturbed anything");
    assert_eq!(found(&leads(&cloud)), expected);
    all_is_told_once(&cloud, &receiver);
    let aside = sources
        .streams
        .iter()
        .map(|(_, stream)| stream.dead_letters());
    assert_eq!(aside.sum::<usize>(), 0, "no change was given up");
    let dead = sources.ads.dead_letters() + sources.photos.dead_letters();
    assert_eq!(dead, 0, "no message was given up");
}

/// The longest that an alert may take whose first two attempts failed, as on a busy machine they do: then
/// five minutes pass, by the schedule of Standard Webhooks, and up to a tenth more.
const THIRD_ATTEMPT: Duration = Duration::from_secs(420);

/// A message that was under way when its sender died comes again when the lease is over, under the
/// same id.
fn all_is_told_once(cloud: &Cloud, receiver: &Receiver) {
    let alerts: BTreeSet<String> = leads(cloud)
        .iter()
        .filter(|lead| lead["level"] == "alert")
        .map(|lead| lead["lead_id"].as_str().unwrap().to_owned())
        .collect();
    let deadline = Instant::now() + THIRD_ATTEMPT;
    while alerted(receiver).len() < alerts.len() {
        assert!(Instant::now() < deadline, "some alert never arrives");
        cloud.alert.invoke(&proofs::events::timer()).unwrap();
        std::thread::sleep(Duration::from_millis(500));
    }
    let told = alerted(receiver);
    assert!(told.values().all(|ids| ids.len() == 1), "one id a lead");
    assert_eq!(told.into_keys().collect::<BTreeSet<_>>(), alerts);
}

#[test]
fn every_lead_survives_the_storm_on_the_embedded_servers() {
    every_lead_survives(Backend::embedded());
}

#[test]
fn every_lead_survives_the_storm_on_moto() {
    every_lead_survives(Backend::moto());
}

/// A function that is never killed is no part of a storm.
#[test]
fn random_kills_meet_every_function() {
    let mut rng = Rng::new(SEED);
    let met: BTreeSet<u64> = (0..40).map(|_| rng.below(6)).collect();
    assert_eq!(met.len(), 6);
}
