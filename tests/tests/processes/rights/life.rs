//! One life of a deployment, in which every function does all that it is for.

use std::collections::BTreeMap;
use std::time::Duration;

use proofs::backend::{Backend, token};
use proofs::cloud::{Cloud, PICTURES, once};
use proofs::events::{self, Message, timer};
use proofs::receiver::Receiver;
use proofs::wire::Call;
use proofs::world::{Put, World};
use serde_json::{Value, json};

/// Objects are two hours old as they arrive, so that `upkeep` loses patience with them.
fn two_hours_ago() -> jiff::Timestamp {
    jiff::Timestamp::now() - Duration::from_secs(2 * 3_600)
}

/// How long a reference lives that has a date: enough to be enrolled on a busy machine.
const BRIEF: Duration = Duration::from_secs(15);
/// After the first attempt at a webhook that refuses, the second is due.
const FIRST_WAIT: Duration = Duration::from_secs(6);

/// Every call that each function made.
pub fn lived() -> BTreeMap<&'static str, Vec<Call>> {
    let world = World::draw(2, 1, 31);
    // Ads may go once they are recorded, and lie in segments at once.
    let variables = [
        ("HOMEWARD_ADS_KEPT_DAYS", "0"),
        ("HOMEWARD_TAIL_ITEMS_MIN", "1"),
    ];
    let cloud = Cloud::with(Backend::embedded_at(two_hours_ago), &variables);
    let (receiver, gone) = (Receiver::start(), Receiver::answering(410));
    let slow = Receiver::answering(503);
    let life = Life { cloud, world };
    life.administrators();
    for (name, receiver) in [("desk", &receiver), ("gone", &gone), ("slow", &slow)] {
        life.webhook(name, &receiver.url());
    }
    life.uploads();
    life.photos();
    life.counted();
    life.compaction();
    life.leads();
    life.pages();
    life.held();
    life.retracted();
    life.references();
    life.ends();
    life.timers();
    assert!(!receiver.received().is_empty() && !gone.received().is_empty());
    let called = life.cloud.pictures.called();
    let functions = PICTURES.map(|name| life.cloud.backend.function_name(name));
    assert!(functions.iter().all(|it| called.contains(it)), "{called:?}");
    life.cloud.calls()
}

/// The hidden fields of a page's first form that judges, as a browser sends them back.
fn fields(page: &str) -> String {
    let form = page.split("/verdict\"").nth(1).expect("a form that judges");
    let form = form.split("</form>").next().unwrap_or_default();
    let inputs = form
        .split("<input")
        .filter(|it| it.contains("type=\"hidden\""));
    let value = |input: &str, name: &str| {
        let from = input.split(&format!("{name}=\"")).nth(1)?;
        from.split('"').next().map(str::to_owned)
    };
    let pairs =
        inputs.filter_map(|it| Some(format!("{}={}", value(it, "name")?, value(it, "value")?)));
    pairs.collect::<Vec<_>>().join("&")
}

struct Life {
    cloud: Cloud,
    world: World,
}

impl Life {
    /// A request that must succeed.
    fn ask(&self, who: &str, method: &str, path: &str, body: Value) -> Value {
        let body = (!body.is_null()).then_some(&body);
        let (status, answer) = self.cloud.ask(who, method, path, body);
        assert!((200..300).contains(&status), "{method} {path}: {answer}");
        answer
    }

    fn get(&self, who: &str, path: &str) -> Value {
        self.ask(who, "GET", path, Value::Null)
    }

    fn administrators(&self) {
        let tenant = json!({"tenant": "second", "is_unit": true, "legal_basis": "consent"});
        self.ask("admin", "POST", "/v1/tenants", tenant);
        self.get("admin", "/v1/tenants");
        let tokens = "/v1/tenants/second/tokens";
        let made = self.ask("admin", "POST", tokens, json!({"role": "unit"}));
        self.get("admin", tokens);
        let path = format!("{tokens}/{}", made["token_id"].as_str().unwrap());
        self.ask("admin", "DELETE", &path, Value::Null);
        let quota = "/v1/tenants/uploader/quota";
        let bound = json!({"uploads_per_day_max": 1_000_000});
        self.ask("admin", "PUT", quota, bound);
        self.get("admin", "/v1/audit?tenant=second");
        self.get("unit", "/v1/audit");
        self.get("unit", "/v1/receipts-key");
    }

