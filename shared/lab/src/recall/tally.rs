//! What was searched, found, missed and found falsely, counted.

use std::collections::BTreeMap;

use matching::{Level, PerGrid, Policy};

use super::same_person::SamePerson;

/// A picture that was searched.
pub struct RecallAd {
    /// What the report calls it.
    pub name: String,
    /// The photo that it was made from, or itself.
    pub photo: String,
    /// The group of its edit.
    pub group: String,
    /// Its edit within the group.
    pub kind: String,
    /// The references that it shows, by number.
    pub shows: Vec<usize>,
}

/// What a search of one ad saw.
pub struct Seen {
    /// For each reference that it shows.
    pub shown: Vec<FoundCopy>,
    /// References that it does not show and that matched.
    pub false_ones: Vec<(usize, Level)>,
    /// References that it does not show, with the scores that their parts reached.
    pub near_misses: Vec<(usize, PerGrid)>,
}

/// Whether a reference that an ad shows was found.
pub struct FoundCopy {
    /// Surely enough for an alert.
    pub at_alert: bool,
    /// At least for review.
    pub at_review: bool,
    /// By the distance of the whole pictures' PDQ hashes.
    pub by_pdq: bool,
    /// The edit that the match names.
    pub edit: Option<String>,
}

/// What the pairs of an ad with the references are told apart by.
pub(super) struct Pairs<'a> {
    pub names: &'a [String],
    pub is_portrait: &'a [bool],
    /// References that are searched for, and portraits among them.
    pub enrolled: usize,
    pub portraits: usize,
    pub ad_is_portrait: bool,
    pub persons: &'a SamePerson,
}

/// What a pair that is no copy shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Any two different photos.
    General,
    /// Portraits of different people.
    Portraits,
    /// The same person in another picture.
    SamePerson,
}

/// Copies of one group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// All.
    pub all: u64,
    /// Found at alert level.
    pub at_alert: u64,
    /// Found at all.
    pub at_review: u64,
    /// Found by PDQ at 31 bits.
    pub by_pdq: u64,
}

/// Pairs of one class that are no copies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FalsePairs {
    /// All.
    pub pairs: u64,
    /// That would have been alerted.
    pub at_alert: u64,
    /// That a person would have been shown in addition.
    pub at_review: u64,
}

/// Pages of one kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PagePairs {
    /// A page against others of its template, with other photos: no copies.
    pub others: FalsePairs,
    /// A page against the photo on it alone: it should be found.
    pub photos: FalsePairs,
}

impl PagePairs {
    pub(super) fn add(&mut self, other: &Self) {
        for (sum, part) in [
            (&mut self.others, other.others),
            (&mut self.photos, other.photos),
        ] {
            sum.pairs += part.pairs;
            sum.at_alert += part.at_alert;
            sum.at_review += part.at_review;
        }
    }
}

impl FalsePairs {
    pub(super) fn count(&mut self, level: Option<Level>) {
        self.pairs += 1;
        self.at_alert += u64::from(level == Some(Level::Alert));
        self.at_review += u64::from(level == Some(Level::Review));
    }
}

/// How often a word was said of a copy, and how often it was right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// In all.
    pub said: u64,
    /// Of a copy that was edited so.
    pub right: u64,
    /// Copies that were edited so and found.
    pub due: u64,
}

/// The pair of no copies that came nearest to an alert, or beyond.
#[derive(Clone, Debug, PartialEq)]
pub struct NearPair {
    /// The scores as a share of what an alert needs: 1 suffices.
    pub share: f32,
    /// The scores.
    pub scores: PerGrid,
    /// What the pair shows.
    pub class: Class,
    /// The reference's name.
    pub reference: String,
    /// The ad's.
    pub ad: String,
}

/// False alerts that are named.
const ALERTED_MAX: usize = 20;

/// Near misses that are kept.
const NEAR_MAX: usize = 12;

