//! Encoded words (RFC 2047): how S3 gives back user metadata that is not ASCII, for example
//! `=?UTF-8?Q?Z=C3=BCrich?=` or `=?UTF-8?B?WsO8cmljaA==?=` for Zürich.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The text behind encoded words in UTF-8, with white space between two of them dropped. A text
/// that holds none, or one that cannot be decoded, is given back as it is.
pub(crate) fn decode(text: &str) -> String {
    decoded(text).unwrap_or_else(|| text.to_owned())
}

fn decoded(text: &str) -> Option<String> {
    let mut out: Vec<u8> = Vec::new();
    let mut rest = text;
    let mut follows_word = false;
    while let Some(start) = rest.find("=?") {
        let (plain, word) = rest.split_at_checked(start)?;
        if !(follows_word && plain.trim().is_empty()) {
            out.extend(plain.as_bytes());
        }
        // charset ? encoding ? text ?=
        let mut parts = word.get(2..)?.splitn(3, '?');
        let (charset, encoding, tail) = (parts.next()?, parts.next()?, parts.next()?);
        let (body, after) = tail.split_once("?=")?;
        if !charset.eq_ignore_ascii_case("utf-8") {
            return None;
        }
        out.extend(word_bytes(encoding, body)?);
        (rest, follows_word) = (after, true);
    }
    out.extend(rest.as_bytes());
    String::from_utf8(out).ok() // only whole: a character may be cut between two words
}

fn word_bytes(encoding: &str, body: &str) -> Option<Vec<u8>> {
    match encoding {
        "B" | "b" => STANDARD.decode(body).ok(),
        "Q" | "q" => quoted_bytes(body),
        _ => None,
    }
}

fn quoted_bytes(body: &str) -> Option<Vec<u8>> {
    let mut bytes = body.bytes();
    let mut out = Vec::with_capacity(body.len());
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'_' => b' ',
            b'=' => {
                let digits = [bytes.next()?, bytes.next()?];
                let mut decoded = [0];
                hex::decode_to_slice(digits, &mut decoded).ok()?;
                let [decoded] = decoded;
                decoded
            }
            byte => byte,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(decode(text), expected);
    }

    #[test]
    fn encoded_words_are_read_and_everything_else_kept() {
        check("Bern", "Bern");
        check("=?UTF-8?Q?Z=C3=BCrich?=", "Zürich");
        check("=?utf-8?b?WsO8cmljaA==?=", "Zürich");
        check("in =?UTF-8?Q?Z=C3=BCrich_West?= !", "in Zürich West !");
        check("=?UTF-8?Q?Z=C3?= =?UTF-8?Q?=BCrich?=", "Zürich");
        check("https://x.example/?q=?a", "https://x.example/?q=?a");
        check("=?latin1?Q?Z=FCrich?=", "=?latin1?Q?Z=FCrich?=");
        check("=?UTF-8?Q?Z=FCrich?=", "=?UTF-8?Q?Z=FCrich?=");
        check("=?UTF-8?Q?Z=C", "=?UTF-8?Q?Z=C");
        check("=?UTF-8?B?%%%?=", "=?UTF-8?B?%%%?=");
    }
}
