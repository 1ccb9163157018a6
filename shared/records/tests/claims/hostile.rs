//! Values from outside: whatever comes, nothing panics, what is let in can be written and read
//! back, and errors do not repeat it.

#![allow(clippy::unwrap_used, missing_docs)]

use proptest::collection::vec;
use proptest::prelude::*;
use records::*;

/// Texts like those that a parser expects, broken here and there.
fn nearly() -> impl Strategy<Value = String> {
    let parts = prop::sample::select(vec![
        "ads",
        "references",
        "unit",
        "/",
        "//",
        "..",
        "%2F",
        "%",
        "+",
        "#",
        "\0",
        "\u{202e}",
        "é",
        "https://",
        "javascript:",
        "2026-11-24T02:12:26Z",
        "9999-12-31T23:59:59Z",
        "-",
        "a",
        "F",
        "0123456789abcdef",
        "hw_",
        "whsec_",
        "=",
        " ",
        "\n",
        "😀",
        "{",
        "\"",
        "@",
        ":",
        "127.0.0.1",
    ]);
    prop_oneof![
        any::<String>(),
        vec(parts.clone(), 0..12).prop_map(|parts| parts.concat()),
        (vec(parts, 0..4), 0..1100_usize).prop_map(|(parts, n)| parts.concat() + &"x".repeat(n)),
    ]
}

/// What parses is written as it parses again; what does not is not in the error.
fn check<T>(text: &str)
where
    T: std::str::FromStr<Err = Malformed> + ToString + PartialEq + Record,
{
    match text.parse::<T>() {
        Ok(value) => {
            assert!(value.to_string().parse::<T>().unwrap() == value);
            let json = serde_json::to_string(&value).unwrap();
            assert!(serde_json::from_str::<T>(&json).unwrap() == value);
        }
        Err(error) => {
            let said = error.to_string();
            assert!(text.len() < 12 || !said.contains(text), "{said}");
        }
    }
}

proptest! {
    #[test]
    fn nothing_from_outside_panics_and_what_is_let_in_comes_back(text in nearly()) {
        check::<TenantId>(&text);
        check::<CaseId>(&text);
        check::<ReferenceId>(&text);
        check::<LeadId>(&text);
        check::<ImageSha256>(&text);
        check::<AdKey>(&text);
        check::<ReferenceKey>(&text);
        check::<Label>(&text);
        check::<SourceUrl>(&text);
        check::<WebhookName>(&text);
        check::<WebhookUrl>(&text);
        check::<ReasonCode>(&text);
        check::<Timestamp>(&text);
        check::<AuditHash>(&text);
        let _ = (Token::parse(&text), Secret::parse(&text), ObjectKey::from_event(&text));
        let cursor = Cursor::from_text(text.clone());
        let unit = TenantId::parse("unit").unwrap();
        prop_assert!(cursor.open(&unit, Listing::Leads).is_err(), "a seal cannot be guessed");
    }

    #[test]
    fn metadata_never_fails(name in nearly(), values in vec(nearly(), 5)) {
        let names = ["source-url", "ad-id", "seen-at", "place", name.as_str()];
        let pairs = names.iter().copied().zip(values.iter().map(String::as_str));
        let (metadata, _) = AdMetadata::parse(pairs);
        let json = serde_json::to_string(&metadata).unwrap();
        prop_assert_eq!(serde_json::from_str::<AdMetadata>(&json).unwrap(), metadata);
    }

    #[test]
    fn a_key_comes_back_from_its_spelling_in_events(path in "\\PC{1,200}") {
        let Ok(key) = AdKey::parse(&format!("ads/uploader/{path}")) else { return Ok(()) };
        let spelt: String = key.as_str().bytes().map(|byte| match byte {
            b' ' => "+".to_owned(),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' =>
                char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        }).collect();
        prop_assert_eq!(ObjectKey::from_event(&spelt).unwrap(), ObjectKey::Ad(key));
    }

    #[test]
    fn times_sort_as_their_texts_do(a in 0..253_402_207_200_000_i64, b in any::<i64>()) {
        let (a, b) = (Timestamp::from_millis(a), Timestamp::from_millis(b));
        prop_assert_eq!(a.cmp(&b), a.as_str().cmp(&b.as_str()));
        prop_assert_eq!(a.as_str().len(), 24);
        prop_assert_eq!(Timestamp::parse(&a.as_str()).unwrap(), a);
    }

    #[test]
    fn a_cursor_opens_only_where_it_was_made(position in "\\PC{0,300}", at in 0..400_usize, bit in 0..6_u8) {
        let unit = TenantId::parse("unit").unwrap();
        let other = TenantId::parse("other").unwrap();
        let cursor = Cursor::new(&unit, Listing::Leads, &position);
        prop_assert_eq!(cursor.open(&unit, Listing::Leads).unwrap(), position);
        prop_assert!(cursor.open(&other, Listing::Leads).is_err());
        prop_assert!(cursor.open(&unit, Listing::Alerts).is_err());
        let mut changed = cursor.as_str().to_owned().into_bytes();
        let at = at % changed.len();
        changed[at] = if changed[at] == b'A' + bit { b'z' } else { b'A' + bit };
        let changed = Cursor::from_text(String::from_utf8(changed).unwrap());
        prop_assert!(changed.open(&unit, Listing::Leads).is_err(), "changed at {}", at);
    }
}

