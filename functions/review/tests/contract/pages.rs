//! The pages for people: who gets in, what a form may do, and what no page says.

use std::time::Duration;

use axum::body::Body;
use http::{Request, header};
use records::{AuditAction, Label, LeadId, Person, PersonId, PersonRole, SignInLink, Token};
use serde_json::json;
use url::form_urlencoded;

use crate::world::{Answer, World, tenant, token};

const PDQ: &str = "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff";
const HOST: &str = "127.0.0.1:8750";

/// A browser, signed in or not.
pub struct Browser<'a> {
    world: &'a World,
    cookie: String,
}

fn code(n: u8) -> Token {
    Token::from_random(&[n; 32])
}

/// A link for a person of a unit; gives its path.
async fn link(world: &World, unit: &str, name: &str, roles: &[PersonRole], n: u8) -> String {
    let name = Label::parse(name).unwrap();
    let person = Person {
        person_id: PersonId::of_name(&tenant(unit), &name),
        tenant: tenant(unit),
        name,
        roles: roles.to_vec(),
        created_at: world.now(),
    };
    world.store.tenants.make_person(&person).await.unwrap();
    let link = SignInLink {
        person_id: person.person_id,
        tenant: tenant(unit),
        expires_at: world.now().plus(SignInLink::VALID),
    };
    world
        .store
        .tenants
        .put_sign_in_link(&code(n), &link)
        .await
        .unwrap();
    format!("/in/{}", code(n).reveal())
}

pub const REVIEWER: &[PersonRole] = &[PersonRole::Reviewer];
pub const SUPERVISOR: &[PersonRole] = &[PersonRole::Reviewer, PersonRole::Supervisor];

impl<'a> Browser<'a> {
    pub fn new(world: &'a World) -> Self {
        let cookie = String::new();
        Self { world, cookie }
    }

    pub async fn signed_in(world: &'a World, name: &str, roles: &[PersonRole], n: u8) -> Self {
        let mut browser = Self::new(world);
        let entered = browser
            .get(&link(world, "unit", name, roles, n).await)
            .await;
        browser.keep(&entered);
        browser
    }

    pub fn keep(&mut self, answer: &Answer) {
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"));
        self.cookie = cookie.split(';').next().unwrap().to_owned();
    }

    fn request(&self, method: &str, path: &str) -> http::request::Builder {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::HOST, HOST);
        let request = request.header(header::ACCEPT, "text/html");
        match self.cookie.is_empty() {
            true => request,
            false => request.header(header::COOKIE, &self.cookie),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = self.request("GET", path).body(Body::empty());
        self.world.send(request.unwrap()).await
    }

    /// Sends a form as it stands on a page of ours.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let of_page = self.text("/help").await;
        let token = of_page.split("name=\"form_token\" value=\"").nth(1);
        let token = token.map_or("", |rest| rest.split('"').next().unwrap());
        let fields = [fields, &[("form_token", token)]].concat();
        self.form_from("same-origin", path, &fields).await
    }

    pub async fn form_from(&self, site: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let request = self
            .request("POST", path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header("sec-fetch-site", site)
            .header(header::ORIGIN, format!("http://{HOST}"));
        self.world.send(request.body(body.into()).unwrap()).await
    }

    pub async fn text(&self, path: &str) -> String {
        text(&self.get(path).await)
    }

    /// The version that the page of a lead has in its form.
    pub async fn version(&self, lead: &str) -> String {
        let page = self.text(&format!("/leads/{lead}")).await;
        let rest = page.split("name=\"version\" value=\"").nth(1).unwrap();
        rest.split('"').next().unwrap().to_owned()
    }
}

pub fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

pub fn place(answer: &Answer) -> &str {
    answer.headers[header::LOCATION].to_str().unwrap()
}

pub async fn status(world: &World, lead: &str) -> String {
    world
        .get(&format!("/v1/leads/{lead}"), "unit")
        .await
        .text("status")
}

pub async fn with_lead() -> (World, String) {
    let world = World::with_pages().await;
    let reference = world.reference("unit", "case 26-0417", PDQ).await;
    let lead = world.lead("unit", &reference, "ad.jpg").await;
    (world, lead)
}

#[tokio::test]
async fn a_link_signs_in_once_and_not_after_ten_minutes() {
    let (world, _) = with_lead().await;
    let mut browser = Browser::new(&world);
    let path = link(&world, "unit", "R. Amari", REVIEWER, 1).await;
    let entered = browser.get(&path).await;
    assert_eq!((entered.status.as_u16(), place(&entered)), (303, "/leads"));
    assert_eq!(browser.get(&path).await.status, 403, "used");
    browser.keep(&entered);
    assert_eq!(browser.get("/leads").await.status, 200);
    let late = link(&world, "unit", "R. Amari", REVIEWER, 2).await;
    world.pass(SignInLink::VALID);
    assert_eq!(browser.get(&late).await.status, 403, "too old");
    assert_eq!(browser.get("/in/nonsense").await.status, 403);
}

