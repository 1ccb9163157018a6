//! The style sheet, the script and the icon: each under a name that changes with its content.

use std::sync::OnceLock;

use records::ImageSha256;

use crate::words::Words;

/// A file that pages refer to.
#[derive(Clone, Copy, Debug)]
pub struct Asset {
    name: &'static str,
    /// Its media type.
    pub content_type: &'static str,
    /// Its text.
    pub text: &'static str,
}

const ASSETS: [Asset; 3] = [
    Asset {
        name: "pages.css",
        content_type: "text/css; charset=utf-8",
        text: include_str!("../assets/pages.css"),
    },
    Asset {
        name: "pages.js",
        content_type: "text/javascript; charset=utf-8",
        text: include_str!("../assets/pages.js"),
    },
    Asset {
        name: "icon.svg",
        content_type: "image/svg+xml",
        text: include_str!("../assets/icon.svg"),
    },
];

/// Digits of a content's hash in its name: enough that no two versions meet.
const DIGITS: usize = 12;

fn names() -> &'static [String; 3] {
    static NAMES: OnceLock<[String; 3]> = OnceLock::new();
    NAMES.get_or_init(|| {
        ASSETS.map(|asset| {
            let hash = ImageSha256::of(asset.text.as_bytes()).to_string();
            let (stem, end) = asset.name.split_once('.').unwrap_or((asset.name, ""));
            format!("{stem}.{}.{end}", &hash[..DIGITS])
        })
    })
}

/// Where an asset lies.
pub(crate) fn address(name: &str) -> String {
    let place = ASSETS.iter().position(|asset| asset.name == name);
    format!("/assets/{}", names()[place.unwrap_or(0)])
}

/// The asset of this name, which may be kept for good.
pub fn asset(name: &str) -> Option<Asset> {
    let place = names().iter().position(|known| known == name)?;
    ASSETS.get(place).copied()
}

/// What a picture's own page may do: nothing.
pub const PICTURE_FRAME: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// A drawing that says in place of a picture why there is none.
pub fn no_picture(words: Words, why: &str) -> String {
    let text = escaped(&words.t(why));
    let direction = words.direction();
    let lines = wrapped(&text, 26);
    let mut rows = String::new();
    for (place, line) in lines.iter().enumerate() {
        let y = 190 + 24 * place;
        rows.push_str(&format!("<text x=\"150\" y=\"{y}\">{line}</text>"));
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 300 400\" direction=\"{direction}\">\
         <rect width=\"300\" height=\"400\" fill=\"#20272b\"/><g fill=\"#e9ebe8\" \
         font-family=\"Segoe UI,Roboto,Noto Sans,sans-serif\" font-size=\"17\" \
         text-anchor=\"middle\">{rows}</g></svg>"
    )
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;")
}

fn wrapped(text: &str, chars_max: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().expect("there is a line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.chars().count() + word.chars().count() < chars_max {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_asset_is_found_by_the_name_that_pages_give_it_alone() {
        let address = address("pages.css");
        let name = address.strip_prefix("/assets/").expect("a place");
        assert!(asset(name).is_some_and(|found| found.text.contains("--paper")));
        assert!(
            asset("pages.css").is_none(),
            "another content has another name"
        );
    }

    #[test]
    fn style_and_script_are_small() {
        assert!(ASSETS[0].text.len() < 24 << 10, "the style sheet");
        assert!(ASSETS[1].text.len() < 9 << 10, "the script");
    }
}