#[test]
fn keys_of_other_forms_are_not_ours() {
    for text in [
        "",
        "ads",
        "ads/",
        "ads/unit",
        "ads/unit/",
        "ads//x",
        "ads/UNIT/x",
        "ads/a#b/x",
        "/ads/unit/x",
        "ADS/unit/x",
        "references/unit/x",
        "ads/-unit/x",
        "ads/../x",
    ] {
        assert!(AdKey::parse(text).is_err(), "{text}");
    }
    for text in [
        "references/unit/case",
        "references/unit/case/",
        "references/unit//x",
        "references//case/x",
        "references/unit/ca\u{7}se/x",
        "ads/unit/case/x",
    ] {
        assert!(ReferenceKey::parse(text).is_err(), "{text}");
    }
    let longest = format!("ads/unit/{}", "é".repeat(507)) + "x";
    assert_eq!(longest.len(), KEY_BYTES_MAX);
    assert!(AdKey::parse(&longest).is_ok());
    assert!(AdKey::parse(&(longest + "x")).is_err());
}

#[test]
fn a_key_names_its_tenant_and_case() {
    let key = ReferenceKey::parse("references/unit/Ä 7#b/../a/b.jpg").unwrap();
    assert_eq!(
        (key.tenant().as_str(), key.case_id().as_str()),
        ("unit", "Ä 7#b")
    );
    let event = ObjectKey::from_event("references/unit/%C3%84+7%23b/../a/b.jpg").unwrap();
    assert_eq!(event, ObjectKey::Reference(key));
    let plus = ObjectKey::from_event("ads/unit/a%2Bb+c%25zz%").unwrap();
    assert_eq!(plus.as_str(), "ads/unit/a+b c%zz%");
    assert!(ObjectKey::from_event("ads/unit/%FF").is_err());
}

#[test]
fn malformed_metadata_is_left_out_with_a_note_and_the_rest_kept() {
    let long = "x".repeat(257);
    let (metadata, notes) = AdMetadata::parse([
        ("SOURCE-URL", "javascript:alert(1)"),
        ("ad-id", long.as_str()),
        ("seen-at", "24/11/2026"),
        ("place", " Bern "),
        ("colour", "blue"),
    ]);
    use MetadataNote::{MalformedAdId, MalformedSeenAt, MalformedSourceUrl};
    assert_eq!(notes, [MalformedSourceUrl, MalformedAdId, MalformedSeenAt]);
    let place = Some(Label::parse("Bern").unwrap());
    assert_eq!(
        metadata,
        AdMetadata {
            place,
            ..AdMetadata::default()
        }
    );
    let empty = AdMetadata::parse([("place", " "), ("seen-at", "")]);
    assert_eq!(empty, (AdMetadata::default(), vec![]), "empty is absent");
}

#[test]
fn times_are_read_in_any_offset_and_nothing_else() {
    let expected = Timestamp::parse("2026-11-24T02:12:26Z").unwrap();
    assert_eq!(expected.as_str(), "2026-11-24T02:12:26.000Z");
    for text in [
        "2026-11-24T03:12:26+01:00",
        "2026-11-24T02:12:26.0009Z",
        " 2026-11-24t02:12:26z ",
    ] {
        assert_eq!(Timestamp::parse(text), Ok(expected), "{text}");
    }
    for text in [
        "2026-11-24",
        "2026-11-24T02:12:26",
        "1969-12-31T23:59:59Z",
        "1790000000",
        "",
    ] {
        assert!(Timestamp::parse(text).is_err(), "{text}");
    }
}

#[test]
fn addresses_that_a_click_or_a_call_must_not_follow_are_refused() {
    for text in [
        "javascript:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//host/x",
        "host/x",
        "https://a b/",
        "https://",
        "https://host/\nx",
        "ftp://host/x",
    ] {
        assert!(SourceUrl::parse(text).is_err(), "{text}");
        assert!(WebhookUrl::parse(text).is_err(), "{text}");
    }
    assert!(SourceUrl::parse(&format!("https://h/{}", "x".repeat(2039))).is_err());
    assert!(WebhookUrl::parse("https://user:secret@host/").is_err());
    assert!(WebhookUrl::parse("http://127.0.0.1:8080/in?x=1").is_ok());
}

#[test]
fn tokens_and_secrets_have_one_form() {
    let token = Token::from_random(&[250; 32]);
    assert_eq!(Token::parse(token.reveal()), Ok(token.clone()));
    for text in [
        "",
        "hw_",
        "hw_AAAA",
        token.reveal().trim_start_matches("hw_"),
    ] {
        assert!(Token::parse(text).is_err(), "{text}");
    }
    let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    assert_eq!(secret.reveal(), "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    for bytes in [0, 23, 65] {
        assert!(Secret::from_bytes(&vec![1; bytes]).is_err());
    }
}

#[test]
fn an_id_depends_on_every_part_and_on_where_the_parts_end() {
    let tenant = |text: &str| TenantId::parse(text).unwrap();
    let case = |text: &str| CaseId::parse(text).unwrap();
    let image = ImageSha256::of(b"photo");
    let id = ReferenceId::of_photo(&tenant("ab"), &case("c"), &image);
    assert_eq!(id, ReferenceId::of_photo(&tenant("ab"), &case("c"), &image));
    let pdq = features::fingerprint::Hash256(*image.bytes());
    for other in [
        ReferenceId::of_photo(&tenant("a"), &case("bc"), &image),
        ReferenceId::of_photo(&tenant("ab"), &case("d"), &image),
        ReferenceId::of_photo(&tenant("ab"), &case("c"), &ImageSha256::of(b"other")),
        ReferenceId::of_hash(&tenant("ab"), &case("c"), &pdq),
    ] {
        assert_ne!(id, other);
    }
    let lead = LeadId::of(&id, &image);
    assert_ne!(
        lead.as_str(),
        LeadId::of(&id, &ImageSha256::of(b"other")).as_str()
    );
}
