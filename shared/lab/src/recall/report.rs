//! What was measured, as a Markdown report with a plot.

use evidence::{Bar, markdown_table, upper_rate, wilson};

use super::tally::{Class, Copies, FalsePairs, PagePairs, Tally};

/// What a report says in addition to its figures.
pub struct About<'a> {
    /// The day, as `2026-11-26`.
    pub date: &'a str,
    /// What stands for the data: the folder's name.
    pub data: &'a str,
    /// Which photos were references.
    pub hold: (usize, usize),
    /// What made the copies.
    pub edits: &'a str,
    /// The seed of all random numbers.
    pub seed: u64,
    /// The file of the plot, next to the report.
    pub plot: &'a str,
}

/// The report.
pub fn markdown(tally: &Tally, about: &About<'_>) -> String {
    let (first, step) = about.hold;
    [
        "# Recall and false pairs".to_owned(),
        format!(
            "{}: {} of {} photos of `{}` (every {step}., from {first} on), {} edited copies by \
             {}, seed {}, policy version {}.",
            about.date,
            tally.references,
            tally.photos,
            about.data,
            tally.all().all,
            about.edits,
            about.seed,
            tally.policy_version
        ),
        duplicates(tally),
        format!("![Recall by edit]({})", about.plot),
        "Found at alert level, with Wilson's 95 % interval; found at all, that is also for \
         review; and found where only the PDQ hashes of the whole pictures are compared, at \
         31 bits or less."
            .to_owned(),
        recall(tally),
        "Pairs that are no copies, and how many of a million are found at most (95 %):".to_owned(),
        false_pairs(tally),
        pages(tally),
        persons(tally),
        alerted(tally),
        "The pairs that are no copies and come nearest to an alert by their parts; at 1.00 of \
         the threshold they would be one:"
            .to_owned(),
        nearest(tally),
        "Words of edits: how often a match said one, how often the copy was made so, and how \
         many of the copies made so it was said of:"
            .to_owned(),
        words(tally),
    ]
    .join("\n\n")
}

fn pages(tally: &Tally) -> String {
    if tally.pages.is_empty() {
        return "No pages were compared.".to_owned();
    }
    let row = |(kind, pages): (&&str, &PagePairs)| {
        let (others, photos) = (pages.others, pages.photos);
        let bound = upper_rate(others.at_alert, others.pairs) * 1e6;
        [
            (*kind).to_owned(),
            others.pairs.to_string(),
            others.at_alert.to_string(),
            format!("{bound:.0}"),
            others.at_review.to_string(),
            photos.pairs.to_string(),
            photos.at_alert.to_string(),
            photos.at_review.to_string(),
        ]
    };
    let head = [
        "pages of one template",
        "other photos",
        "alerts",
        "per million at most",
        "for review",
        "the photo alone",
        "found",
        "for review",
    ];
    let table = markdown_table(&head, &tally.pages.iter().map(row).collect::<Vec<_>>());
    format!("Pages with another photo on them, and the photo of a page by itself:\n\n{table}")
}

fn persons(tally: &Tally) -> String {
    format!(
        "The same person is told by names (NAME_1.jpg of NAME.jpg), and by a list of {} photos that \
         was given.",
        tally.persons_said_of
    )
}

fn alerted(tally: &Tally) -> String {
    if tally.alerted.is_empty() {
        return "None of them was alerted.".to_owned();
    }
    let row = |(class, reference, ad): &(Class, String, String)| {
        [words_of(*class).to_owned(), reference.clone(), ad.clone()]
    };
    let rows: Vec<_> = tally.alerted.iter().map(row).collect();
    let table = markdown_table(&["pair", "reference", "ad that is no copy of it"], &rows);
    format!("Alerted all the same, the first of them:\n\n{table}")
}

