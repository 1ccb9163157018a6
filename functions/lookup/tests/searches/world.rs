//! A made-up world: references, ads of which every third shows one of them, and the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::SystemTime;

use aws_lambda_events::dynamodb::Event;
use aws_sdk_s3::primitives::ByteStream;
use embedded::{Batch, Embedded};
use features::fingerprint::{AdFingerprint, Framing, Hash256, HashVariant, ReferenceFingerprint};
use features::{
    AdFeatures, Descriptor, Feature, Grey, Grid, PictureDigest, ReferenceFeatures, Sketch,
};
use lookup::Lookup;
use matching::Policy;
use records::*;
use store::{
    Activated, Clock, CompactionRule, Jitter, LeadFilter, Names, SetKind, Store, StoredAd, Table,
};

pub struct World {
    pub store: Store,
    embedded: Embedded,
    _folder: tempfile::TempDir,
}

/// Everything at once.
pub fn eager() -> CompactionRule {
    CompactionRule {
        tail_ads_min: 1,
        log_entries_min: 1,
        ..CompactionRule::default()
    }
}

fn tenant(name: &str) -> TenantId {
    TenantId::parse(name).unwrap()
}

fn unit() -> TenantId {
    tenant("unit")
}

fn image(n: u64) -> ImageSha256 {
    ImageSha256::of(&n.to_be_bytes())
}

fn hash(what: &str, n: u64) -> Hash256 {
    Hash256(*ImageSha256::of(format!("{what} {n}").as_bytes()).bytes())
}

fn view(pdq: Hash256) -> HashVariant {
    HashVariant {
        pdq,
        quality: 90,
        second: Hash256([0; 32]),
    }
}

fn reference_id(n: u64) -> ReferenceId {
    let case = CaseId::parse("case 7").unwrap();
    ReferenceId::of_photo(
        &unit(),
        &case,
        &ImageSha256::of(format!("photo {n}").as_bytes()),
    )
}

/// References from this number on have local features.
pub const WITH_FEATURES: u64 = 100;
/// So have these ads: many enough that a segment files them.
pub const FILED_ADS: Range<u64> = 1_000..1_700;

fn features_of(n: u64) -> Vec<Feature> {
    let feature = |i: u64| {
        let word = |w: u64| {
            u64::from_be_bytes(
                *hash("feature", n << 16 | i << 4 | w)
                    .0
                    .first_chunk()
                    .unwrap(),
            )
        };
        Feature {
            x: 40 * i as u16,
            y: (n % 90) as u16 * 40,
            size: 60,
            turn: word(3) as u8,
            descriptor: Descriptor([word(0), word(1), word(2)]),
        }
    };
    (0..60).map(feature).collect()
}

fn digest(n: u64) -> PictureDigest {
    PictureDigest(*hash("digest", n).0.first_chunk().unwrap())
}

fn grid(side: usize) -> Grid {
    Grid::of(&vec![1.0; side * side], &vec![true; side * side], side)
}

fn reference_features(n: u64) -> Vec<u8> {
    let features = ReferenceFeatures {
        digest: digest(n),
        kind: features::ReferenceKind::Photo,
        width_px: 512,
        height_px: 400,
        features: features_of(n),
        grids: features::GRID_SIDES.map(grid),
    };
    features.to_bytes()
}

/// Every 50th is the picture of a reference, which no hash tells.
fn filed_features(n: u64) -> Vec<u8> {
    let (digest, features) = match n % 50 {
        7 => (digest(WITH_FEATURES), features_of(WITH_FEATURES)),
        9 => (digest(WITH_FEATURES + 1), features_of(WITH_FEATURES + 1)),
        _ => (digest(n), features_of(n)),
    };
    let luma = vec![90; 32 * 32];
    let picture = Grey {
        width_px: 32,
        height_px: 32,
        luma,
    };
    let features = AdFeatures {
        digest,
        width_px: 512,
        height_px: 400,
        features,
        coarse: grid(32),
        sketch: Sketch::of(&picture),
    };
    features.to_bytes()
}