/// Everything that a report tells.
pub struct Tally {
    /// Photos in the folder.
    pub photos: usize,
    /// References searched for.
    pub references: usize,
    /// Photos that were left out, each with an earlier one that is the same by PDQ.
    pub duplicates: Vec<(String, String)>,
    /// Photos of which a person said that they show the same person as another one.
    pub persons_said_of: usize,
    /// Ads searched.
    pub ads: u64,
    /// The number of the policy.
    pub policy_version: u16,
    /// Copies by group.
    pub groups: BTreeMap<String, Copies>,
    /// Pairs that are no copies, by what they show.
    pub falsely: BTreeMap<Class, FalsePairs>,
    /// Pages of a template, by kind.
    pub pages: BTreeMap<&'static str, PagePairs>,
    /// Words of edits.
    pub words: BTreeMap<&'static str, Said>,
    /// The first false alerts: what the pair shows, reference and ad.
    pub alerted: Vec<(Class, String, String)>,
    /// The nearest to an alert first.
    pub nearest: Vec<NearPair>,
    enough: PerGrid,
}

/// Words of an edit, as it says them, and what an edit's group and name then hold.
const WORDS: [(&str, &[&str]); 10] = [
    ("mirrored", &["mirror", "upside"]),
    (
        "turned",
        &["rot 90", "rot 180", "rot 270", "quarter", "upside"],
    ),
    (
        "tilted",
        &["rotate", "rot5", "inner", "perspective", "persp"],
    ),
    ("stretched", &["aspect", "perspective", "persp"]),
    ("perspective", &["persp"]),
    (
        "crop",
        &[
            "crop", "collage", "tiles", "inner", "rot5", "persp", "3x1", "2x1",
        ],
    ),
    ("framed", &["frame", "border", "letterbox", "polaroid"]),
    ("screenshot", &["screenshot", "shot", "web"]),
    ("collage", &["collage", "tiles"]),
    ("another picture", &["inset"]),
];

impl Tally {
    pub(super) fn new(photos: usize, policy: &Policy) -> Self {
        Self {
            photos,
            references: 0,
            duplicates: Vec::new(),
            persons_said_of: 0,
            ads: 0,
            policy_version: policy.version,
            groups: BTreeMap::new(),
            falsely: BTreeMap::new(),
            pages: BTreeMap::new(),
            words: BTreeMap::new(),
            alerted: Vec::new(),
            nearest: Vec::new(),
            enough: policy.local.alert,
        }
    }

    /// The copies of all groups.
    pub fn all(&self) -> Copies {
        self.groups
            .values()
            .fold(Copies::default(), |sum, group| Copies {
                all: sum.all + group.all,
                at_alert: sum.at_alert + group.at_alert,
                at_review: sum.at_review + group.at_review,
                by_pdq: sum.by_pdq + group.by_pdq,
            })
    }

    /// Counts what a search saw.
    pub(super) fn record(&mut self, ad: &RecallAd, seen: Seen, pairs: &Pairs<'_>) {
        self.ads += 1;
        for found in &seen.shown {
            self.record_copy(ad, found);
        }
        self.record_pairs(ad, pairs);
        for (number, level) in seen.false_ones {
            let class = pairs.class(ad, number);
            let falsely = self.falsely.entry(class).or_default();
            match level {
                Level::Alert => {
                    falsely.at_alert += 1;
                    if self.alerted.len() < ALERTED_MAX {
                        let reference = pairs.names[number].clone();
                        self.alerted.push((class, reference, ad.name.clone()));
                    }
                }
                Level::Review => falsely.at_review += 1,
            }
        }
        for (number, scores) in seen.near_misses {
            self.record_near(ad, number, scores, pairs);
        }
    }

    fn record_copy(&mut self, ad: &RecallAd, found: &FoundCopy) {
        let copies = self.groups.entry(ad.group.clone()).or_default();
        copies.all += 1;
        copies.at_alert += u64::from(found.at_alert);
        copies.at_review += u64::from(found.at_review);
        copies.by_pdq += u64::from(found.by_pdq);
        let Some(edit) = &found.edit else { return };
        let truth = format!("{} {}", ad.group, ad.kind);
        for (word, signs) in WORDS {
            let (says, due) = (
                edit.contains(word),
                signs.iter().any(|sign| truth.contains(sign)),
            );
            let said = self.words.entry(word).or_default();
            said.said += u64::from(says);
            said.right += u64::from(says && due);
            said.due += u64::from(due);
        }
    }

