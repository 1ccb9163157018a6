//! What was found, by the edit that was made.

use std::collections::BTreeMap;

use super::sheet::Shown;
use lab::edited_ads::EditedAd;

/// One line per kind of edit, as a Markdown table.
pub fn by_edit(ads: &[EditedAd], shown: &[Shown]) -> String {
    let mut counts: BTreeMap<&str, (u32, u32, Vec<u64>)> = BTreeMap::new();
    for shown in shown {
        let Some(ad) = ads.get(shown.ad) else {
            continue;
        };
        let (all, found, times_ms) = counts.entry(ad.edit).or_default();
        *all += 1;
        if let Some(lead) = &shown.lead {
            *found += 1;
            times_ms.extend(lead.alerted_after_ms);
        }
    }
    let rows: Vec<Vec<String>> = counts
        .into_iter()
        .map(|(edit, (all, found, mut times_ms))| {
            times_ms.sort_unstable();
            let median = times_ms.get(times_ms.len() / 2);
            let time = median.map_or_else(|| "–".to_owned(), |ms| format!("{ms} ms"));
            vec![edit.to_owned(), format!("{found} of {all}"), time]
        })
        .collect();
    evidence::markdown_table(&["ad made by", "found", "upload to alert (median)"], &rows)
}
