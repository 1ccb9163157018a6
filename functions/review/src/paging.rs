//! Lists by the page: `items`, and `next` to continue with, `null` at the end.

use records::{Cursor, Listing, Page, TenantId};
use serde_json::{Value, json};

use crate::fields::Fields;
use crate::problem::{Answer, Problem, ok};

/// Items on a page that names no limit.
const LIMIT_DEFAULT: u64 = 50;
/// The most items on a page.
pub(crate) const LIMIT_MAX: u64 = 100;

/// Which page is asked for.
pub(crate) struct PageRequest {
    /// Where it starts; none at the beginning. Checked when it is opened.
    pub(crate) after: Option<Cursor>,
    /// How many items at most, 1 to [`LIMIT_MAX`].
    pub(crate) limit: usize,
}

/// Reads `after` and `limit`.
pub(crate) fn asked(query: &mut Fields) -> Result<PageRequest, Problem> {
    let limit = query
        .whole("limit", 1..=LIMIT_MAX)?
        .unwrap_or(LIMIT_DEFAULT);
    // `after=` without a value is the beginning.
    let after = query
        .any_text("after")?
        .filter(|text| !text.is_empty())
        .map(Cursor::from_text);
    Ok(PageRequest {
        after,
        limit: usize::try_from(limit).unwrap_or(usize::MAX),
    })
}

/// The position that the page starts behind, if its cursor is of this tenant's listing.
pub(crate) fn opened(
    asked: &PageRequest,
    query: &Fields,
    tenant: &TenantId,
    listing: Listing,
) -> Result<Option<String>, Problem> {
    let position = asked
        .after
        .as_ref()
        .map(|cursor| cursor.open(tenant, listing))
        .transpose();
    position.map_err(|malformed| query.invalid("after", malformed.rule))
}

/// A page on its way out.
pub(crate) fn page(page: Page<Value>) -> Answer {
    ok(&json!({
        "items": page.items,
        "next": page.next.as_ref().map(Cursor::as_str),
    }))
}
