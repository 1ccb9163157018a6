//! People: what each may do, two opinions, who else looks, and the sealed report.

use http::{Request, header};
use records::{AuditAction, Label, LeadId, PersonId, PersonRole, SealedReport};
use serde_json::{Value, json};

use crate::pages::{Browser, REVIEWER, SUPERVISOR, place, status, text, with_lead};
use crate::world::{Answer, World, tenant, token};

/// A token that an administrator issues for the unit.
async fn issued(world: &World, body: Value) -> String {
    let path = "/v1/tenants/unit/tokens";
    let answer = world.json("POST", path, "house", &body).await;
    answer.expect(201);
    answer.text("token")
}

async fn call(world: &World, method: &str, path: &str, token: &str, body: Value) -> Answer {
    let request = Request::builder().method(method).uri(path);
    let request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    let request = request.header(header::CONTENT_TYPE, "application/json");
    let body = match body.is_null() {
        true => String::new(),
        false => body.to_string(),
    };
    world.send(request.body(body.into()).unwrap()).await
}

async fn ask_for_two(world: &World) {
    let body = json!({ "tell_withdrawals": false, "second_opinion": true });
    let set = world.json("PUT", "/v1/settings", "unit", &body).await;
    assert_eq!(set.expect(200)["second_opinion"], true);
}

async fn says(browser: &Browser<'_>, lead: &str, verdict: &str) -> Answer {
    let version = browser.version(lead).await;
    let fields = [
        ("verdict", verdict),
        ("version", version.as_str()),
        ("note", "a scar of the print"),
    ];
    browser
        .form(&format!("/leads/{lead}/verdict"), &fields)
        .await
}

async fn in_tab(world: &World, tab: &str) -> u64 {
    let counts = world.get("/v1/leads/counts", "unit").await.expect(200);
    let of = |level: &str| counts[tab][level].as_u64().unwrap();
    of("alert") + of("review")
}

#[tokio::test]
async fn each_call_is_for_the_roles_that_its_token_was_issued_with() {
    let (world, lead) = with_lead().await;
    let reviewer = issued(&world, json!({"role": "unit", "roles": ["reviewer"]})).await;
    let supervisor = issued(&world, json!({"role": "unit", "roles": ["supervisor"]})).await;
    let auditor = issued(&world, json!({"role": "unit", "roles": ["auditor"]})).await;
    let settings = json!({ "tell_withdrawals": true });
    let lead = format!("/v1/leads/{lead}");
    let report = format!("{lead}/report");
    for (method, path, body, expected) in [
        ("GET", lead.as_str(), Value::Null, [200, 403, 403]),
        ("GET", "/v1/leads/counts", Value::Null, [200, 403, 403]),
        ("GET", "/v1/references", Value::Null, [200, 403, 403]),
        ("GET", "/v1/alerts", Value::Null, [200, 403, 403]),
        ("PUT", "/v1/settings", settings, [403, 200, 403]),
        ("GET", "/v1/webhooks", Value::Null, [403, 200, 403]),
        ("DELETE", "/v1/references/0", Value::Null, [403, 404, 403]),
        ("GET", report.as_str(), Value::Null, [403, 409, 403]),
        ("GET", "/v1/audit", Value::Null, [403, 403, 200]),
    ] {
        for (token, expected) in [&reviewer, &supervisor, &auditor].into_iter().zip(expected) {
            let answer = call(&world, method, path, token, body.clone()).await;
            assert_eq!(answer.status.as_u16(), expected, "{method} {path}");
        }
    }
    for body in [
        json!({"role": "unit", "roles": []}),
        json!({"role": "unit", "roles": ["reviewer", "reviewer"]}),
        json!({"role": "unit", "roles": ["chief"]}),
        json!({"role": "unit", "roles": "reviewer"}),
        json!({"role": "uploader", "roles": ["reviewer"]}),
        json!({"role": "admin", "person": "S. Berg"}),
    ] {
        let refused = world
            .json("POST", "/v1/tenants/unit/tokens", "house", &body)
            .await;
        assert_eq!(refused.status.as_u16(), 422, "{body}");
    }
}

