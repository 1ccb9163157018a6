//! How the reference may lie in the ad, from features that look alike.

use super::affine::{Affine, Freedom, PointPair};
use super::correspondences::Correspondence;
use super::image_pair::{KeyPoint, LocalAd, LocalReference};

/// A way in which the reference may lie in the ad.
pub(super) struct Alignment {
    pub map: Affine,
    pub negative: bool,
    /// Features that agree with the map; fewer, if most are such as many ads have.
    pub agreeing: usize,
}

/// Hits that are each tried as the whole truth.
const SEEDS_MAX: usize = 60;
/// Hits that must agree with a seed, itself included.
const AGREEING_MIN: usize = 3;
/// Hits that must agree with the fitted map.
const FITTING_MIN: usize = 4;
/// How far a place may be off a seed's forecast, as a share of the way from the seed.
const OFF_SHARE: f32 = 0.2;
/// By how much two features' sizes may differ from the map's scale.
const SCALE_RATIO_MAX: f32 = 1.6;
/// The least cosine between a direction and its forecast: 37 degrees.
const ALONG_MIN: f32 = 0.8;
/// How far a place may be off the fitted map, round by round, in shares of the longer side.
const OFF_ROUNDS: [f32; 4] = [0.06, 0.04, 0.03, 0.025];
/// Scales beyond which nothing is fitted: 30 times smaller or larger.
const SCALE_MAX: f32 = 30.0;

/// The likeliest alignments of one handedness, best first.
pub(super) fn alignments(
    reference: &LocalReference,
    ad: &LocalAd,
    correspondences: &[Correspondence],
    mirrored: bool,
    most: usize,
) -> Vec<Alignment> {
    let mut groups: Vec<(f32, usize, Vec<usize>)> = (0..correspondences.len().min(SEEDS_MAX))
        .map(|seed| {
            let group = agreeing(reference, ad, correspondences, seed, mirrored);
            let weight = group
                .iter()
                .map(|&correspondence| correspondences[correspondence].weight)
                .sum();
            (weight, seed, group)
        })
        .filter(|(_, _, group)| group.len() >= AGREEING_MIN)
        .collect();
    groups.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let mut used = vec![false; correspondences.len()];
    let mut found = Vec::new();
    for (_, seed, group) in groups {
        if found.len() < most && !used[seed] {
            group
                .iter()
                .for_each(|&correspondence| used[correspondence] = true);
            found.extend(fitted(reference, ad, correspondences, group, mirrored));
        }
    }
    found
}

/// The correspondences that one correspondence forecasts: right place, right size, right direction.
fn agreeing(
    reference: &LocalReference,
    ad: &LocalAd,
    correspondences: &[Correspondence],
    seed: usize,
    mirrored: bool,
) -> Vec<usize> {
    let (own, seen) = ends(reference, ad, &correspondences[seed]);
    let scale = seen.scale / own.scale;
    let m = similarity(own, seen, mirrored);
    let moved = |(x, y): (f32, f32)| (m[0] * x + m[1] * y, m[2] * x + m[3] * y);
    let agrees = |correspondence: &&usize| {
        let (a, b) = ends(reference, ad, &correspondences[**correspondence]);
        let (x, y) = moved((a.at.0 - own.at.0, a.at.1 - own.at.1));
        let off = (b.at.0 - seen.at.0 - x, b.at.1 - seen.at.1 - y);
        let most = OFF_SHARE * (x * x + y * y).sqrt() + 3.0 * seen.scale;
        let (u, v) = moved(a.along);
        off.0 * off.0 + off.1 * off.1 <= most * most
            && scales_agree(scale, a, b)
            && u * b.along.0 + v * b.along.1 >= ALONG_MIN * scale
    };
    let all: Vec<usize> = (0..correspondences.len()).collect();
    all.iter().filter(agrees).copied().collect()
}

/// The linear map that takes one patch to the other.
fn similarity(own: &KeyPoint, seen: &KeyPoint, mirrored: bool) -> [f32; 4] {
    let s = seen.scale / own.scale;
    let flip = if mirrored { -1.0 } else { 1.0 };
    let ((c, d), (a, b)) = (own.along, seen.along);
    [
        s * (a * c + flip * b * d),
        s * (a * d - flip * b * c),
        s * (b * c - flip * a * d),
        s * (b * d + flip * a * c),
    ]
}

