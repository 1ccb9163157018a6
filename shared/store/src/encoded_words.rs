//! Encoded words (RFC 2047): how S3 gives back user metadata that is not ASCII. `Köln` comes as
//! `=?UTF-8?B?S8O2bG4=?=` or `=?UTF-8?Q?K=C3=B6ln?=`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The text that was sent. What is no well-formed encoded word in UTF-8 stands for itself.
pub(crate) fn decoded(value: &str) -> String {
    if !value.contains("=?") {
        return value.to_owned();
    }
    // The space between two encoded words is not part of the text, and a word may end within a
    // character.
    let words: Option<Vec<Vec<u8>>> = value.split_ascii_whitespace().map(word).collect();
    words
        .and_then(|words| String::from_utf8(words.concat()).ok())
        .unwrap_or_else(|| value.to_owned())
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

    #[test]
    fn encoded_words_are_read_and_other_texts_left_alone() {
        let rows = [
            ("Berlin", "Berlin"),
            ("", ""),
            ("=?UTF-8?B?S8O2bG4=?=", "Köln"),
            ("=?utf-8?q?K=C3=B6ln_am_Rhein?=", "Köln am Rhein"),
            ("=?UTF-8?Q?K=C3?= =?UTF-8?Q?=B6ln?=", "Köln"),
            ("a =?UTF-8?B?S8O2bG4=?=", "a =?UTF-8?B?S8O2bG4=?="),
            ("=?UTF-8?B?***?=", "=?UTF-8?B?***?="),
            ("=?UTF-8?Q?=C3?=", "=?UTF-8?Q?=C3?="),
            ("=?UTF-8?Q?=Z?=", "=?UTF-8?Q?=Z?="),
            ("=?latin1?Q?K=F6ln?=", "=?latin1?Q?K=F6ln?="),
            ("https://a.example/?q==?x", "https://a.example/?q==?x"),
        ];
        for (sent, expected) in rows {
            assert_eq!(decoded(sent), expected, "{sent}");
        }
    }
}