#[tokio::test]
async fn a_persons_token_is_named_in_the_log_and_signs_that_person_in_alone() {
    let (world, lead) = with_lead().await;
    let body = json!({"role": "unit", "roles": ["reviewer"], "person": "S. Berg"});
    let of_berg = issued(&world, body).await;
    let seen = call(
        &world,
        "GET",
        &format!("/v1/leads/{lead}"),
        &of_berg,
        Value::Null,
    )
    .await;
    seen.expect(200);
    let id = PersonId::of_token(&tenant("unit"), &Label::parse("S. Berg").unwrap());
    let log = world.audit_log("unit").await;
    assert_eq!(log.last().unwrap().by, Some(id.clone()));

    let mut berg = Browser::new(&world);
    let fields = [("name", "The Chief"), ("token", of_berg.as_str())];
    let entered = berg.form_from("same-origin", "/in", &fields).await;
    berg.keep(&entered);
    let me = berg.text("/me").await;
    assert!(me.contains("S. Berg") && !me.contains("The Chief"));
    assert_eq!(berg.get("/log").await.status, 403, "no auditor");

    let other = issued(&world, json!({"role": "unit", "roles": ["reviewer"]})).await;
    let mut said = Browser::new(&world);
    let fields = [("name", "S. Berg"), ("token", other.as_str())];
    let entered = said.form_from("same-origin", "/in", &fields).await;
    said.keep(&entered);
    said.get("/leads").await;
    let log = world.audit_log("unit").await;
    assert_ne!(
        log.last().unwrap().by,
        Some(id),
        "who says a name is not the person"
    );
}

#[tokio::test]
async fn a_name_that_has_more_roles_gives_none_to_who_says_it() {
    let (world, _) = with_lead().await;
    let all = Browser::new(&world);
    let fields = [("name", "The Chief"), ("token", &*token("unit"))];
    let entered = all.form_from("same-origin", "/in", &fields).await;
    assert_eq!(entered.status, 303);
    let few = issued(&world, json!({"role": "unit", "roles": ["auditor"]})).await;
    let mut browser = Browser::new(&world);
    let fields = [("name", "The Chief"), ("token", few.as_str())];
    let entered = browser.form_from("same-origin", "/in", &fields).await;
    assert_eq!(place(&entered), "/log");
    browser.keep(&entered);
    assert_eq!(browser.get("/leads").await.status, 403);
    assert_eq!(browser.get("/log").await.status, 200);
}

#[tokio::test]
async fn where_a_unit_asks_for_it_two_people_confirm_and_the_second_does_not_see_the_first() {
    let (world, lead) = with_lead().await;
    ask_for_two(&world).await;
    let one = Browser::signed_in(&world, "R. Amari", REVIEWER, 1).await;
    let two = Browser::signed_in(&world, "D. Okoro", REVIEWER, 2).await;
    assert_eq!(says(&one, &lead, "confirmed").await.status, 303);
    assert_eq!(status(&world, &lead).await, "open");
    assert_eq!(
        (in_tab(&world, "open").await, in_tab(&world, "second").await),
        (0, 1)
    );
    let sent = world.get(&format!("/v1/leads/{lead}"), "unit").await.json();
    assert_eq!(sent["awaits_second_opinion"], true);
    assert!(!sent.to_string().contains("R. Amari"), "{sent}");

    assert_eq!(says(&one, &lead, "confirmed").await.status, 409, "its own");
    world.pass(records::Presence::LASTS + std::time::Duration::from_secs(1)); // it has moved on
    let page = two.text(&format!("/leads/{lead}")).await;
    let main = page.split("<main").nth(1).unwrap();
    assert!(!main.contains("R. Amari") && !main.contains("a scar of the print"));
    let own = one.text(&format!("/leads/{lead}")).await;
    assert!(own.contains("a scar of the print"));
    assert_eq!(
        world.all("/v1/alerts", "unit").await.len(),
        1,
        "nothing is said of it"
    );

    assert_eq!(says(&two, &lead, "confirmed").await.status, 303);
    assert_eq!(status(&world, &lead).await, "confirmed");
    let page = two.text(&format!("/leads/{lead}")).await;
    assert!(page.contains("R. Amari"), "then both are shown");
    let alerts = world.all("/v1/alerts", "unit").await;
    assert_eq!(alerts.last().unwrap()["data"]["status"], "confirmed");
    assert_eq!(in_tab(&world, "second").await, 0);
}

#[tokio::test]
async fn two_who_disagree_leave_the_lead_unclear_and_a_first_opinion_is_taken_back() {
    let (world, lead) = with_lead().await;
    ask_for_two(&world).await;
    let one = Browser::signed_in(&world, "R. Amari", REVIEWER, 1).await;
    let two = Browser::signed_in(&world, "D. Okoro", REVIEWER, 2).await;
    says(&one, &lead, "confirmed").await;
    let back = one.form(&format!("/leads/{lead}/take-back"), &[]).await;
    assert_eq!(back.status, 303);
    assert_eq!(
        (in_tab(&world, "open").await, in_tab(&world, "second").await),
        (1, 0)
    );
    world.pass(std::time::Duration::from_secs(1));
    says(&one, &lead, "confirmed").await;
    says(&two, &lead, "dismissed").await;
    assert_eq!(status(&world, &lead).await, "unsure");
    let id = LeadId::parse(&lead).unwrap();
    let history = world
        .store
        .leads
        .verdicts(&tenant("unit"), &id)
        .await
        .unwrap();
    assert_eq!(history.len(), 4, "what each said stays");
}

