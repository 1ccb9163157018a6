//! What happens in a run, as its seed draws it, and what must come of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use photo::Limits;
use records::{AdMetadata, CaseId, ImageSha256, MemberName, ReferenceId, hash_list_header};

use super::cluster::unit;
use super::picture::{bmp, rubbish};
use super::rng::Rng;
use super::run::CALM_US;

/// Puts happen within this time.
const PUTS_WITHIN_MS: u64 = 12_000;
/// Two puts of one picture often come this close to each other.
const CLOSE_MS: u64 = 400;
/// A photo is deleted so often at most, each time within this time of the last, and put again sooner still:
/// S3's times are whole seconds, and its events come in any order.
const DELETIONS_MAX: u64 = 3;
const DELETED_WITHIN_MS: u64 = 10_000;
const PUT_AGAIN_WITHIN_MS: u64 = 1_500;
/// A withdrawal happens within this time.
const WITHDRAWN_WITHIN_MS: u64 = 40_000;
/// Of one run in so many ads end, so long after they were put: whatever is put at first is settled by then.
const ENDING_ONE_IN: u64 = 3;
const ADS_KEPT: Duration = Duration::from_secs(400);
/// From so long before until so long after the first ads' end things are put and go wrong once more.
const BEFORE_END: Duration = Duration::from_secs(30);
const AFTER_END: Duration = Duration::from_secs(100);
/// Within this time of its end an ad is ended, if upkeep runs often enough.
const AS_IT_ENDS: Duration = Duration::from_secs(8);
/// So long after it was put whatever is settled.
const SETTLED_AFTER: Duration = Duration::from_secs(300);

/// A file that is put, as an object or in one.
#[derive(Clone, Debug)]
pub struct Put {
    /// When.
    pub at: Duration,
    /// Under which key it is known.
    pub key: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// Which picture it is; none for rubbish.
    pub picture: Option<u64>,
    /// What it comes in, if it does not come alone.
    pub within: Option<Within>,
}

/// What a file comes in.
#[derive(Clone, Debug)]
pub struct Within {
    /// Its key.
    pub key: String,
    /// Whether it is a list of hashes, and not a bundle.
    pub is_list: bool,
    /// Whether the hashes are not those of the picture, but near enough for review.
    pub is_forged: bool,
}

impl Put {
    /// The object that is put: its key and its bytes.
    pub fn object(&self) -> (&str, Vec<u8>) {
        let member = (MEMBER, self.bytes.clone());
        match &self.within {
            None => (&self.key, member.1),
            Some(Within {
                key,
                is_list: true,
                is_forged,
            }) => match is_forged {
                true => (key, forged_list(&member.1)),
                false => (key, list(&[member])),
            },
            Some(Within { key, .. }) => (key, tar(&[member])),
        }
    }

    /// The key of the upload that says what became of it.
    pub fn reported_at(&self) -> &str {
        match &self.within {
            Some(list) if list.is_list => &list.key,
            _ => &self.key,
        }
    }

    /// What is said there in the end, as [`super::snapshot::Snapshot::uploads`] has it.
    pub fn end(&self) -> &'static str {
        match (self.picture, &self.within) {
            (Some(_), _) => "recorded",
            (None, Some(Within { is_list: true, .. })) => "recorded, faults told",
            (None, _) => "rejected",
        }
    }
}

/// A list of these files' hashes; what is no picture has a line that will be refused.
pub fn list(members: &[(impl AsRef<str>, Vec<u8>)]) -> Vec<u8> {
    let mut list = hash_list_header();
    for (name, bytes) in members {
        let name = name.as_ref();
        let path = MemberName::parse(name).expect("a name");
        let metadata = AdMetadata::default();
        list += &match reading::hash_record(path, bytes, &Limits::default(), metadata) {
            Ok(record) => record.to_line(),
            Err(_) => format!("{}\n", serde_json::json!({"path": name})),
        };
    }
    list.into_bytes()
}

/// Bits in which a forged hash differs: near enough for review and not for an alert.
const FORGED_BITS: usize = 22;

/// A list that claims of this picture a fingerprint which is for review only.
pub fn forged_list(picture: &[u8]) -> Vec<u8> {
    let path = MemberName::parse(MEMBER).expect("a name");
    let limits = Limits::default();
    let record = reading::hash_record(path, picture, &limits, AdMetadata::default());
    let mut record = record.expect("a picture");
    let whole = &mut record.fingerprint.whole;
    for bit in (0..FORGED_BITS).map(|n| n * 7 % 256) {
        whole.pdq.0[bit / 8] ^= 1 << (bit % 8);
    }
    whole.second.0 = [0x55; 32];
    (record.fingerprint.trimmed, record.fingerprint.features) = (None, Vec::new());
    (hash_list_header() + &record.to_line()).into_bytes()
}

/// A bundle of these files.
pub fn tar(members: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let members = members.iter().map(|(name, bytes)| {
        let name = MemberName::parse(name).expect("a name");
        (name, bytes.clone())
    });
    let members: Vec<_> = members.collect();
    bundles::pack(&members, &bundles::Metadata::default()).expect("memory does not fail")
}

