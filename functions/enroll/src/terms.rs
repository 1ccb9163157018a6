//! On what ground a reference may be searched for, and until when.

use records::{Label, ReasonCode, TenantSettings, Timestamp};
use store::ObjectFacts;

/// A reference's legal basis and end.
pub(crate) struct Terms {
    pub(crate) legal_basis: Label,
    pub(crate) expires_at: Timestamp,
}

impl Terms {
    /// For a reference that is rejected before its terms are known.
    pub(crate) fn unknown(now: Timestamp) -> Self {
        let legal_basis = Label::parse("unknown").expect("one short line");
        Self {
            legal_basis,
            expires_at: now,
        }
    }
}

/// The terms by the object's own metadata, else by its unit's settings.
pub(crate) fn of(
    settings: Option<&TenantSettings>,
    facts: &ObjectFacts,
    now: Timestamp,
) -> Result<Terms, ReasonCode> {
    let settings = settings
        .filter(|unit| unit.is_unit)
        .ok_or(ReasonCode::NOT_ALLOWED)?;
    let said = |name: &str| {
        facts
            .metadata
            .get(name)
            .filter(|value| !value.trim().is_empty())
    };
    let legal_basis = match said("legal-basis") {
        Some(text) => Label::parse(text).map_err(|_| ReasonCode::NO_LEGAL_BASIS)?,
        None => settings
            .legal_basis
            .clone()
            .ok_or(ReasonCode::NO_LEGAL_BASIS)?,
    };
    let expires_at = match said("expires-at") {
        Some(text) => Timestamp::parse(text).map_err(|_| ReasonCode::MALFORMED_EXPIRY)?,
        None => settings.expiry(facts.last_modified),
    };
    if expires_at <= now {
        return Err(ReasonCode::EXPIRED);
    }
    Ok(Terms {
        legal_basis,
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(legal_basis: Option<&str>) -> TenantSettings {
        TenantSettings {
            tenant: "unit".parse().unwrap(),
            is_unit: true,
            is_uploader: false,
            legal_basis: legal_basis.map(|text| Label::parse(text).unwrap()),
            expiry_days: 10,
            tell_withdrawals: false,
            second_opinion: false,
            created_at: at("2026-01-01T00:00:00Z"),
        }
    }

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn facts(metadata: &[(&str, &str)]) -> ObjectFacts {
        ObjectFacts {
            size_bytes: 1,
            version_id: None,
            last_modified: at("2026-01-01T00:00:00Z"),
            metadata: metadata
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect(),
        }
    }

    fn check(
        settings: Option<&TenantSettings>,
        metadata: &[(&str, &str)],
        expected: Result<(&str, &str), ReasonCode>,
    ) {
        let terms = of(settings, &facts(metadata), at("2026-01-02T00:00:00Z"));
        let read = terms.map(|t| (t.legal_basis.as_str().to_owned(), t.expires_at));
        assert_eq!(
            read,
            expected.map(|(basis, end)| (basis.to_owned(), at(end))),
            "{metadata:?}"
        );
    }

    #[test]
    fn the_objects_own_terms_come_before_the_units() {
        let with = unit(Some("police act 7"));
        check(
            Some(&with),
            &[],
            Ok(("police act 7", "2026-01-11T00:00:00Z")),
        );
        check(
            Some(&with),
            &[("legal-basis", "consent")],
            Ok(("consent", "2026-01-11T00:00:00Z")),
        );
        check(
            Some(&with),
            &[("expires-at", "2026-03-01T00:00:00Z")],
            Ok(("police act 7", "2026-03-01T00:00:00Z")),
        );
    }

    #[test]
    fn a_reference_without_valid_terms_is_refused_with_a_reason() {
        let without = unit(None);
        check(None, &[], Err(ReasonCode::NOT_ALLOWED));
        check(
            Some(&TenantSettings {
                is_unit: false,
                ..unit(None)
            }),
            &[],
            Err(ReasonCode::NOT_ALLOWED),
        );
        check(Some(&without), &[], Err(ReasonCode::NO_LEGAL_BASIS));
        check(
            Some(&without),
            &[("legal-basis", "a\nb")],
            Err(ReasonCode::NO_LEGAL_BASIS),
        );
        let with = unit(Some("x"));
        check(
            Some(&with),
            &[("expires-at", "tomorrow")],
            Err(ReasonCode::MALFORMED_EXPIRY),
        );
        check(
            Some(&with),
            &[("expires-at", "2026-01-01T12:00:00Z")],
            Err(ReasonCode::EXPIRED),
        );
    }
}
