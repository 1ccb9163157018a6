//! The digests of a body while it arrives, and what the client said that they must be.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use s3s::S3ErrorCode;
use s3s::checksum::ChecksumHasher;
use s3s::crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Md5, Sha1};
use s3s::dto::Checksum;
use sha2::{Digest, Sha256};

/// The checksum headers that S3 knows in addition to Content-MD5, without their `x-amz-checksum-`.
const ALGORITHMS: [&str; 5] = ["crc32", "crc32c", "sha1", "sha256", "crc64nvme"];

/// What a client claims about a body. Nothing claimed is fine.
#[derive(Debug, Default, Clone)]
pub(crate) struct Claims {
    /// `Content-MD5`, base64.
    pub(crate) md5: Option<String>,
    /// `x-amz-checksum-*`, base64.
    pub(crate) checksums: Checksum,
    /// Algorithms to compute without a claim (their value follows the body as a trailer, or the
    /// client only asked for them).
    pub(crate) wanted: Vec<String>,
}

/// Hashes a body piece by piece.
pub(crate) struct Digests {
    sha256: Sha256,
    md5: Md5,
    others: ChecksumHasher,
}

/// The digests of a whole body.
#[derive(Debug, Clone)]
pub(crate) struct Digested {
    pub(crate) sha256: [u8; 32],
    pub(crate) md5: [u8; 16],
    /// Those that were claimed or wanted, base64.
    pub(crate) checksums: Checksum,
}

impl Digests {
    /// Digests that can answer the claims.
    pub(crate) fn for_claims(claims: &Claims) -> Self {
        let needs = |name: &str| {
            claimed(&claims.checksums, name).is_some()
                || claims
                    .wanted
                    .iter()
                    .any(|wanted| wanted.eq_ignore_ascii_case(name))
        };
        let others = ChecksumHasher {
            crc32: needs("crc32").then(Crc32::new),
            crc32c: needs("crc32c").then(Crc32c::new),
            sha1: needs("sha1").then(Sha1::new),
            sha256: needs("sha256").then(s3s::crypto::Sha256::new),
            crc64nvme: needs("crc64nvme").then(Crc64Nvme::new),
        };
        Self {
            sha256: Sha256::new(),
            md5: Md5::new(),
            others,
        }
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.md5.update(bytes);
        self.others.update(bytes);
    }

    pub(crate) fn finish(self) -> Digested {
        Digested {
            sha256: self.sha256.finalize().into(),
            md5: self.md5.finalize(),
            checksums: self.others.finalize(),
        }
    }
}

impl Digested {
    /// Compares with what the client claimed.
    ///
    /// # Errors
    /// `InvalidDigest` for a claim that is no digest, `BadDigest` for one that is wrong.
    pub(crate) fn check(&self, claims: &Claims) -> Result<(), S3ErrorCode> {
        if let Some(claim) = &claims.md5 {
            check_one(claim, &self.md5)?;
        }
        for name in ALGORITHMS {
            if let Some(claim) = claimed(&claims.checksums, name) {
                let computed = claimed(&self.checksums, name).and_then(|v| STANDARD.decode(v).ok());
                check_one(claim, &computed.ok_or(S3ErrorCode::InternalError)?)?;
            }
        }
        Ok(())
    }
}

fn check_one(claim: &str, computed: &[u8]) -> Result<(), S3ErrorCode> {
    let claim = STANDARD
        .decode(claim.trim())
        .map_err(|_| S3ErrorCode::InvalidDigest)?;
    if claim.len() != computed.len() {
        return Err(S3ErrorCode::InvalidDigest);
    }
    if claim == computed {
        Ok(())
    } else {
        Err(S3ErrorCode::BadDigest)
    }
}

/// One checksum by its algorithm's name.
pub(crate) fn claimed<'a>(checksums: &'a Checksum, name: &str) -> Option<&'a str> {
    match name {
        "crc32" => checksums.checksum_crc32.as_deref(),
        "crc32c" => checksums.checksum_crc32c.as_deref(),
        "sha1" => checksums.checksum_sha1.as_deref(),
        "sha256" => checksums.checksum_sha256.as_deref(),
        "crc64nvme" => checksums.checksum_crc64nvme.as_deref(),
        _ => None,
    }
}

/// Sets one checksum by its algorithm's name; unknown names are left alone.
pub(crate) fn set(checksums: &mut Checksum, name: &str, value: Option<String>) {
    match name {
        "crc32" => checksums.checksum_crc32 = value,
        "crc32c" => checksums.checksum_crc32c = value,
        "sha1" => checksums.checksum_sha1 = value,
        "sha256" => checksums.checksum_sha256 = value,
        "crc64nvme" => checksums.checksum_crc64nvme = value,
        _ => {}
    }
}

/// The algorithms' names with their values, where there is one.
pub(crate) fn named(checksums: &Checksum) -> impl Iterator<Item = (&'static str, &str)> {
    ALGORITHMS
        .into_iter()
        .filter_map(|name| Some((name, claimed(checksums, name)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digested(body: &[u8], claims: &Claims) -> Digested {
        let mut digests = Digests::for_claims(claims);
        body.chunks(3).for_each(|piece| digests.update(piece));
        digests.finish()
    }

    fn check(claims: &Claims, expected: Result<(), S3ErrorCode>) {
        assert_eq!(
            digested(b"hello", claims).check(claims),
            expected,
            "{claims:?}"
        );
    }

    #[test]
    fn every_claim_is_held_against_the_body() {
        let md5 = |text: &str| Claims {
            md5: Some(text.into()),
            ..Default::default()
        };
        check(&Claims::default(), Ok(()));
        check(&md5("XUFAKrxLKna5cZ2REBfFkg=="), Ok(()));
        check(
            &md5("XUFAKrxLKna5cZ2REBfFkA=="),
            Err(S3ErrorCode::BadDigest),
        );
        check(&md5("not base64"), Err(S3ErrorCode::InvalidDigest));
        check(&md5("AAAA"), Err(S3ErrorCode::InvalidDigest));
        let values = [
            ("crc32", "NhCmhg=="),
            ("crc32c", "mnG7TA=="),
            ("sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="),
            ("sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
        ];
        for (name, value) in values {
            let mut right = Claims::default();
            set(&mut right.checksums, name, Some(value.into()));
            check(&right, Ok(()));
            let mut wrong = Claims::default();
            set(
                &mut wrong.checksums,
                name,
                Some(format!("AAAA{}", &value[4..])),
            );
            check(&wrong, Err(S3ErrorCode::BadDigest));
        }
    }
}