/// The name of a file in a bundle.
const MEMBER: &str = "ad.bmp";
/// One ad in so many comes in a bundle.
const BUNDLED_ONE_IN: u64 = 4;
/// Of the others, one in so many comes as a hash only.
const LISTED_ONE_IN: u64 = 4;

/// Of one ad in so many another uploader claims beforehand, or afterwards, that it is hardly like anything.
const FORGED_ONE_IN: u64 = 3;

/// The keys of sightings, by reference and image.
pub type Pairs = BTreeMap<(String, String), BTreeSet<String>>;

/// A run's scenario.
#[derive(Clone, Debug)]
pub struct Script {
    /// Ads, by time.
    pub ads: Vec<Put>,
    /// What another uploader claims of some of the ads in lists of hashes.
    pub forged: Vec<Put>,
    /// References, by time; each of another picture.
    pub references: Vec<Put>,
    /// Which reference is withdrawn when, by its place.
    pub withdrawal: Option<(usize, Duration)>,
    /// How long ads are kept; none for ever.
    pub kept: Option<Duration>,
    /// Which reference's photo is deleted and put again, by its place, and how long after what went before.
    pub returns: Option<(usize, Vec<(Duration, Duration)>)>,
}

impl Script {
    /// The scenario of a seed.
    pub fn draw(seed: Rng) -> Self {
        let mut rng = seed.of("script", 0);
        let references: Vec<Put> = (0..1 + rng.below(2))
            .map(|picture| Put {
                at: Duration::from_millis(rng.below(PUTS_WITHIN_MS)),
                key: format!("references/unit/case-{picture}/photo.bmp"),
                bytes: bmp(picture, 0),
                picture: Some(picture),
                within: None,
            })
            .collect();
        let mut ads: Vec<Put> = (0..2 + rng.below(3))
            .map(|number| ad(number, &references, &mut rng))
            .collect();
        for (number, ad) in (0..).zip(&mut ads) {
            let is_bundled = seed.of("bundle", number).one_in(BUNDLED_ONE_IN);
            let is_list = !is_bundled && seed.of("list", number).one_in(LISTED_ONE_IN);
            if is_bundled || is_list {
                let ending = if is_list { "jsonl" } else { "tar" };
                let key = format!("ads/uploader/{number}.{ending}");
                ad.key = format!("{key}/{MEMBER}");
                ad.within = Some(Within {
                    key,
                    is_list,
                    is_forged: false,
                });
            }
        }
        if rng.one_in(3) {
            let again = ads[0].clone();
            let at = Duration::from_millis(rng.below(PUTS_WITHIN_MS));
            let key = "ads/uploader/again.bmp".to_owned();
            let within = None;
            ads.push(Put {
                at,
                key,
                within,
                ..again
            });
        }
        ads.sort_by_key(|put| put.at);
        let place = rng.below(references.len() as u64) as usize;
        let at = Duration::from_millis(rng.below(WITHDRAWN_WITHIN_MS));
        let withdrawal = rng.one_in(2).then_some((place, references[place].at + at));
        let returns = returns(seed, references.len(), withdrawal.map(|it| it.0));
        let forged = (0..).zip(&ads).filter_map(|it| forged(seed, it)).collect();
        let kept = seed
            .of("ending", 0)
            .one_in(ENDING_ONE_IN)
            .then_some(ADS_KEPT);
        let mut script = Self {
            ads,
            forged,
            references,
            withdrawal,
            kept,
            returns,
        };
        if let Some(kept) = kept {
            script.go_on(seed, kept);
        }
        script
    }

    /// About the time at which the first ads end, some come again, under their keys and under others, and a
    /// reference comes that was not sought before.
    fn go_on(&mut self, seed: Rng, kept: Duration) {
        let first = self.ads.clone();
        for (number, ad) in (0..).zip(first) {
            let mut rng = seed.of("again", number);
            let mut at = || {
                // Half of them as the ad ends.
                let (from, within) = match rng.one_in(2) {
                    true => (kept, AS_IT_ENDS),
                    false => (kept - BEFORE_END, BEFORE_END + AFTER_END),
                };
                ad.at + from + Duration::from_millis(rng.below(within.as_millis() as u64))
            };
            let (again, elsewhere) = (at(), at());
            let (comes_again, comes_elsewhere) = (rng.one_in(2), rng.one_in(3));
            if comes_again {
                self.ads.push(Put {
                    at: again,
                    ..ad.clone()
                });
            }
            if comes_elsewhere {
                self.ads.push(Put {
                    at: elsewhere,
                    key: format!("ads/uploader/{number}-later.bmp"),
                    within: None,
                    ..ad
                });
            }
        }
        let mut rng = seed.of("late reference", 0);
        let picture = self.references.len() as u64;
        let at = kept + Duration::from_millis(rng.below(60_000));
        if rng.one_in(2) {
            self.references.push(Put {
                at,
                key: format!("references/unit/case-{picture}/photo.bmp"),
                bytes: bmp(picture, 0),
                picture: Some(picture),
                within: None,
            });
        }
    }

