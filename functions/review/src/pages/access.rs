//! Who looks at a page: a person by the session of its browser.

use axum::extract::{FromRequestParts, MatchedPath};
use axum::response::Response;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use pages::{Shell, SignInPage, Signed, Words};
use records::{LeadTab, Person, PersonRole, Role, Session, TenantId, Token};

use store::LeadCounts;

use super::actor::Actor;
use super::answers::{Refused, Why, cookie, html, see, words};
use crate::{Shared, concurrency_limits};

/// A person who is signed in.
#[derive(Debug)]
pub(crate) struct Officer {
    pub(crate) person: Person,
    pub(crate) words: Words,
    /// The page's own path.
    pub(crate) path: String,
    cookie: Token,
}

impl FromRequestParts<Shared> for Officer {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Refused> {
        let words = words(&parts.headers);
        let path = parts.uri.path().to_owned();
        let Some((person, cookie)) = signed_in(&parts.headers, shared, words).await? else {
            return Err(Refused::from(to_sign_in(parts, shared, words)));
        };
        if !is_withdrawal(parts) {
            let caller = (&person.tenant, Role::Unit);
            let entered = concurrency_limits::enter(&shared.limits, parts, caller);
            entered.map_err(Refused::failed(words))?;
        }
        Ok(Self {
            person,
            words,
            path,
            cookie,
        })
    }
}

/// Nothing may hold up a withdrawal.
fn is_withdrawal(parts: &Parts) -> bool {
    let route = parts.extensions.get::<MatchedPath>();
    route.is_some_and(|route| route.as_str() == super::WITHDRAW_ROUTE)
}

/// The person of a browser, if it is signed in.
pub(crate) async fn signed_in(
    headers: &HeaderMap,
    shared: &Shared,
    words: Words,
) -> Result<Option<(Person, Token)>, Refused> {
    let Some(cookie) = session_cookie(headers, shared) else {
        return Ok(None);
    };
    let failed = Refused::store(words);
    let session = shared
        .store
        .tenants
        .session(&cookie, shared.clock.now())
        .await;
    let Some(session) = session.map_err(&failed)? else {
        return Ok(None);
    };
    let person = shared
        .store
        .tenants
        .person(&session.tenant, &session.person_id);
    let person = person.await.map_err(&failed)?;
    let person = person.map(|person| Person {
        roles: session.roles.unwrap_or(person.roles),
        ..person
    });
    Ok(person.map(|person| (person, cookie)))
}

/// A browser binds a cookie of this name to HTTPS and to this one host.
fn cookie_name(shared: &Shared) -> &'static str {
    match shared.pages.as_ref().is_some_and(|pages| pages.is_https) {
        true => "__Host-homeward",
        false => "homeward",
    }
}

fn session_cookie(headers: &HeaderMap, shared: &Shared) -> Option<Token> {
    let text = cookie(headers, cookie_name(shared))?;
    Token::parse(&text).ok()
}

/// The header that signs a browser in, or out if there is no cookie.
pub(crate) fn set_cookie(shared: &Shared, cookie: Option<&Token>) -> HeaderValue {
    let name = cookie_name(shared);
    let secure = match name.starts_with("__Host-") {
        true => "; Secure",
        false => "",
    };
    let (value, seconds) = match cookie {
        Some(cookie) => (cookie.reveal(), Session::WHOLE_MAX.as_secs()),
        None => ("", 0),
    };
    let text =
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}");
    let mut header = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
    header.set_sensitive(true);
    header
}

/// The sign-in page comes first. A browser that follows a link of another site sends no cookie: its page asks
/// once more by itself.
fn to_sign_in(parts: &Parts, shared: &Shared, words: Words) -> Response {
    let path = parts.uri.path();
    if parts.method != Method::GET {
        return see("/in?over=1");
    }
    let site = parts.headers.get("sec-fetch-site");
    if site.is_some_and(|site| site == "cross-site" || site == "same-site") {
        let shell = Shell {
            again: true,
            ..shell_without_person(words, path)
        };
        let page = SignInPage {
            shell,
            problem: None,
            is_local: is_local(shared),
            next: path.to_owned(),
        };
        return html(StatusCode::OK, &page);
    }
    see(&format!("/in?next={path}"))
}

pub(crate) fn is_local(shared: &Shared) -> bool {
    shared.pages.as_ref().is_some_and(|pages| pages.is_local)
}