fn reference_fingerprint(n: u64) -> ReferenceFingerprint {
    let mirrored = Framing {
        mirrored: true,
        ..Framing::default()
    };
    ReferenceFingerprint {
        version: 1,
        framings: vec![
            (Framing::default(), view(hash("reference", n))),
            (mirrored, view(hash("mirrored", n))),
        ],
        features: match n {
            WITH_FEATURES.. => reference_features(n),
            _ => Vec::new(),
        },
    }
}

/// Every third ad shows a reference, as it is, mirrored, as a negative, or within a border; with
/// features or without.
fn ad_fingerprint(n: u64) -> AdFingerprint {
    let shown = n / 3 % 6;
    let mut near = match n / 9 % 3 {
        0 => hash("reference", shown),
        1 => hash("mirrored", shown),
        _ => hash("reference", shown).complement(),
    };
    near.0[n as usize % 32] ^= 0b1011_0101; // five bits
    let (whole, trimmed) = match n % 6 {
        0 => (near, None),
        3 => (hash("bordered", n), Some(view(near))),
        _ => (hash("ad", n), None),
    };
    AdFingerprint {
        version: 1,
        whole: view(whole),
        trimmed,
        features: match FILED_ADS.contains(&n) {
            true => filed_features(n),
            false => vec![n as u8; n as usize % 4 * 50],
        },
    }
}

fn posting(n: u64, list: &str) -> Sighting {
    let key = format!("ads/uploader/{list}.jsonl/{n}.jpg");
    Sighting::of(&AdKey::parse(&key).unwrap(), &AdMetadata::default())
}

fn stored_ad(n: u64, list: &str) -> StoredAd {
    StoredAd {
        tenant: tenant("uploader"),
        image_sha256: image(n),
        fingerprint: ad_fingerprint(n),
        postings: vec![posting(n, list)],
    }
}

type Pair = (ReferenceId, ImageSha256);

/// Where the manifest of ads lies.
pub const MANIFEST: &str = "ads/manifest";

