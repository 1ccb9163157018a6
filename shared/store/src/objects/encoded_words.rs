//! Encoded words (RFC 2047): how S3 gives back user metadata that is not ASCII. `Köln` comes as
//! `=?UTF-8?B?S8O2bG4=?=` or `=?UTF-8?Q?K=C3=B6ln?=`. They are read here, once, where S3 gives them;
//! what comes by other ways, in a bundle or a list, stands for itself.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The text that was sent: encoded words in UTF-8 are read, and white space between two of them is
/// dropped; what stands next to them is kept. A text with a word that cannot be read, or that is no
/// UTF-8 then, stands for itself.
pub(crate) fn decoded(value: &str) -> String {
    read(value).unwrap_or_else(|| value.to_owned())
}

fn read(value: &str) -> Option<String> {
    let (mut bytes, mut rest, mut follows_word) = (Vec::new(), value, false);
    while !rest.is_empty() {
        let text = rest.trim_start();
        let (gap, _) = rest.split_at(rest.len() - text.len());
        let (token, after) = text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()));
        let is_word = token.starts_with("=?") && token.ends_with("?=");
        if !(follows_word && is_word) {
            bytes.extend_from_slice(gap.as_bytes());
        }
        match is_word {
            true => bytes.extend(word(token)?),
            false => bytes.extend_from_slice(token.as_bytes()),
        }
        (rest, follows_word) = (after, is_word);
    }
    String::from_utf8(bytes).ok() // only whole: a character may be cut between two words
}

fn word(text: &str) -> Option<Vec<u8>> {
    let mut parts = text.strip_prefix("=?")?.strip_suffix("?=")?.splitn(3, '?');
    let (charset, encoding, body) = (parts.next()?, parts.next()?, parts.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    match encoding {
        "B" | "b" => STANDARD.decode(body).ok(),
        "Q" | "q" => quoted(body),
        _ => None,
    }
}

fn quoted(body: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(body.len());
    let mut rest = body.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'_' => bytes.push(b' '),
            b'=' => {
                let pair = [rest.next()?, rest.next()?];
                bytes.extend(hex::decode(pair).ok()?);
            }
            _ => bytes.push(byte),
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rows: &[(&str, &str)]) {
        for (sent, expected) in rows {
            assert_eq!(decoded(sent), *expected, "{sent}");
        }
    }

    #[test]
    fn encoded_words_are_read_and_other_texts_left_alone() {
        check(&[
            ("Berlin", "Berlin"),
            ("", ""),
            ("=?UTF-8?B?S8O2bG4=?=", "Köln"),
            ("=?utf-8?q?K=C3=B6ln_am_Rhein?=", "Köln am Rhein"),
            ("=?UTF-8?Q?K=C3?= =?UTF-8?Q?=B6ln?=", "Köln"),
            ("=?UTF-8?B?***?=", "=?UTF-8?B?***?="),
            ("=?UTF-8?Q?=C3?=", "=?UTF-8?Q?=C3?="),
            ("=?UTF-8?Q?=Z?=", "=?UTF-8?Q?=Z?="),
            ("=?UTF-8?Q?K=C", "=?UTF-8?Q?K=C"),
            ("=?latin1?Q?K=F6ln?=", "=?latin1?Q?K=F6ln?="),
            ("https://a.example/?q==?x", "https://a.example/?q==?x"),
            (" two  spaces ", " two  spaces "),
        ]);
    }

    /// Where two readers, one after the other, once disagreed.
    #[test]
    fn a_value_is_read_once_and_by_one_rule() {
        check(&[
            // next to plain text: the first left it, the second read it
            ("a =?UTF-8?B?S8O2bG4=?=", "a Köln"),
            ("in =?UTF-8?Q?Z=C3=BCrich_West?= !", "in Zürich West !"),
            // one that cannot be read leaves all as it is
            (
                "=?UTF-8?Q?a?= =?latin1?Q?=F6?=",
                "=?UTF-8?Q?a?= =?latin1?Q?=F6?=",
            ),
            // words stand apart, or they are none
            ("x=?UTF-8?Q?a?=", "x=?UTF-8?Q?a?="),
            ("=?UTF-8?Q?a?==?UTF-8?Q?b?=", "=?UTF-8?Q?a?==?UTF-8?Q?b?="),
            // a space that is part of a word stays
            ("=?UTF-8?Q?a_?= =?UTF-8?Q?b?= c", "a b c"),
            // what was sent looks like an encoded word itself: it was read twice
            ("=?UTF-8?Q?=3D=3FUTF-8=3FQ=3Fa=3F=3D?=", "=?UTF-8?Q?a?="),
        ]);
    }
}