#[tokio::test]
async fn a_token_of_no_person_gives_no_opinion_where_two_people_are_asked() {
    let (world, lead) = with_lead().await;
    ask_for_two(&world).await;
    let path = format!("/v1/leads/{lead}/verdict");
    let yes = json!({ "verdict": "confirmed", "decided_by": "desk 3" });
    world.json("POST", &path, "unit", &yes).await.expect(409);
    let names = ["S. Berg", "A. Lund"];
    for (name, expected) in names.into_iter().zip(["open", "confirmed"]) {
        let body = json!({"role": "unit", "roles": ["reviewer"], "person": name});
        let token = issued(&world, body).await;
        let answer = call(&world, "POST", &path, &token, yes.clone()).await;
        assert_eq!(answer.expect(200)["status"], expected);
        if expected == "open" {
            call(&world, "POST", &path, &token, yes.clone())
                .await
                .expect(409);
        }
    }
}

#[tokio::test]
async fn a_page_says_who_else_looks_at_a_lead_now() {
    let (world, lead) = with_lead().await;
    let one = Browser::signed_in(&world, "R. Amari", REVIEWER, 1).await;
    let two = Browser::signed_in(&world, "D. Okoro", REVIEWER, 2).await;
    let main = |page: String| page.split("<main").nth(1).unwrap().to_owned();
    one.get(&format!("/leads/{lead}")).await;
    assert!(main(two.text("/leads").await).contains("R. Amari"));
    assert!(main(two.text(&format!("/leads/{lead}")).await).contains("R. Amari"));
    assert!(
        !main(two.text("/leads").await).contains("D. Okoro"),
        "not oneself"
    );
    let here = two.form(&format!("/leads/{lead}/here"), &[]).await;
    assert_eq!(here.status, 204);
    world.pass(records::Presence::LASTS + std::time::Duration::from_secs(1));
    assert!(!main(one.text("/leads").await).contains("D. Okoro"), "gone");
}

#[tokio::test]
async fn a_report_is_sealed_once_a_verdict_is_there_and_a_changed_letter_breaks_it() {
    let (world, lead) = with_lead().await;
    let path = format!("/v1/leads/{lead}/report");
    world.get(&path, "unit").await.expect(409);
    let one = Browser::signed_in(&world, "R. Amari", SUPERVISOR, 1).await;
    let early = one.form(&format!("/leads/{lead}/seal"), &[]).await;
    assert_eq!(early.status, 303, "back to the draft");
    says(&one, &lead, "confirmed").await;
    let file = one.form(&format!("/leads/{lead}/seal"), &[]).await;
    assert_eq!(file.status, 200);
    let sealed: SealedReport = serde_json::from_slice(&file.body).unwrap();
    let report = sealed.opened().unwrap();
    assert_eq!(report.made_by, Label::parse("R. Amari").ok());
    assert_eq!(report.lead.lead_id.as_str(), lead);
    assert_eq!(report.verdicts.len(), 1);
    assert!(report.log.is_whole);
    let deeds: Vec<_> = report.log.entries.iter().map(|it| it.action).collect();
    assert!(
        deeds.contains(&AuditAction::LeadJudged) && deeds.ends_with(&[AuditAction::ReportSealed])
    );
    assert_eq!(report.leads_of_photo["confirmed"], 1);
    let key = world.get("/v1/receipts-key", "").await.text("public_key");
    assert_eq!(sealed.is_by(&key), Ok(()));
    let changed = SealedReport {
        report: sealed.report.replace("R. Amari", "R. Amaro"),
        ..sealed
    };
    assert!(changed.opened().is_err());
    let by_api = world.get(&path, "unit").await;
    let sealed: SealedReport = serde_json::from_value(by_api.expect(200)).unwrap();
    assert_eq!(sealed.opened().unwrap().made_by, None);
    let reviewer = Browser::signed_in(&world, "D. Okoro", &[PersonRole::Reviewer], 2).await;
    let refused = reviewer.form(&format!("/leads/{lead}/seal"), &[]).await;
    assert_eq!(refused.status, 403);
    assert!(!text(&refused).contains("R. Amari"));
}