#[tokio::test]
async fn a_cookie_opens_no_api_and_a_token_no_page() {
    let (world, _) = with_lead().await;
    let browser = Browser::signed_in(&world, "R. Amari", REVIEWER, 1).await;
    let request = browser
        .request("GET", "/v1/leads")
        .header(header::ACCEPT, "*/*");
    let answer = world.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 401);
    let cookie = browser.cookie.split_once('=').unwrap().1;
    let request = Request::get("/v1/leads").header("authorization", format!("Bearer {cookie}"));
    assert_eq!(
        world
            .send(request.body(Body::empty()).unwrap())
            .await
            .status,
        401
    );
    assert_eq!(
        world.get("/leads", "unit").await.status,
        303,
        "to the sign-in page"
    );
    let stolen = Browser {
        world: &world,
        cookie: format!("homeward={}", token("unit")),
    };
    assert_eq!(stolen.get("/leads").await.status, 303);
}

#[tokio::test]
async fn a_units_token_signs_a_named_person_in_and_no_other_token_does() {
    let (world, _) = with_lead().await;
    let browser = Browser::new(&world);
    for (name, role, expected) in [
        ("R. Amari", "unit", 303),
        ("", "unit", 403),
        ("R. Amari", "agency", 403),
        ("R. Amari", "house", 403),
    ] {
        let fields = [("name", name), ("token", &token(role))];
        let answer = browser.form_from("same-origin", "/in", &fields).await;
        assert_eq!(answer.status.as_u16(), expected, "{name} {role}");
    }
}

#[tokio::test]
async fn a_form_from_elsewhere_changes_nothing() {
    let (world, lead) = with_lead().await;
    let browser = Browser::signed_in(&world, "R. Amari", REVIEWER, 1).await;
    let version = browser.version(&lead).await;
    let path = format!("/leads/{lead}/verdict");
    let fields = [("verdict", "confirmed"), ("version", version.as_str())];
    for site in ["same-origin", "cross-site", "same-site", "none"] {
        let answer = browser.form_from(site, &path, &fields).await;
        assert_eq!(answer.status, 403, "without a token, from {site}");
    }
    let other = Browser::signed_in(&world, "D. Okoro", REVIEWER, 2).await;
    let page = other.text("/help").await;
    let token = page.split("name=\"form_token\" value=\"").nth(1).unwrap();
    let of_other = [&fields[..], &[("form_token", &token[..32])]].concat();
    assert_eq!(
        browser
            .form_from("same-origin", &path, &of_other)
            .await
            .status,
        403
    );
    assert_eq!(status(&world, &lead).await, "open");
    assert_eq!(
        browser.form(&path, &fields).await.status,
        303,
        "from our own page"
    );
    assert_eq!(status(&world, &lead).await, "confirmed");
}

#[tokio::test]
async fn of_two_who_judge_one_lead_the_later_sees_it_and_overwrites_nothing() {
    let (world, lead) = with_lead().await;
    let one = Browser::signed_in(&world, "R. Amari", REVIEWER, 1).await;
    let two = Browser::signed_in(&world, "D. Okoro", REVIEWER, 2).await;
    let seen = one.version(&lead).await;
    let path = format!("/leads/{lead}/verdict");
    let verdict = |word| {
        [
            ("verdict", word),
            ("version", seen.as_str()),
            ("note", "typed long"),
        ]
    };
    assert_eq!(one.form(&path, &verdict("confirmed")).await.status, 303);
    let late = two.form(&path, &verdict("dismissed")).await;
    assert_eq!(late.status, 409);
    assert!(
        text(&late).contains("typed long"),
        "what was typed is given back"
    );
    assert!(
        text(&late).contains("R. Amari"),
        "and the colleague's verdict is shown"
    );
    let judged = world.get(&format!("/v1/leads/{lead}"), "unit").await.json();
    assert_eq!(judged["verdict"]["decided_by"], "R. Amari");
    assert_eq!(judged["status"], "confirmed");
    let log = world.audit_log("unit").await;
    let judged = log.iter().filter(|it| it.action == AuditAction::LeadJudged);
    let by: Vec<_> = judged.map(|it| it.by.clone().unwrap()).collect();
    let name = Label::parse("R. Amari").unwrap();
    assert_eq!(by, [PersonId::of_name(&tenant("unit"), &name)]);
}

#[tokio::test]
async fn a_verdict_is_taken_back_for_seconds_by_its_giver_alone() {
    let (world, lead) = with_lead().await;
    let one = Browser::signed_in(&world, "R. Amari", REVIEWER, 1).await;
    let two = Browser::signed_in(&world, "D. Okoro", REVIEWER, 2).await;
    let (path, back) = (
        format!("/leads/{lead}/verdict"),
        format!("/leads/{lead}/take-back"),
    );
    for word in ["confirmed", "dismissed"] {
        let version = one.version(&lead).await;
        let fields = [("verdict", word), ("version", version.as_str())];
        assert_eq!(one.form(&path, &fields).await.status, 303);
        assert_eq!(two.form(&back, &[]).await.status, 409, "another's");
        if word == "dismissed" {
            world.pass(Duration::from_secs(21));
            assert_eq!(one.form(&back, &[]).await.status, 409, "too late");
            break;
        }
        world.pass(Duration::from_secs(14));
        assert_eq!(one.form(&back, &[]).await.status, 303);
        assert_eq!(status(&world, &lead).await, "open");
        world.pass(Duration::from_secs(1));
    }
    assert_eq!(status(&world, &lead).await, "dismissed");
    let id = LeadId::parse(&lead).unwrap();
    let history = world
        .store
        .leads
        .verdicts(&tenant("unit"), &id)
        .await
        .unwrap();
    assert_eq!(history.len(), 3, "all of it stays");
    let told = world.all("/v1/alerts", "unit").await;
    let told: Vec<_> = told.iter().map(|it| it["data"]["status"].clone()).collect();
    assert_eq!(told, ["open", "confirmed", "open", "dismissed"]);
}