impl World {
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let embedded = Embedded::open(folder.path()).unwrap();
        let names = Names {
            table_prefix: "t-".into(),
            ads_bucket: "ads".into(),
            references_bucket: "references".into(),
            segments_bucket: "segments".into(),
        };
        let store = Store::with_sdk_config(&embedded.sdk_config(), names, Jitter::new(|| 7));
        store.db.create_tables().await.unwrap();
        embedded.create_bucket("segments").await.unwrap();
        Self {
            store,
            embedded,
            _folder: folder,
        }
    }

    /// A program that knows nothing yet.
    pub fn lookup(&self) -> Lookup {
        Lookup::new(self.store.clone(), Policy::default(), Clock::from_system())
    }

    pub fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    pub async fn submit(&self, n: u64) {
        let reference = Reference {
            reference_id: reference_id(n),
            case_id: CaseId::parse("case 7").unwrap(),
            status: ReferenceStatus::Pending,
            reason: None,
            image_sha256: None,
            object_key: None,
            width_px: None,
            height_px: None,
            quality: Some(90),
            shows: features::ReferenceKind::Photo,
            legal_basis: Label::parse("police law, section 1").unwrap(),
            expires_at: self.now().plus(std::time::Duration::from_secs(86_400)),
            created_at: self.now(),
            activated_at: None,
            ended_at: None,
            search: SearchProgress::default(),
            is_partial: false,
            alerting: AlertLimit::default(),
        };
        let fingerprint = reference_fingerprint(n);
        self.store
            .references
            .submit(&unit(), &reference, &fingerprint)
            .await
            .unwrap();
    }

    pub async fn activate(&self, n: u64) {
        let activated = self
            .store
            .references
            .activate(&unit(), &reference_id(n), self.now())
            .await
            .unwrap();
        assert_eq!(activated, Activated::Now);
    }

    pub async fn withdraw(&self, n: u64) {
        let (unit, id) = (unit(), reference_id(n));
        self.store
            .references
            .withdraw(&unit, &id, self.now())
            .await
            .unwrap();
    }

    pub async fn hold(&self, n: u64) {
        let (unit, id, reason) = (unit(), reference_id(n), ReasonCode::TOO_COMMON);
        let held = self.store.references.hold(&unit, &id, reason, self.now());
        held.await.unwrap();
    }

    pub async fn record(&self, ads: Range<u64>) {
        self.record_of("list", ads).await;
    }

    /// Ads by a list of hashes.
    pub async fn record_of(&self, list: &str, ads: Range<u64>) {
        for n in ads {
            self.put_ads(vec![stored_ad(n, list)]).await;
        }
    }

    /// All at once.
    pub async fn record_filed(&self) {
        let ads = FILED_ADS.map(|n| stored_ad(n, "list"));
        self.put_ads(ads.collect()).await;
    }

    async fn put_ads(&self, ads: Vec<StoredAd>) {
        let now = self.now();
        let clock = Clock::new(move || now);
        let put = self.store.ads.put_ads(ads, &clock);
        put.await.unwrap();
    }

    pub async fn compact(&self) {
        let done = self
            .store
            .ads
            .compact_ads(&eager(), self.now())
            .await
            .unwrap();
        assert!(done.cleared > 0 && done.items >= done.cleared, "{done:?}");
    }

    /// Moves the tail into segments, and removes its packs, as an hour later.
    pub async fn compact_and_sweep(&self) {
        self.compact().await;
        let later = self.now().plus(eager().grace * 2);
        let swept = self
            .store
            .garbage
            .sweep(SetKind::Ads, &eager(), later)
            .await
            .unwrap();
        assert!(swept.deleted > 0, "{swept:?}");
    }

    pub async fn segments(&self) -> usize {
        self.store.ads.ads_segments().await.unwrap().len()
    }

    pub async fn read(&self, table: Table, max: usize) -> Option<Batch> {
        let name = self.store.names().table(table);
        let streams = self.embedded.streams();
        streams.read("lookup", &name, max).await.unwrap()
    }

    pub async fn commit(&self, batch: &Batch) {
        self.embedded.streams().commit(batch).await.unwrap();
    }

    async fn handle(&self, lookup: &Lookup, batch: &Batch) -> Option<String> {
        let event: Event = serde_json::from_value(batch.event.clone()).unwrap();
        let response = Box::pin(lookup.handle(event)).await;
        let mut failures = response.batch_item_failures.into_iter();
        failures.next()?.item_identifier
    }

    pub async fn hand_over(&self, lookup: &Lookup, batch: &Batch) {
        assert_eq!(self.handle(lookup, batch).await, None);
    }

    pub async fn hand_over_failing(&self, lookup: &Lookup, batch: &Batch) -> String {
        self.handle(lookup, batch).await.expect("it fails")
    }

    /// One batch of a table's changes, if there is one.
    pub async fn deliver(&self, lookup: &Lookup, table: Table, max: usize) -> bool {
        let Some(batch) = self.read(table, max).await else {
            return false;
        };
        self.hand_over(lookup, &batch).await;
        self.commit(&batch).await;
        true
    }

    /// Delivers all changes that wake the program, those that come of them too.
    pub async fn settle(&self, lookup: &Lookup) {
        const TABLES: [Table; 4] = [
            Table::AdsTail,
            Table::Ads,
            Table::ReferencesTail,
            Table::Searches,
        ];
        loop {
            let mut delivered = false;
            for table in TABLES {
                delivered |= self.deliver(lookup, table, 7).await;
            }
            if !delivered {
                return;
            }
        }
    }

    /// Lets a table's stream give up what it has.
    pub async fn give_up(&self, table: Table) -> usize {
        let mut changes = 0;
        while let Some(batch) = self.read(table, 100).await {
            changes += batch.event["Records"].as_array().unwrap().len();
            self.commit(&batch).await;
        }
        changes
    }

    /// As `upkeep` does: wakes the searches that did not move since a time.
    pub async fn wake_stalled(&self, before: Timestamp) -> usize {
        let stalled = self
            .store
            .searches
            .stalled_searches(&unit(), before)
            .await
            .unwrap();
        for of in &stalled {
            self.store
                .searches
                .search_again(of, self.now())
                .await
                .unwrap();
        }
        stalled.len()
    }

    /// As `upkeep` does when a person asks for it.
    pub async fn search_again(&self) -> usize {
        let all = self.store.searches.all_searches(&unit()).await.unwrap();
        for of in &all {
            self.store.searches.forget_search(of).await.unwrap();
            self.store
                .searches
                .search_again(of, self.now())
                .await
                .unwrap();
        }
        all.len()
    }

    pub async fn search(&self, n: u64) -> SearchProgress {
        let found = self
            .store
            .references
            .reference(&unit(), &reference_id(n))
            .await;
        found.unwrap().unwrap().search
    }

    /// Every pair that has a lead, with the posting of its ad.
    pub async fn leads(&self) -> BTreeSet<Pair> {
        self.leads_of(&["list"]).await
    }

    /// Every pair that has a lead; each lead has the postings of its image in these lists.
    pub async fn leads_of(&self, lists: &[&str]) -> BTreeSet<Pair> {
        let of_image = |n| lists.iter().map(move |list| (image(n), posting(n, list)));
        let mut expected: BTreeMap<ImageSha256, Vec<Sighting>> = BTreeMap::new();
        for (image, posting) in (0..100).chain(FILED_ADS).flat_map(of_image) {
            expected.entry(image).or_default().push(posting);
        }
        let (mut pairs, mut cursor) = (BTreeSet::new(), None);
        loop {
            let page = self
                .store
                .leads
                .leads(&unit(), &LeadFilter::default(), cursor.as_ref(), 100)
                .await
                .unwrap();
            for lead in page.items {
                let summary = lead.summary;
                assert_eq!(lead.sightings, expected[&summary.image_sha256]);
                let is_new = pairs.insert((summary.reference_id, summary.image_sha256));
                assert!(is_new, "one lead a pair");
            }
            match page.next {
                Some(next) => cursor = Some(next),
                None => return pairs,
            }
        }
    }

    /// Every pair that matches, compared plainly.
    pub fn truth(&self, references: Range<u64>, ads: Range<u64>) -> BTreeSet<Pair> {
        let policy = Policy::default();
        let pairs = references.flat_map(|r| ads.clone().map(move |ad| (r, ad)));
        pairs
            .filter(|(r, ad)| {
                let reference = reference_fingerprint(*r);
                matching::compare(&reference, &ad_fingerprint(*ad), &policy).is_some()
            })
            .map(|(r, ad)| (reference_id(r), image(ad)))
            .collect()
    }

    fn s3(&self) -> aws_sdk_s3::Client {
        let sdk = self.embedded.sdk_config();
        let config = aws_sdk_s3::config::Builder::from(&sdk).force_path_style(true);
        aws_sdk_s3::Client::from_conf(config.build())
    }

    pub async fn put(&self, key: &str, bytes: Vec<u8>) {
        let put = self.s3().put_object().bucket("segments").key(key);
        put.body(ByteStream::from(bytes)).send().await.unwrap();
    }

    /// Changes a bit of some segment; its key and the bytes as they were.
    pub async fn damage_a_segment(&self) -> (String, Vec<u8>) {
        self.damage_at(|_| 700).await
    }

    /// Changes a bit of what is last in some segment: its filed features, if it has them.
    pub async fn damage_filed_features(&self) {
        self.damage_at(|bytes| bytes - 9).await;
    }

    async fn damage_at(&self, place: fn(usize) -> usize) -> (String, Vec<u8>) {
        let listed = self.s3().list_objects_v2().bucket("segments").send().await;
        let keys = listed.unwrap();
        let mut keys = keys.contents().iter().filter_map(|it| it.key());
        let key = keys.find(|key| !key.ends_with("manifest")).unwrap();
        let get = self.s3().get_object().bucket("segments").key(key);
        let body = get.send().await.unwrap().body.collect().await.unwrap();
        let good = body.to_vec();
        let mut bytes = good.clone();
        bytes[place(good.len())] ^= 16;
        self.put(key, bytes).await;
        (key.to_owned(), good)
    }

    /// Takes the manifest of ads out of the bucket; its bytes.
    pub async fn lose_the_manifest(&self) -> Vec<u8> {
        let s3 = self.s3();
        let get = s3.get_object().bucket("segments").key(MANIFEST);
        let body = get.send().await.unwrap().body.collect().await.unwrap();
        let delete = s3.delete_object().bucket("segments").key(MANIFEST);
        delete.send().await.unwrap();
        body.to_vec()
    }
}