/// The frame of a page for a person who is not known yet.
pub(crate) fn shell_without_person(words: Words, path: &str) -> Shell {
    Shell {
        words,
        path: path.to_owned(),
        here: "",
        signed: None,
        again: false,
    }
}

/// A path of ours to go to: no other host, no control characters.
pub(crate) fn own_path(text: &str) -> &str {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/-_".contains(c);
    let is_own = text.starts_with('/') && !text.starts_with("//") && text.chars().all(is_plain);
    if is_own { text } else { "/leads" }
}

impl Officer {
    pub(crate) fn unit(&self) -> &TenantId {
        &self.person.tenant
    }

    pub(crate) fn actor(&self) -> Actor<'_> {
        Actor {
            unit: &self.person.tenant,
            person: Some(&self.person.person_id),
        }
    }

    pub(crate) fn cookie(&self) -> &Token {
        &self.cookie
    }

    /// What every form of the session brings.
    pub(crate) fn form_token(&self) -> String {
        Session::form_token(&self.cookie)
    }

    /// # Errors
    /// A refusal if the person's roles do not hold this one.
    pub(crate) fn must_be(&self, role: PersonRole) -> Result<(), Refused> {
        match self.person.is(role) {
            true => Ok(()),
            false => Err(Refused::Page(self.words, Why::Role)),
        }
    }

    /// The frame of the person's page.
    pub(crate) fn shell(&self, here: &'static str, waiting: u64) -> Shell {
        Shell {
            signed: Some(Signed {
                unit: self.person.tenant.to_string(),
                person: self.person.name.to_string(),
                waiting,
                form_token: self.form_token(),
                may_review: self.person.is(PersonRole::Reviewer),
                may_audit: self.person.is(PersonRole::Auditor),
            }),
            here,
            ..shell_without_person(self.words, &self.path)
        }
    }

    /// As [`Self::shell`], with the leads that wait counted.
    pub(crate) async fn counted_shell(
        &self,
        shared: &Shared,
        here: &'static str,
    ) -> Result<Shell, Refused> {
        if !self.person.is(PersonRole::Reviewer) {
            return Ok(self.shell(here, 0));
        }
        let counts = self.counts(shared).await?;
        Ok(self.shell(here, counts.in_tab(LeadTab::Open)))
    }

    /// How many leads of the unit are in each tab of the inbox.
    pub(crate) async fn counts(&self, shared: &Shared) -> Result<LeadCounts, Refused> {
        let counts = shared.store.leads.lead_counts(self.unit()).await;
        counts.map_err(Refused::store(self.words))
    }
}

/// Whether a form comes from a page of ours: a browser says so, and no page can make it lie.
pub(crate) fn is_from_here(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    if site.is_some_and(|site| site != "same-origin") {
        return false;
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN);
    let authority = origin.and_then(|it| it.split_once("://")).map(|it| it.1);
    match authority {
        Some(authority) => text(header::HOST).is_some_and(|host| host == authority),
        None => origin.is_none() && site.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &str)], expected: bool) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().expect("a header"));
        }
        assert_eq!(is_from_here(&map), expected, "{headers:?}");
    }

    #[test]
    fn a_form_of_another_site_is_told_from_ours() {
        let host = ("host", "127.0.0.1:8750");
        let ours = ("origin", "http://127.0.0.1:8750");
        check(&[host, ours], true);
        check(&[host, ours, ("sec-fetch-site", "same-origin")], true);
        check(&[host, ("sec-fetch-site", "same-origin")], true);
        check(&[host], false);
        check(&[host, ("origin", "null")], false);
        check(
            &[host, ("origin", "null"), ("sec-fetch-site", "same-origin")],
            false,
        );
        check(&[host, ("origin", "http://evil.example")], false);
        check(&[host, ("origin", "http://127.0.0.1:9000")], false);
        check(&[host, ours, ("sec-fetch-site", "cross-site")], false);
        check(&[host, ours, ("sec-fetch-site", "same-site")], false);
    }

    #[test]
    fn only_a_path_of_ours_is_gone_to() {
        for (text, expected) in [
            ("/leads/abc", "/leads/abc"),
            ("//evil.example", "/leads"),
            ("https://evil.example", "/leads"),
            ("/\\evil.example", "/leads"),
            ("/a\r\nset-cookie: x", "/leads"),
            ("", "/leads"),
        ] {
            assert_eq!(own_path(text), expected);
        }
    }
}
