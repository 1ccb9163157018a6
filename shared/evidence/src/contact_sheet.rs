//! References next to the ads that show them, as one HTML file.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::escape::html;

/// Everything on a contact sheet.
#[derive(Clone, Copy)]
pub struct Sheet<'a> {
    /// The headline.
    pub title: &'a str,
    /// Figures above the pairs: what is counted or timed, and its value with unit.
    pub figures: &'a [(&'a str, String)],
    /// The pairs, in the order in which they are shown.
    pub pairs: &'a [SheetPair<'a>],
}

/// A reference and an ad made from it or matched with it.
#[derive(Clone, Copy)]
pub struct SheetPair<'a> {
    /// The reference.
    pub reference: Picture<'a>,
    /// The ad.
    pub ad: Picture<'a>,
    /// What is known to have been done to the reference, where it is known.
    pub made_by: Option<&'a str>,
    /// What was found; `None` if the pair was missed.
    pub found: Option<FoundAd<'a>>,
}

/// A picture with its name.
#[derive(Clone, Copy)]
pub struct Picture<'a> {
    /// A file name or an object key: text from outside.
    pub name: &'a str,
    /// They are embedded as they are: give thumbnails where there are many.
    pub bytes: &'a [u8],
    /// Of a format that browsers draw and that can hold no script; without one the picture is named,
    /// not shown.
    pub media_type: Option<&'static str>,
}

/// What the match says.
#[derive(Clone, Copy)]
pub struct FoundAd<'a> {
    /// `alert` or `review`.
    pub level: &'a str,
    /// `whole` or `parts`.
    pub method: &'a str,
    /// Bits of difference, 0 to 256.
    pub distance_bits: u16,
    /// The edit as the match words it.
    pub edit: &'a str,
    /// Milliseconds from the ad's arrival to the delivered alert, where one was delivered.
    pub alerted_after_ms: Option<u64>,
}

/// The whole page. It holds no script and may load nothing: its policy allows pictures within the
/// page only. Every name is escaped.
pub fn contact_sheet(sheet: &Sheet<'_>) -> String {
    let title = html(sheet.title);
    let body = if sheet.pairs.is_empty() {
        "<p class=\"empty\">Nothing to show: no pair was given.</p>\n".to_owned()
    } else {
        sheet
            .pairs
            .iter()
            .enumerate()
            .map(|(i, pair)| article(i + 1, pair))
            .collect()
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n\
         <p>The same photo, found again. Homeward compares photos and never recognises faces; \
         each pair is a lead for a person to judge, not a fact.</p>\n{figures}</header>\n\
         <main>\n{body}</main>\n</body>\n</html>\n",
        figures = figures(sheet),
    )
}

const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";
const STYLE: &str = include_str!("contact_sheet.css");

fn figures(sheet: &Sheet<'_>) -> String {
    if sheet.figures.is_empty() {
        return String::new();
    }
    format!(
        "<dl class=\"figures\">\n{}</dl>\n",
        sheet
            .figures
            .iter()
            .map(|(k, v)| term(k, v))
            .collect::<String>()
    )
}

fn term(name: &str, value: &str) -> String {
    format!(
        "<div><dt>{}</dt><dd>{}</dd></div>\n",
        html(name),
        html(value)
    )
}

fn article(number: usize, pair: &SheetPair<'_>) -> String {
    let (class, heading) = match pair.found {
        Some(found) => (
            "found",
            format!("Found: {} ({})", html(found.edit), html(found.level)),
        ),
        None => ("missed", "Not found".to_owned()),
    };
    format!(
        "<article class=\"{class}\" aria-labelledby=\"pair-{number}\">\n\
         <h2 id=\"pair-{number}\">{number}. {heading}</h2>\n<div class=\"pictures\">\n{}{}</div>\n\
         <dl>\n{}</dl>\n</article>\n",
        figure("Reference", &pair.reference),
        figure("Ad", &pair.ad),
        facts(pair),
    )
}

fn facts(pair: &SheetPair<'_>) -> String {
    let mut facts = String::new();
    if let Some(made_by) = pair.made_by {
        facts += &term("Edit made", made_by);
    }
    if let Some(found) = pair.found {
        facts += &term("Edit found", found.edit);
        facts += &term("Distance", &format!("{} of 256 bits", found.distance_bits));
        facts += &term("Method", found.method);
        if let Some(ms) = found.alerted_after_ms {
            facts += &term("Alert delivered after", &format!("{ms} ms"));
        }
    }
    facts
}

fn figure(role: &str, picture: &Picture<'_>) -> String {
    let name = html(picture.name);
    let shown = match picture.media_type {
        Some(media_type) => format!(
            "<img src=\"data:{media_type};base64,{}\" alt=\"{role}: {name}\">",
            BASE64_STANDARD.encode(picture.bytes)
        ),
        None => "<p class=\"unshown\">No preview: browsers do not show this format.</p>".to_owned(),
    };
    format!(
        "<figure>\n{shown}\n<figcaption>{role}: <span class=\"name\">{name}</span></figcaption>\n</figure>\n"
    )
}
