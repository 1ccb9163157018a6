//! Uploader non-interference in time: how long an uploader waits does not tell who is searched for, nor
//! what others have sent. Two kinds of trials are compared within one run; no time is asserted.
#![allow(clippy::unwrap_used)]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use features::fingerprint::{AdFingerprint, FINGERPRINT_VERSION, Hash256, HashVariant};
use proofs::odds::{TwoKinds, check_nothing_shows, shuffled};
use proofs::process::Serve;
use proofs::uploader::Form;
use records::{AdMetadata, HashRecord, ImageSha256, MemberName, hash_list_header};

/// Trials of either kind: at most 0.86 of all pairs is then within three standard errors.
const EACH: usize = 12;

/// Files of either kind: their times differ by little, so that there are more; 0.75 of all pairs.
const FILES_EACH: usize = 24;

/// Each alone: the two would be each other's noise.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hashes of one list: leads enough to be written while all the questions are asked.
const LINES: usize = 300;

/// Questions of one trial.
const QUESTIONS: usize = 60;

/// Longer than it takes until the leads of a list are being written.
const UNTIL_LEADS: Duration = Duration::from_millis(150);

/// A file of the size of a good photo, large enough for a sync of it to be felt.
const FILE_BYTES: usize = 3 << 20;

/// Bytes that no other name gives.
fn bytes<const N: usize>(name: &str) -> [u8; N] {
    let mut bytes = [0; N];
    for (place, chunk) in bytes.chunks_exact_mut(8).enumerate() {
        let mut hasher = DefaultHasher::new();
        (name, place).hash(&mut hasher);
        chunk.copy_from_slice(&hasher.finish().to_le_bytes());
    }
    bytes
}

/// A list of hashes three bits off this one, all of other files.
fn near(pdq: &[u8; 32], trial: &str) -> Vec<u8> {
    let mut list = hash_list_header();
    for line in 0..LINES {
        let mut near = *pdq;
        for bit in 0..3 {
            let at = (line + bit * 7) % 256;
            near[at / 8] ^= 1 << (at % 8);
        }
        let view = HashVariant {
            pdq: Hash256(near),
            quality: 100,
            second: Hash256([0; 32]),
        };
        let record = HashRecord {
            name: MemberName::parse(&format!("{line}.jpg")).unwrap(),
            image_sha256: ImageSha256::of(format!("{trial} {line}").as_bytes()),
            size_bytes: 1_000,
            width_px: 640,
            height_px: 480,
            fingerprint: AdFingerprint {
                version: FINGERPRINT_VERSION,
                whole: view,
                trimmed: None,
                features: Vec::new(),
            },
            metadata: AdMetadata::default(),
            notes: Vec::new(),
        };
        list += &record.to_line();
    }
    list.into_bytes()
}

fn start(folder: &tempfile::TempDir) -> Serve {
    Serve::start_with(&folder.path().join("data"), &["--port", "0"])
}

/// The time below which a quarter of an uploader's own questions is answered, in seconds: what else
/// runs on the machine lengthens the longest of them first.
fn ask(serve: &Serve) -> f64 {
    let agent = ureq::agent();
    let url = format!("{}/v1/uploads?limit=1", serve.text("api"));
    let bearer = format!("Bearer {}", serve.token("uploader"));
    let mut times: Vec<f64> = (0..QUESTIONS)
        .map(|_| {
            let begin = Instant::now();
            let request = agent.get(&url).header("Authorization", &bearer);
            request.call().unwrap().body_mut().read_to_vec().unwrap();
            begin.elapsed().as_secs_f64()
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 4]
}

/// A system in which half of some pictures is searched for; behind a list near each of them the uploader
/// asks for its own uploads.
fn questions_behind_lists(seed: u64) -> TwoKinds {
    let folder = tempfile::tempdir().unwrap();
    let serve = start(&folder);
    let pdq = |n: usize| bytes::<32>(&format!("picture {seed} {n}"));
    for n in 0..EACH {
        let hex: String = pdq(n).iter().map(|byte| format!("{byte:02x}")).collect();
        serve.submit_hash(&format!("case-{n}"), &hex);
    }
    serve.settled();
    let lists = serve.form(serve.token("uploader"), "application/x-ndjson");
    let mut times = TwoKinds::default();
    for n in shuffled(2 * EACH, seed) {
        let name = format!("list-{n}.jsonl");
        lists.post(&name, &near(&pdq(n), &format!("{seed} {n}")));
        serve.await_upload(&name);
        std::thread::sleep(UNTIL_LEADS);
        let kind = if n < EACH {
            &mut times.ones
        } else {
            &mut times.others
        };
        kind.push(ask(&serve));
    }
    let leads = serve.get("unit", "/v1/leads?limit=1");
    assert!(
        !leads["items"].as_array().unwrap().is_empty(),
        "the kinds do differ"
    );
    times
}

#[test]
fn how_long_an_uploaders_answers_take_does_not_tell_who_is_sought() {
    let _alone = alone();
    check_nothing_shows("a list near a sought photo", questions_behind_lists);
}

fn post_all(form: &Form, files: &[Vec<u8>]) {
    for (n, file) in files.iter().enumerate() {
        form.post(&format!("other-{n}.jpg"), file);
    }
}

/// A system in which another uploader has sent half of some files.
fn files_that_others_have(seed: u64) -> TwoKinds {
    let folder = tempfile::tempdir().unwrap();
    let serve = start(&folder);
    let file =
        |n: usize| bytes::<FILE_CHUNK>(&format!("file {seed} {n}")).repeat(FILE_BYTES / FILE_CHUNK);
    let files: Vec<Vec<u8>> = (0..2 * FILES_EACH).map(file).collect();
    let other = serve.form(&serve.make_uploader("other"), "image/jpeg");
    post_all(&other, &files[..FILES_EACH]);
    serve.settled();
    let form = serve.form(serve.token("uploader"), "image/jpeg");
    form.post(
        "first.jpg",
        &bytes::<FILE_CHUNK>("first").repeat(FILE_BYTES / FILE_CHUNK),
    );
    let mut times = TwoKinds::default();
    for n in shuffled(2 * FILES_EACH, seed) {
        let name = format!("own-{n}.jpg");
        let took = form.post(&name, &files[n]).as_secs_f64();
        serve.await_upload(&name);
        let kind = if n < FILES_EACH {
            &mut times.ones
        } else {
            &mut times.others
        };
        kind.push(took);
    }
    times
}

/// What a file repeats, in bytes.
const FILE_CHUNK: usize = 4 << 10;

#[test]
fn how_long_an_upload_takes_does_not_tell_whether_another_has_that_file() {
    let _alone = alone();
    check_nothing_shows(
        "a file that another uploader has sent",
        files_that_others_have,
    );
}
