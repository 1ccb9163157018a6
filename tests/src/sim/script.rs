//! What happens in a run, as its seed draws it, and what must come of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use records::{CaseId, ImageSha256, MemberName, ReferenceId};

use super::dice::Dice;
use super::house::unit;
use super::picture::{bmp, rubbish};

/// Puts happen within this time.
const PUTS_WITHIN_MS: u64 = 12_000;
/// Two puts of one picture often come this close to each other.
const CLOSE_MS: u64 = 400;
/// A withdrawal happens within this time.
const WITHDRAWN_WITHIN_MS: u64 = 40_000;

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
    /// The key of the bundle that it comes in, if it does.
    pub bundle: Option<String>,
}

impl Put {
    /// The object that is put: its key and its bytes.
    pub fn object(&self) -> (&str, Vec<u8>) {
        match &self.bundle {
            None => (&self.key, self.bytes.clone()),
            Some(bundle) => (bundle, tar(&[(MEMBER, self.bytes.clone())])),
        }
    }
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

/// A run's story.
#[derive(Clone, Debug)]
pub struct Script {
    /// Ads, by time.
    pub ads: Vec<Put>,
    /// References, by time; each of another picture.
    pub references: Vec<Put>,
    /// Which reference is withdrawn when, by its place.
    pub withdrawal: Option<(usize, Duration)>,
}

impl Script {
    /// The story of a seed.
    pub fn draw(seed: Dice) -> Self {
        let mut dice = seed.of("script", 0);
        let references: Vec<Put> = (0..1 + dice.below(2))
            .map(|picture| Put {
                at: Duration::from_millis(dice.below(PUTS_WITHIN_MS)),
                key: format!("references/unit/case-{picture}/photo.bmp"),
                bytes: bmp(picture, 0),
                picture: Some(picture),
                bundle: None,
            })
            .collect();
        let mut ads: Vec<Put> = (0..2 + dice.below(3))
            .map(|number| ad(number, &references, &mut dice))
            .collect();
        for (number, ad) in (0..).zip(&mut ads) {
            if seed.of("bundle", number).one_in(BUNDLED_ONE_IN) {
                let bundle = format!("ads/uploader/{number}.tar");
                ad.key = format!("{bundle}/{MEMBER}");
                ad.bundle = Some(bundle);
            }
        }
        if dice.one_in(3) {
            let again = ads[0].clone();
            let at = Duration::from_millis(dice.below(PUTS_WITHIN_MS));
            let key = "ads/uploader/again.bmp".to_owned();
            let bundle = None;
            ads.push(Put {
                at,
                key,
                bundle,
                ..again
            });
        }
        ads.sort_by_key(|put| put.at);
        let place = dice.below(references.len() as u64) as usize;
        let at = Duration::from_millis(dice.below(WITHDRAWN_WITHIN_MS));
        let withdrawal = dice.one_in(2).then_some((place, references[place].at + at));
        Self {
            ads,
            references,
            withdrawal,
        }
    }

    /// A reference's id.
    pub fn reference_id(&self, place: usize) -> ReferenceId {
        let put = &self.references[place];
        let case = format!("case-{}", put.picture.unwrap_or_default());
        let case = CaseId::parse(&case).expect("a case");
        ReferenceId::of_photo(&unit(), &case, &ImageSha256::of(&put.bytes))
    }

    /// Uploads that there are in the end: the ads, and the bundles that some of them came in.
    pub fn uploads(&self) -> usize {
        let bundles = self.ads.iter().filter(|ad| ad.bundle.is_some());
        self.ads.len() + bundles.count()
    }

    /// Every pair that is to become a lead (reference, image), with the keys of its sightings.
    pub fn pairs(&self) -> BTreeMap<(String, String), BTreeSet<String>> {
        let mut pairs: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for (place, reference) in self.references.iter().enumerate() {
            for ad in self.ads.iter().filter(|ad| ad.picture == reference.picture) {
                let image = ImageSha256::of(&ad.bytes).to_string();
                let pair = (self.reference_id(place).to_string(), image);
                pairs.entry(pair).or_default().insert(ad.key.clone());
            }
        }
        pairs
    }
}

/// Of a reference's picture more often than of a stranger; rubbish now and then.
fn ad(number: u64, references: &[Put], dice: &mut Dice) -> Put {
    let stranger = references.len() as u64;
    let picture = dice.below(stranger * 2 + 1).min(stranger * 2) / 2;
    let close = dice.one_in(2);
    let near = references.get(picture as usize).filter(|_| close);
    let at = match near {
        Some(reference) => reference.at + Duration::from_millis(dice.below(CLOSE_MS)),
        None => Duration::from_millis(dice.below(PUTS_WITHIN_MS)),
    };
    let is_rubbish = dice.one_in(8);
    Put {
        at,
        key: format!("ads/uploader/{number}.bmp"),
        bytes: match is_rubbish {
            true => rubbish(number),
            false => bmp(picture, number as u16 + 1),
        },
        picture: (!is_rubbish).then_some(picture),
        bundle: None,
    }
}