    fn webhook(&self, name: &str, url: &str) {
        let path = format!("/v1/webhooks/{name}");
        self.ask("unit", "PUT", &path, json!({ "url": url }));
        self.get("unit", &path);
        self.get("unit", "/v1/webhooks");
    }

    /// By a form that `review` signs, as uploaders do.
    fn uploads(&self) {
        let form = self.ask("uploader", "POST", "/v1/uploads", json!({}));
        let photo = std::fs::read(&self.world.ads()[0].path).unwrap();
        let status = post_form(&form, &photo);
        assert!((200..300).contains(&status), "{status}");
        self.get("uploader", "/v1/uploads");
        let key = &form["object_key"];
        let put = json!({"key": key, "size": photo.len(), "etag": "e"});
        self.take_in("ads_bucket", &put);
    }

    fn take_in(&self, bucket: &str, put: &Value) {
        let bucket = self.cloud.backend.ready()[bucket].clone();
        let message = Message::created(bucket.as_str().unwrap(), put);
        let function = match message.body.contains("ads/") {
            true => &self.cloud.ingest,
            false => &self.cloud.enroll,
        };
        self.cloud.send(function, &[message], once);
    }

    /// Photos of both kinds: good, broken, gone, put again, and one whose event is lost.
    fn photos(&self) {
        let references = self.cloud.upload(&self.world.references());
        let mut ads = self.world.ads();
        let broken = self.world.path("broken.jpg");
        std::fs::write(&broken, "no picture at all").unwrap();
        let of = |put: &Put, key: &str| Put {
            key: key.to_owned(),
            ..put.clone()
        };
        ads.push(Put {
            path: broken.clone(),
            ..of(&ads[0], "ads/uploader/broken.jpg")
        });
        let unreadable = Put {
            path: broken,
            ..of(
                &self.world.references()[0],
                "references/unit/broken/photo.jpg",
            )
        };
        let unreadable = self.cloud.upload(&[unreadable]);
        let lost = [
            of(&ads[0], "ads/uploader/lost.jpg"),
            of(
                &self.world.references()[0],
                "references/unit/lost/photo.jpg",
            ),
        ];
        self.cloud.upload(&lost);
        let messages = self.cloud.upload(&ads);
        self.cloud.send(&self.cloud.enroll, &unreadable, once);
        self.cloud.send(&self.cloud.ingest, &messages[..4], once);
        self.cloud.send(&self.cloud.enroll, &references, once);
        self.cloud.send(&self.cloud.enroll, &references, once);
        self.cloud.send(&self.cloud.ingest, &messages[4..], once);
        for (bucket, key) in [
            ("ads_bucket", "ads/uploader/never.jpg"),
            ("references_bucket", "references/unit/never/photo.jpg"),
        ] {
            self.take_in(bucket, &json!({"key": key, "size": 1, "etag": "e"}));
        }
        self.cloud.settle(once);
        self.get("uploader", "/v1/uploads");
        self.deleted();
    }