    /// Whether nothing goes wrong at this time.
    pub fn is_calm(&self, now: Duration) -> bool {
        now >= Duration::from_micros(CALM_US) && !self.ads_end(now)
    }

    /// Whether it is about the time at which the first ads end.
    pub fn ads_end(&self, now: Duration) -> bool {
        self.kept.is_some_and(|kept| {
            let until = kept + AFTER_END + Duration::from_micros(CALM_US) / 2;
            now >= kept - BEFORE_END && now < until
        })
    }

    /// Whether an ad is still kept at a time by all that is sure.
    pub fn is_kept(&self, ad: &Put, at: Duration) -> bool {
        self.kept.is_none_or(|kept| at <= ad.at + kept)
    }

    /// Whether a pair is sure to be found: both were there for long enough while the ad was kept.
    fn is_sure(&self, reference: &Put, ad: &Put) -> bool {
        self.is_kept(ad, reference.at + SETTLED_AFTER)
    }

    /// A reference's id.
    pub fn reference_id(&self, place: usize) -> ReferenceId {
        let put = &self.references[place];
        let case = format!("case-{}", put.picture.unwrap_or_default());
        let case = CaseId::parse(&case).expect("a case");
        ReferenceId::of_photo(&unit(), &case, &ImageSha256::of(&put.bytes))
    }

    /// Uploads that there are in the end: the ads, and what some of them came in.
    pub fn uploads(&self) -> usize {
        let within = self.ads.iter().filter_map(|ad| ad.within.as_ref());
        let reported_at = self.ads.iter().map(Put::reported_at);
        let keys = within.map(|within| within.key.as_str()).chain(reported_at);
        keys.collect::<BTreeSet<_>>().len()
    }

    /// Every pair that may become a lead (reference, image), with the keys of its sightings.
    pub fn pairs(&self) -> Pairs {
        self.pairs_with(|_, _| true)
    }

    /// Those that are to become leads: the others' ads may have ended before their references were there.
    pub fn sure_pairs(&self) -> Pairs {
        self.pairs_with(|reference, ad| self.is_sure(reference, ad))
    }

    fn pairs_with(&self, are_taken: impl Fn(&Put, &Put) -> bool) -> Pairs {
        let mut pairs = Pairs::new();
        for (place, reference) in self.references.iter().enumerate() {
            let ads = self.ads.iter().chain(&self.forged);
            for ad in ads.filter(|ad| ad.picture == reference.picture && are_taken(reference, ad)) {
                let image = ImageSha256::of(&ad.bytes).to_string();
                let pair = (self.reference_id(place).to_string(), image);
                pairs.entry(pair).or_default().insert(ad.key.clone());
            }
        }
        pairs
    }
}

/// How a reference's photo comes and goes that no request withdraws.
fn returns(
    seed: Rng,
    references: usize,
    withdrawn: Option<usize>,
) -> Option<(usize, Vec<(Duration, Duration)>)> {
    let mut rng = seed.of("returns", 0);
    let place = (0..references).find(|place| withdrawn != Some(*place))?;
    let is_deleted = rng.one_in(3);
    let deletions = 1 + rng.below(DELETIONS_MAX);
    let mut within = |most_ms| Duration::from_millis(rng.below(most_ms));
    let both = (0..deletions).map(|_| (within(DELETED_WITHIN_MS), within(PUT_AGAIN_WITHIN_MS)));
    let returns = both.collect();
    is_deleted.then_some((place, returns))
}

/// What another uploader claims of this ad, if anything.
fn forged(seed: Rng, (number, ad): (u64, &Put)) -> Option<Put> {
    let mut rng = seed.of("forged", number);
    let is_forged = rng.one_in(FORGED_ONE_IN) && ad.picture.is_some();
    let at = Duration::from_millis(rng.below(PUTS_WITHIN_MS));
    let key = format!("ads/forger/{number}.jsonl");
    is_forged.then(|| Put {
        at,
        key: format!("{key}/{MEMBER}"),
        within: Some(Within {
            key,
            is_list: true,
            is_forged,
        }),
        ..ad.clone()
    })
}

/// Of a reference's picture more often than of a stranger; rubbish now and then.
fn ad(number: u64, references: &[Put], rng: &mut Rng) -> Put {
    let stranger = references.len() as u64;
    let picture = rng.below(stranger * 2 + 1).min(stranger * 2) / 2;
    let close = rng.one_in(2);
    let near = references.get(picture as usize).filter(|_| close);
    let at = match near {
        Some(reference) => reference.at + Duration::from_millis(rng.below(CLOSE_MS)),
        None => Duration::from_millis(rng.below(PUTS_WITHIN_MS)),
    };
    let is_rubbish = rng.one_in(8);
    Put {
        at,
        key: format!("ads/uploader/{number}.bmp"),
        bytes: match is_rubbish {
            true => rubbish(number),
            false => bmp(picture, number as u16 + 1),
        },
        picture: (!is_rubbish).then_some(picture),
        within: None,
    }
}