    fn record_pairs(&mut self, ad: &RecallAd, pairs: &Pairs<'_>) {
        let persons: Vec<usize> = (0..pairs.names.len())
            .filter(|number| pairs.is_same_person(ad, *number))
            .collect();
        let known = |portrait: bool| {
            let of = persons.iter();
            of.filter(|number| pairs.is_portrait[**number] == portrait)
                .count() as u64
        };
        let own = |portrait: bool| {
            let of = ad
                .shows
                .iter()
                .filter(|number| pairs.is_portrait[**number] == portrait);
            of.count() as u64
        };
        let (portraits, all) = (pairs.portraits as u64, pairs.enrolled as u64);
        let plain = all.saturating_sub(portraits);
        let [general, alike] = match pairs.ad_is_portrait {
            true => [
                plain.saturating_sub(own(false) + known(false)),
                portraits.saturating_sub(own(true) + known(true)),
            ],
            false => [
                all.saturating_sub((ad.shows.len() + persons.len()) as u64),
                0,
            ],
        };
        for (class, pairs) in [
            (Class::General, general),
            (Class::Portraits, alike),
            (Class::SamePerson, persons.len() as u64),
        ] {
            self.falsely.entry(class).or_default().pairs += pairs;
        }
    }

    fn record_near(&mut self, ad: &RecallAd, number: usize, scores: PerGrid, pairs: &Pairs<'_>) {
        let share = (scores.fine / self.enough.fine).max(scores.middle / self.enough.middle);
        let place = self.nearest.partition_point(|near| near.share >= share);
        if place < NEAR_MAX {
            let near = NearPair {
                share,
                scores,
                class: pairs.class(ad, number),
                reference: pairs.names[number].clone(),
                ad: ad.name.clone(),
            };
            self.nearest.insert(place, near);
            self.nearest.truncate(NEAR_MAX);
        }
    }
}

impl Pairs<'_> {
    fn class(&self, ad: &RecallAd, number: usize) -> Class {
        if self.is_same_person(ad, number) {
            Class::SamePerson
        } else if self.ad_is_portrait && self.is_portrait[number] {
            Class::Portraits
        } else {
            Class::General
        }
    }

    /// Whether an ad shows the person of a reference in another picture: as a person has said, or by
    /// its name, the reference's and a number: `face_7_1.jpg` of `face_7.jpg`.
    fn is_same_person(&self, ad: &RecallAd, number: usize) -> bool {
        if ad.shows.contains(&number) {
            return false;
        }
        if self.persons.are_one(&ad.photo, &self.names[number]) {
            return true;
        }
        if !ad.shows.is_empty() {
            return false;
        }
        let rest = stem(&ad.photo).strip_prefix(stem(&self.names[number]));
        let digits = rest.and_then(|rest| rest.strip_prefix('_'));
        digits.is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
    }
}