fn scales_agree(scale: f32, own: &KeyPoint, seen: &KeyPoint) -> bool {
    let ratio = seen.scale / own.scale / scale;
    (1.0 / SCALE_RATIO_MAX..SCALE_RATIO_MAX).contains(&ratio)
}

fn ends<'a>(
    reference: &'a LocalReference,
    ad: &'a LocalAd,
    correspondence: &Correspondence,
) -> (&'a KeyPoint, &'a KeyPoint) {
    (
        &reference.key_points[correspondence.own],
        &ad.key_points[correspondence.ad],
    )
}

/// The map of a group, fitted and regrouped round by round, freer as more agree.
fn fitted(
    reference: &LocalReference,
    ad: &LocalAd,
    correspondences: &[Correspondence],
    mut group: Vec<usize>,
    mirrored: bool,
) -> Option<Alignment> {
    let mut found = None;
    for (round, share) in OFF_ROUNDS.iter().enumerate() {
        let pair = |&correspondence: &usize| {
            let (own, seen) = ends(reference, ad, &correspondences[correspondence]);
            PointPair {
                from: own.at,
                to: seen.at,
                weight: 1.0,
            }
        };
        let pairs: Vec<PointPair> = group.iter().map(pair).collect();
        let freedom = match pairs.len() {
            12.. if round > 1 => Freedom::Projective,
            6.. => Freedom::Affine,
            _ => Freedom::Similar { mirrored },
        };
        let map = Affine::fitted(&pairs, freedom)?;
        let centre = (reference.size.0 / 2.0, reference.size.1 / 2.0);
        let scale = map.area(centre).abs().sqrt();
        if !(1.0 / SCALE_MAX..SCALE_MAX).contains(&scale) {
            return None;
        }
        found = Some(map);
        let near = |correspondence: &usize| {
            let correspondence = &correspondences[*correspondence];
            is_near(reference, ad, correspondence, &map, *share, scale)
        };
        group = (0..correspondences.len()).filter(near).collect();
        if group.len() < AGREEING_MIN {
            return None;
        }
    }
    let enough = group.len() >= FITTING_MIN;
    found.filter(|_| enough).map(|map| Alignment {
        map,
        negative: false,
        agreeing: counted(ad, correspondences, &group),
    })
}

/// How many features agree with a map, whatever it was found by.
pub(super) fn agreeing_with(
    reference: &LocalReference,
    ad: &LocalAd,
    correspondences: &[Correspondence],
    map: &Affine,
) -> usize {
    let centre = (reference.size.0 / 2.0, reference.size.1 / 2.0);
    let scale = map.area(centre).abs().sqrt();
    let share = OFF_ROUNDS[OFF_ROUNDS.len() - 1];
    let near = |at: &usize| is_near(reference, ad, &correspondences[*at], map, share, scale);
    let group: Vec<usize> = (0..correspondences.len()).filter(near).collect();
    counted(ad, correspondences, &group)
}

/// Whether a correspondence lies where a map says, to within a share of the reference.
fn is_near(
    reference: &LocalReference,
    ad: &LocalAd,
    correspondence: &Correspondence,
    map: &Affine,
    share: f32,
    scale: f32,
) -> bool {
    let (own, seen) = ends(reference, ad, correspondence);
    let (x, y) = map.of(own.at);
    let (dx, dy) = (x - seen.at.0, y - seen.at.1);
    let most = (share * reference.longer() * scale).max(2.0 * seen.scale);
    dx * dx + dy * dy <= most * most && scales_agree(scale, own, seen)
}

/// How many features agree; where most of what they say is what many ads have, only that much. A
/// photo has such features among its own, and they lie where they should: that proves no less.
fn counted(ad: &LocalAd, correspondences: &[Correspondence], group: &[usize]) -> usize {
    let weight: f32 = group
        .iter()
        .map(|&correspondence| ad.weight(correspondences[correspondence].ad))
        .sum();
    match 2.0 * weight < group.len() as f32 {
        true => weight as usize,
        false => group.len(),
    }
}