#[tokio::test]
async fn anothers_lead_looks_like_none() {
    let (world, lead) = with_lead().await;
    let mut rival = Browser::new(&world);
    let path = link(&world, "rival", "Rival", SUPERVISOR, 3).await;
    let entered = rival.get(&path).await;
    rival.keep(&entered);
    for path in ["", "/photo", "/part", "/placed", "/whole", "/report"] {
        let theirs = rival.get(&format!("/leads/{lead}{path}")).await;
        let none = rival
            .get(&format!("/leads/{}{path}", "0".repeat(lead.len())))
            .await;
        assert_eq!(theirs.status, 404);
        assert_eq!(theirs.body, none.body);
    }
}

#[tokio::test]
async fn an_auditor_sees_the_record_and_no_picture() {
    let (world, lead) = with_lead().await;
    let auditor = Browser::signed_in(&world, "Auditor", &[PersonRole::Auditor], 1).await;
    assert_eq!(auditor.get("/log").await.status, 200);
    for path in [
        "/leads".to_owned(),
        format!("/leads/{lead}"),
        format!("/leads/{lead}/part"),
    ] {
        assert_eq!(auditor.get(&path).await.status, 403, "{path}");
    }
    let reviewer = Browser::signed_in(&world, "R. Amari", REVIEWER, 2).await;
    assert_eq!(reviewer.get("/log").await.status, 403);
}

#[tokio::test]
async fn a_session_ends_with_the_token_that_opened_it() {
    let (world, _) = with_lead().await;
    let path = "/v1/tenants/unit/tokens";
    let role = json!({ "role": "unit" });
    let issued = world.json("POST", path, "house", &role).await.expect(201);
    let by_token = [
        ("name", "R. Amari"),
        ("token", issued["token"].as_str().unwrap()),
    ];
    let mut browser = Browser::new(&world);
    let answer = browser.form_from("same-origin", "/in", &by_token).await;
    browser.keep(&answer);
    let of_link = Browser::signed_in(&world, "R. Amari", REVIEWER, 1).await;
    assert_eq!(browser.get("/help").await.status, 200);
    let token_id = issued["token_id"].as_str().unwrap();
    let of_token = format!("{path}/{token_id}");
    world.call("DELETE", &of_token, "house").await.expect(204);
    assert_eq!(
        browser.get("/help").await.status,
        303,
        "its token is revoked"
    );
    assert_eq!(of_link.get("/help").await.status, 200, "opened by a link");
}

#[tokio::test]
async fn a_session_ends_when_it_is_left_and_when_it_is_old() {
    let (world, _) = with_lead().await;
    let browser = Browser::signed_in(&world, "R. Amari", REVIEWER, 1).await;
    for _ in 0..3 {
        world.pass(Duration::from_secs(25 * 60));
        assert_eq!(browser.get("/help").await.status, 200, "used");
    }
    world.pass(Duration::from_secs(31 * 60));
    assert_eq!(browser.get("/help").await.status, 303, "left");
    let browser = Browser::signed_in(&world, "R. Amari", REVIEWER, 2).await;
    assert_eq!(browser.form("/out", &[]).await.status, 303);
    assert_eq!(browser.get("/help").await.status, 303, "signed out");
}

#[tokio::test]
async fn pages_have_a_strict_policy_and_no_case_number_in_addresses_and_titles() {
    let (world, lead) = with_lead().await;
    let browser = Browser::signed_in(&world, "R. Amari", SUPERVISOR, 1).await;
    let page = browser.text(&format!("/leads/{lead}")).await;
    assert!(page.contains("case 26-0417"));
    for path in [
        "/leads".to_owned(),
        format!("/leads/{lead}"),
        "/cases".to_owned(),
    ] {
        let answer = browser.get(&path).await;
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"));
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
        let page = text(&answer);
        let title = page.split("</title>").next().unwrap();
        assert!(!title.contains("26-0417"), "{title}");
        let mut links = page.split("href=\"").skip(1);
        assert!(links.all(|rest| !rest.split('"').next().unwrap().contains("26-0417")));
        assert!(!page.contains(" style=\"") && !page.contains("<script>"));
    }
}

#[tokio::test]
async fn where_there_are_no_pages_the_api_answers_as_ever() {
    let world = World::new().await;
    for path in ["/", "/leads", "/in"] {
        let request = Request::get(path).header(header::ACCEPT, "text/html,*/*");
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        answer.expect(404);
    }
}