/// What a file is called without folder and ending.
fn stem(name: &str) -> &str {
    let last = name.rsplit('/').next().unwrap_or(name);
    last.rsplit_once('.').map_or(last, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ad(photo: &str, shows: &[usize]) -> RecallAd {
        RecallAd {
            name: photo.to_owned(),
            photo: photo.to_owned(),
            group: "collage".to_owned(),
            kind: "2x2".to_owned(),
            shows: shows.to_vec(),
        }
    }

    fn nothing(shown: Vec<FoundCopy>) -> Seen {
        Seen {
            shown,
            false_ones: Vec::new(),
            near_misses: Vec::new(),
        }
    }

    fn counted(ads: &[(RecallAd, bool)]) -> Tally {
        counted_with(&SamePerson::default(), ads)
    }

    fn counted_with(persons: &SamePerson, ads: &[(RecallAd, bool)]) -> Tally {
        let names = ["face_1.jpg", "face_2.jpg", "tree.jpg"].map(str::to_owned);
        let mut tally = Tally::new(3, &Policy::default());
        for (ad, is_portrait) in ads {
            let pairs = Pairs {
                persons,
                names: &names,
                is_portrait: &[true, true, false],
                enrolled: 3,
                portraits: 2,
                ad_is_portrait: *is_portrait,
            };
            tally.record(ad, nothing(Vec::new()), &pairs);
        }
        tally
    }

    #[test]
    fn every_pair_is_counted_once_in_its_class() {
        let pairs = |ads: &[(RecallAd, bool)]| {
            let tally = counted(ads);
            let of = |class| tally.falsely[&class].pairs;
            [
                of(Class::General),
                of(Class::Portraits),
                of(Class::SamePerson),
            ]
        };
        assert_eq!(pairs(&[(ad("face_1.jpg", &[0]), true)]), [1, 1, 0]);
        assert_eq!(pairs(&[(ad("tree.jpg", &[2]), false)]), [2, 0, 0]);
        assert_eq!(pairs(&[(ad("sub/face_1_0.jpg", &[]), true)]), [1, 1, 1]);
        assert_eq!(pairs(&[(ad("other.jpg", &[]), false)]), [3, 0, 0]);
        assert_eq!(pairs(&[(ad("face_9.jpg", &[]), true)]), [1, 2, 0]);
        assert_eq!(
            pairs(&[(ad("face_10.jpg", &[]), true)]),
            [1, 2, 0],
            "10 is not 1"
        );
        let said = SamePerson::parse("tree.jpg, face_1.jpg\n").expect("a list");
        let tally = counted_with(&said, &[(ad("tree.jpg", &[2]), false)]);
        assert_eq!(tally.falsely[&Class::General].pairs, 1);
        assert_eq!(tally.falsely[&Class::SamePerson].pairs, 1);
        let tally = counted_with(&said, &[(ad("face_1.jpg", &[0]), true)]);
        let of = |class| tally.falsely[&class].pairs;
        assert_eq!(
            [Class::General, Class::Portraits, Class::SamePerson].map(of),
            [0, 1, 1],
            "a plain photo of the person in a portrait"
        );
    }

    #[test]
    fn words_are_right_where_the_edit_was_so() {
        let mut tally = counted(&[]);
        let found = |edit: &str| FoundCopy {
            at_alert: true,
            at_review: true,
            by_pdq: false,
            edit: Some(edit.to_owned()),
        };
        tally.record_copy(&ad("a", &[0]), &found("mirrored, one of four in a collage"));
        tally.record_copy(&ad("a", &[0]), &found("22% of the ad"));
        let said = |word| {
            let said: Said = tally.words[word];
            (said.said, said.right, said.due)
        };
        assert_eq!(said("collage"), (1, 1, 2));
        assert_eq!(said("mirrored"), (1, 0, 0));
        assert_eq!(tally.all().at_alert, 2);
    }

    #[test]
    fn false_alerts_are_counted_all_and_named_up_to_a_number() {
        let mut tally = counted(&[]);
        let names = ["a", "b"].map(str::to_owned);
        let pairs = Pairs {
            names: &names,
            is_portrait: &[false; 2],
            enrolled: 2,
            portraits: 0,
            ad_is_portrait: false,
            persons: &SamePerson::default(),
        };
        for _ in 0..30 {
            let mut seen = nothing(Vec::new());
            seen.false_ones = vec![(0, Level::Review), (1, Level::Alert)];
            tally.record(&ad("x", &[]), seen, &pairs);
        }
        let general = tally.falsely[&Class::General];
        assert_eq!((general.at_alert, general.at_review), (30, 30));
        assert_eq!(tally.alerted.len(), ALERTED_MAX);
        let first = (Class::General, "b".to_owned(), "x".to_owned());
        assert_eq!(tally.alerted[0], first);
    }

    #[test]
    fn only_the_nearest_misses_are_kept_in_order() {
        let mut tally = counted(&[]);
        let names = ["a".to_owned()];
        let pairs = Pairs {
            names: &names,
            is_portrait: &[false],
            enrolled: 1,
            portraits: 0,
            ad_is_portrait: false,
            persons: &SamePerson::default(),
        };
        for fine in 0..40 {
            let scores = PerGrid {
                fine: (fine * 7 % 40) as f32 / 40.0,
                middle: 0.0,
            };
            tally.record_near(&ad("x", &[]), 0, scores, &pairs);
        }
        let fine: Vec<f32> = tally.nearest.iter().map(|near| near.scores.fine).collect();
        assert_eq!(fine.len(), NEAR_MAX);
        assert!(fine.is_sorted_by(|a, b| a > b) && fine[0] == 39.0 / 40.0);
    }
}