fn duplicates(tally: &Tally) -> String {
    if tally.duplicates.is_empty() {
        return "No two of the photos are the same by PDQ at 31 bits.".to_owned();
    }
    let row = |(left_out, kept): &(String, String)| [left_out.clone(), kept.clone()];
    let rows: Vec<_> = tally.duplicates.iter().map(row).collect();
    let table = markdown_table(&["left out, since the same by PDQ", "as"], &rows);
    format!("Photos that the folder has twice:\n\n{table}")
}

/// The plot, as SVG.
pub fn plot(tally: &Tally) -> String {
    let rows = rows(tally);
    let bars: Vec<Bar<'_>> = rows
        .iter()
        .map(|(name, copies)| bar(name, copies))
        .collect();
    evidence::bar_plot("Recall by edit, at alert level", "PDQ at 31 bits", &bars)
}

fn bar<'a>(name: &'a str, copies: &Copies) -> Bar<'a> {
    Bar {
        name,
        share: share(copies.at_alert, copies.all),
        interval: wilson(copies.at_alert, copies.all),
        baseline: Some(share(copies.by_pdq, copies.all)),
    }
}

/// The groups by name, and all of them last.
fn rows(tally: &Tally) -> Vec<(&str, Copies)> {
    let groups = tally
        .groups
        .iter()
        .map(|(name, copies)| (name.as_str(), *copies));
    groups.chain([("all", tally.all())]).collect()
}

fn recall(tally: &Tally) -> String {
    let row = |(name, copies): &(&str, Copies)| {
        let (low, high) = wilson(copies.at_alert, copies.all);
        [
            (*name).to_owned(),
            copies.all.to_string(),
            copies.at_alert.to_string(),
            format!("{:.3}", share(copies.at_alert, copies.all)),
            format!("{low:.3} to {high:.3}"),
            format!("{:.3}", share(copies.at_review, copies.all)),
            format!("{:.3}", share(copies.by_pdq, copies.all)),
        ]
    };
    let head = [
        "edits",
        "copies",
        "found",
        "recall",
        "95 % interval",
        "or for review",
        "PDQ at 31",
    ];
    markdown_table(&head, &rows(tally).iter().map(row).collect::<Vec<_>>())
}

fn false_pairs(tally: &Tally) -> String {
    let row = |(class, falsely): (&Class, &FalsePairs)| {
        let bound = upper_rate(falsely.at_alert, falsely.pairs) * 1e6;
        [
            words_of(*class).to_owned(),
            falsely.pairs.to_string(),
            falsely.at_alert.to_string(),
            format!("{bound:.2}"),
            falsely.at_review.to_string(),
        ]
    };
    let head = [
        "pairs",
        "compared",
        "alerts",
        "per million at most",
        "for review",
    ];
    markdown_table(&head, &tally.falsely.iter().map(row).collect::<Vec<_>>())
}

fn nearest(tally: &Tally) -> String {
    let rows: Vec<_> = tally
        .nearest
        .iter()
        .map(|near| {
            [
                format!("{:.2}", near.share),
                format!("{:.2}", near.scores.fine),
                format!("{:.2}", near.scores.middle),
                words_of(near.class).to_owned(),
                near.reference.clone(),
                near.ad.clone(),
            ]
        })
        .collect();
    let head = [
        "of the threshold",
        "fine",
        "middle",
        "pair",
        "reference",
        "ad",
    ];
    markdown_table(&head, &rows)
}

fn words(tally: &Tally) -> String {
    let rows: Vec<_> = tally
        .words
        .iter()
        .map(|(word, said)| {
            [
                (*word).to_owned(),
                said.said.to_string(),
                format!("{:.3}", share(said.right, said.said)),
                said.due.to_string(),
                format!("{:.3}", share(said.right, said.due)),
            ]
        })
        .collect();
    markdown_table(
        &["word", "said", "right", "edited so", "said of them"],
        &rows,
    )
}

fn words_of(class: Class) -> &'static str {
    match class {
        Class::General => "different photos",
        Class::Portraits => "portraits of different people",
        Class::SamePerson => "the same person in another picture",
    }
}

/// A share; of nothing it is 0.
fn share(part: u64, of: u64) -> f64 {
    part as f64 / of.max(1) as f64
}