    /// A unit takes a reference back by deleting its photo.
    fn deleted(&self) {
        let key = "references/unit/deleted/photo.jpg";
        let put = Put {
            key: key.to_owned(),
            ..self.world.references()[1].clone()
        };
        let put = self.cloud.upload(&[put]);
        self.cloud.send(&self.cloud.enroll, &put, once);
        let statuses = || {
            let all = self.cloud.all("unit", "/v1/references");
            let of_case = all.into_iter().filter(|it| it["case_id"] == "deleted");
            of_case.map(|it| it["status"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(statuses(), ["active"]);
        let bucket = self.cloud.backend.ready()["references_bucket"].clone();
        let removed = Message::removed(bucket.as_str().unwrap(), key);
        self.cloud
            .send(&self.cloud.enroll, std::slice::from_ref(&removed), once);
        assert_eq!(statuses(), ["active"], "its photo is still there");
        self.cloud.backend.delete("references_bucket", key);
        self.cloud.send(&self.cloud.enroll, &[removed], once);
        assert_eq!(statuses(), ["withdrawn"]);
        self.cloud.settle(once);
    }

    /// The past moves into segments; references that come now are searched for there.
    fn compaction(&self) {
        let compact = json!({ "task": upkeep::Task::Compact.as_str() });
        let done = self.cloud.upkeep.invoke(&compact).unwrap();
        assert_ne!(done["compacted"], 0, "{done}");
    }

    fn leads(&self) {
        let leads = self.cloud.all("unit", "/v1/leads");
        let path = format!("/v1/leads/{}", leads[0]["lead_id"].as_str().unwrap());
        self.get("unit", &path);
        self.get("unit", &format!("{path}/sightings"));
        let verdict = json!({"verdict": "confirmed"});
        self.ask("unit", "POST", &format!("{path}/verdict"), verdict);
        self.get("unit", "/v1/alerts");
        // The same image once more: the lead grows, and a digest tells of it.
        let again = Put {
            key: "ads/uploader/again.jpg".into(),
            ..self.world.ads()[0].clone()
        };
        let again = self.cloud.upload(&[again]);
        self.cloud.send(&self.cloud.ingest, &again, once);
        self.cloud.settle(once);
        let digests = json!({ "task": upkeep::Task::Digests.as_str() });
        let done = self.cloud.upkeep.invoke(&digests).unwrap();
        assert_ne!(done["digests"], 0, "{done}");
    }

    /// An officer signs in by a token, looks at a lead and its pictures, and decides.
    fn pages(&self) {
        let cookie = self.signed_in();
        let leads = self.cloud.all("unit", "/v1/leads");
        let lead = leads.iter().find(|lead| lead["status"] == "open").unwrap();
        let path = format!("/leads/{}", lead["lead_id"].as_str().unwrap());
        let of_reference = format!("/references/{}", lead["reference_id"].as_str().unwrap());
        for target in ["/leads", "/cases", "/log", "/me", &format!("{path}/report")] {
            self.page(&cookie, target);
        }
        let pictures = ["photo", "part", "placed", "whole"].map(|kind| format!("{path}/{kind}"));
        for target in pictures
            .into_iter()
            .chain([format!("{of_reference}/small")])
        {
            let answer = self.page(&cookie, &target);
            assert_eq!(
                answer["headers"]["content-type"], "image/jpeg",
                "{target}: {answer}"
            );
            assert_eq!(answer["isBase64Encoded"], true, "{target}");
        }
        let page = self.page(&cookie, &path);
        let form = fields(page["body"].as_str().unwrap()) + "&verdict=confirmed";
        let verdict = events::browser(&cookie, "POST", &format!("{path}/verdict"), Some(&form));
        let answer = self.cloud.review.invoke(&verdict).unwrap();
        assert_eq!(answer["statusCode"], 303, "{answer}");
        let judged = self.get("unit", &format!("/v1{path}"));
        assert_eq!(judged["status"], "confirmed", "{judged}");
    }

    fn signed_in(&self) -> String {
        let form = format!("token={}&name=Ada", token("unit").reveal());
        let asked = events::browser("", "POST", "/in", Some(&form));
        let answer = self.cloud.review.invoke(&asked).unwrap();
        let set = answer["cookies"][0].as_str().unwrap_or_default();
        let (cookie, rest) = set.split_once(';').unwrap_or_default();
        assert!(cookie.starts_with("__Host-homeward="), "{answer}");
        assert!(
            rest.contains("Secure") && rest.contains("HttpOnly"),
            "{rest}"
        );
        cookie.to_owned()
    }

    fn page(&self, cookie: &str, target: &str) -> Value {
        let asked = events::browser(cookie, "GET", target, None);
        let answer = self.cloud.review.invoke(&asked).unwrap();
        assert_eq!(answer["statusCode"], 200, "{target}: {answer}");
        answer
    }

    /// A reference that matches more than its limit: the leads beyond it are held, then one is brought
    /// by another uploader too and the other one released.
    fn held(&self) {
        let leads = self.cloud.all("unit", "/v1/leads");
        let of_first = |lead: &&Value| lead["case_id"] == "person 0.jpg";
        let lead = leads.iter().find(of_first).unwrap();
        let id = lead["reference_id"].as_str().unwrap();
        let release = format!("/v1/references/{id}/release");
        let limit = json!({"alerts_per_day_max": 1});
        self.ask("unit", "POST", &release, limit);
        let copies = [1, 2, 3].map(|number| self.copy("ad 0 small.jpg", number));
        let messages = self.cloud.upload(&copies);
        self.cloud.send(&self.cloud.ingest, &messages, once);
        self.cloud.settle(once);
        let leads = self.cloud.all("unit", "/v1/leads");
        let held = leads.iter().find(|lead| lead["held_for"] == "uploader");
        let key = &held.unwrap()["sightings"][0]["object_key"];
        let copy = copies.iter().find(|copy| *key == copy.key).unwrap();
        let by_another = Put {
            key: "ads/another/copy.jpg".to_owned(),
            ..copy.clone()
        };
        let by_another = self.cloud.upload(&[by_another]);
        self.cloud.send(&self.cloud.ingest, &by_another, once);
        self.cloud.settle(once);
        let released = self.ask("unit", "POST", &release, json!({}));
        assert_eq!(released, json!({"alerted": 1, "held": 0}));
    }

    /// What the uploader brought is taken back: its leads are withdrawn, and nothing new of it is one.
    /// Then it is given back, and a timer has all past ads searched again.
    fn retracted(&self) {
        let retraction = "/v1/tenants/uploader/retraction";
        self.ask("admin", "PUT", retraction, Value::Null);
        let erasures = json!({ "task": upkeep::Task::Erasures.as_str() });
        let done = self.cloud.upkeep.invoke(&erasures).unwrap();
        assert_ne!(done["retracted"], 0, "{done}");
        let late = self.cloud.upload(&[self.copy("ad 0 small.jpg", 4)]);
        self.cloud.send(&self.cloud.ingest, &late, once);
        self.cloud.settle(once);
        let leads = self.cloud.all("unit", "/v1/leads");
        let of_late = |lead: &&Value| lead.to_string().contains("copy 4.jpg");
        assert_eq!(leads.iter().find(of_late), None);
        assert_eq!(self.get("admin", retraction)["state"], "done");
        self.ask("admin", "DELETE", retraction, Value::Null);
        self.cloud.upkeep.invoke(&erasures).unwrap();
        self.cloud.settle(once);
        let leads = self.cloud.all("unit", "/v1/leads");
        assert!(leads.iter().any(|lead| of_late(&lead)), "none is missed");
    }

    /// The same picture as another file.
    fn copy(&self, name: &str, number: u8) -> Put {
        let path = self.world.path(&format!("copy {number}.jpg"));
        let mut bytes = std::fs::read(self.world.path("ads").join(name)).unwrap();
        bytes.push(number);
        std::fs::write(&path, bytes).unwrap();
        Put {
            path,
            key: format!("ads/uploader/copy {number}.jpg"),
            ..self.world.ads()[0].clone()
        }
    }

    /// By the API: a photo, a hash, one that is refused; one withdrawn before it was looked at.
    fn references(&self) {
        for (case, photo) in [("by-api", 1), ("early", 2)] {
            let photo = std::fs::read(&self.world.ads()[photo].path).unwrap();
            let path = self.submit(&[("case_id", case)], &photo);
            let key = self.get("unit", &path)["object_key"].clone();
            if case == "early" {
                self.ask("unit", "DELETE", &path, Value::Null);
            }
            let put = json!({"key": key, "size": photo.len(), "etag": "e"});
            self.take_in("references_bucket", &put);
        }
        let hash = |digit: &str, quality: u8| {
            let body = json!({"case_id": "hash", "pdq": digit.repeat(64), "quality": quality});
            self.ask("unit", "POST", "/v1/references", body)
        };
        hash("1", 3);
        hash("5", 90);
        self.cloud.settle(once);
    }

    /// Submits a photo by a form; the path of its reference.
    fn submit(&self, fields: &[(&str, &str)], photo: &[u8]) -> String {
        let unit = token("unit");
        let event = events::http_form(unit.reveal(), "/v1/references", fields, photo);
        let (status, made) = self.cloud.asked(&event);
        assert_eq!(status, 202, "{made}");
        format!("/v1/references/{}", made["reference_id"].as_str().unwrap())
    }

    /// References end by their unit and by their date, one of them before it was looked at; a
    /// webhook is removed while it is due.
    fn ends(&self) {
        let soon = jiff::Timestamp::now() + BRIEF;
        let fields = [("case_id", "unseen"), ("expires_at", &soon.to_string())];
        let photo = std::fs::read(&self.world.ads()[3].path).unwrap();
        self.submit(&fields, &photo);
        let mut brief = self.world.references()[1].clone();
        brief.key = "references/unit/brief/photo.jpg".into();
        brief.metadata = json!({"expires-at": soon.to_string(), "legal-basis": "consent"});
        let brief = self.cloud.upload(&[brief]);
        self.cloud.send(&self.cloud.enroll, &brief, once);
        self.cloud.settle(once);
        let all = self.cloud.all("unit", "/v1/references");
        let active = all.iter().filter(|it| it["status"] == "active");
        let of_photo = active.filter(|it| it["kind"] == "photo");
        let (brief, others): (Vec<_>, Vec<_>) = of_photo.partition(|it| it["case_id"] == "brief");
        assert_eq!(brief.len(), 1, "active until its date");
        for reference in others.iter().take(2) {
            let path = format!(
                "/v1/references/{}",
                reference["reference_id"].as_str().unwrap()
            );
            self.ask("unit", "DELETE", &path, Value::Null);
        }
        self.ask("unit", "DELETE", "/v1/webhooks/desk", Value::Null);
        let left = soon.duration_since(jiff::Timestamp::now());
        std::thread::sleep(Duration::try_from(left).unwrap_or_default());
        std::thread::sleep(FIRST_WAIT);
    }

    /// What the uploader brought was counted.
    fn counted(&self) {
        let quota = self.get("admin", "/v1/tenants/uploader/quota");
        assert_ne!(quota["uploads_today"], 0, "{quota}");
    }

    fn timers(&self) {
        self.cloud.alert.invoke(&timer()).unwrap();
        let mut all = Vec::new();
        for task in upkeep::Task::ALL.into_iter().chain([upkeep::Task::Search]) {
            let event = json!({ "task": task.as_str() });
            all.push(self.cloud.upkeep.invoke(&event).unwrap());
        }
        for deed in ["redriven", "removed", "expired", "erased", "searches"] {
            assert!(all.iter().any(|done| done[deed] != 0), "{deed}: {all:?}");
        }
        self.cloud.settle(once);
    }
}

/// Posts a form of `POST /v1/uploads` as a browser does; the status.
fn post_form(form: &Value, photo: &[u8]) -> u16 {
    const BOUNDARY: &str = "homeward-test-boundary";
    let mut body = Vec::new();
    for (name, value) in form["fields"].as_object().unwrap() {
        let value = value.as_str().unwrap();
        let head = format!("Content-Disposition: form-data; name=\"{name}\"");
        body.extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n{value}\r\n").as_bytes());
    }
    let head = "Content-Disposition: form-data; name=\"file\"; filename=\"ad.jpg\"";
    body.extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
    body.extend_from_slice(photo);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    let request = ureq::post(form["url"].as_str().unwrap());
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = request.header("Content-Type", content_type);
    request.send(&body[..]).unwrap().status().as_u16()
}
