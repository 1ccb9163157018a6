//! The contact sheet as people, printers and hostile names meet it.

use evidence::{FoundAd, Picture, Sheet, SheetPair, contact_sheet};

/// The smallest bytes that read as a JPEG: the sheet embeds, it does not decode.
const JPEG: &[u8] = &[0xff, 0xd8, 0xff, 0xe0];
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

fn found() -> FoundAd<'static> {
    FoundAd {
        level: "alert",
        method: "whole",
        distance_bits: 7,
        edit: "mirrored",
        alerted_after_ms: Some(412),
    }
}

fn pair<'a>(reference: &'a str, ad: &'a str) -> SheetPair<'a> {
    SheetPair {
        reference: Picture {
            name: reference,
            bytes: JPEG,
            media_type: Some("image/jpeg"),
        },
        ad: Picture {
            name: ad,
            bytes: PNG,
            media_type: Some("image/png"),
        },
        made_by: Some("mirrored"),
        found: Some(found()),
    }
}

fn sheet_of(pairs: &[SheetPair<'_>]) -> String {
    contact_sheet(&Sheet {
        title: "What was found",
        figures: &[("Found", "1 of 2".to_owned())],
        pairs,
    })
}

#[test]
fn a_sheet_shows_what_was_found_and_what_was_missed() {
    let missed = SheetPair {
        made_by: Some("cropped to 60 %"),
        found: None,
        ..pair("r.jpg", "cropped.png")
    };
    insta::assert_snapshot!(sheet_of(&[pair("r.jpg", "ad.png"), missed]));
}

#[test]
fn a_sheet_of_nothing_says_so() {
    insta::assert_snapshot!(contact_sheet(&Sheet {
        title: "Empty",
        figures: &[],
        pairs: &[]
    }));
}

#[test]
fn a_hostile_name_stays_text() {
    let page = sheet_of(&[pair(
        "\"><script>alert(1)</script>",
        "x\u{202e}gpj' onload='y",
    )]);
    assert!(!page.contains("<script"));
    assert!(!page.contains("onload='"));
    assert!(!page.contains('\u{202e}'));
    assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
}

#[test]
fn a_picture_of_no_media_type_is_not_embedded() {
    let svg = Picture {
        media_type: None,
        name: "a.jpg",
        bytes: b"<svg xmlns='http://www.w3.org/2000/svg'>",
    };
    let page = sheet_of(&[SheetPair {
        ad: svg,
        ..pair("r.jpg", "ad.png")
    }]);
    assert!(page.contains("No preview"));
    assert!(!page.contains("svg"));
}

#[test]
fn the_page_asks_the_network_for_nothing_and_every_picture_has_words() {
    let page = sheet_of(&[pair("r.jpg", "ad.png"), pair("s.jpg", "t.png")]);
    assert!(page.contains("default-src 'none'"));
    assert!(!page.contains("http:") && !page.contains("https:"));
    assert_eq!(
        page.matches("<img ").count(),
        page.matches("alt=\"").count()
    );
}
