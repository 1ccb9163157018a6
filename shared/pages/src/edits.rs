//! What was done to a photo, in the reader's language.
//!
//! A lead says it in words of the matching policy (`mirrored, crop 40%`). Each step is recognised by its form
//! and said in the reader's language; one that is not known stays as it is.

use crate::words::Words;

/// The steps, in a row.
pub fn edit(words: Words, edit: &str) -> String {
    let steps: Vec<String> = edit.split(", ").map(|step| said(words, step)).collect();
    steps.join(&words.t("edit-and"))
}

fn said(words: Words, step: &str) -> String {
    let plain = match step {
        "as is" => "edit-as-is",
        "mirrored" => "edit-mirrored",
        "perspective" => "edit-perspective",
        "framed" => "edit-framed",
        "screenshot" => "edit-screenshot",
        "in another picture" => "edit-in-picture",
        "border removed" => "edit-border",
        "negative" => "edit-negative",
        "in a collage" => "edit-collage",
        _ => return with_number(words, step),
    };
    words.t(plain)
}

fn with_number(words: Words, step: &str) -> String {
    let number: String = step.chars().filter(char::is_ascii_digit).collect();
    let number: u64 = number.parse().unwrap_or_default();
    let starts = |start: &str| step.starts_with(start);
    let id = match step {
        _ if starts("turned ") => "edit-turned",
        _ if starts("tilted ") => "edit-tilted",
        _ if starts("stretched ") => "edit-stretched",
        _ if starts("crop ") => "edit-cropped",
        _ if step.ends_with("% of the ad") => "edit-share",
        _ if starts("one of ") => return words.n("edit-one-of", &spelt(step)),
        _ => return step.to_owned(),
    };
    words.n(id, &number)
}

fn spelt(step: &str) -> u64 {
    const NUMBERS: [&str; 8] = [
        "two", "three", "four", "five", "six", "seven", "eight", "nine",
    ];
    let place = NUMBERS.iter().position(|number| step.contains(number));
    place.map_or(2, |place| place as u64 + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Language;

    #[track_caller]
    fn check(language: Language, policy: &str, expected: &str) {
        assert_eq!(edit(Words(language), policy), expected);
    }

    #[test]
    fn every_step_is_said_in_the_readers_language() {
        let english = Language::English;
        check(english, "as is", "as it was");
        check(english, "mirrored, crop 40%", "mirrored, cropped by 40 %");
        check(
            english,
            "tilted -7, 22% of the ad",
            "tilted by 7°, filling 22 % of the ad’s picture",
        );
        check(english, "one of four in a collage", "one of 4 in a collage");
        check(Language::Spanish, "mirrored", "reflejada");
        check(english, "a step of tomorrow", "a step of tomorrow");
    }
}
