//! An uploader's program: it asks for a form and posts files by it.
#![allow(
    clippy::disallowed_methods,
    reason = "real processes meet the real clock"
)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::process::Serve;

/// A form that allows an upload.
pub struct Form(Value);

/// Between the parts of a form; no file of the proofs holds it.
const BOUNDARY: &str = "homeward-proofs-7f3a91c2";

impl Serve {
    /// Makes an uploader, and returns its token.
    pub fn make_uploader(&self, tenant: &str) -> String {
        let admin = self.token("admin");
        let tenants = format!("{}/v1/tenants", self.text("api"));
        let made = json!({"tenant": tenant, "is_unit": false, "is_uploader": true});
        post_json(&tenants, admin, &made);
        let token = post_json(
            &format!("{tenants}/{tenant}/tokens"),
            admin,
            &json!({"role": "uploader"}),
        );
        token["token"].as_str().unwrap().to_owned()
    }

    /// A form for files of this media type.
    pub fn form(&self, token: &str, media_type: &str) -> Form {
        let uploads = format!("{}/v1/uploads", self.text("api"));
        Form(post_json(
            &uploads,
            token,
            &json!({ "content_type": media_type }),
        ))
    }

    /// Submits a PDQ hash, in hexadecimal digits, as a reference of this case.
    pub fn submit_hash(&self, case: &str, pdq: &str) {
        let references = format!("{}/v1/references", self.text("api"));
        let hash = json!({"case_id": case, "pdq": pdq, "quality": 100, "legal_basis": "a proof"});
        let made = post_json(&references, self.token("unit"), &hash);
        assert_eq!(made["status"], "active", "{made}");
    }

    /// Waits until one of the uploader's own objects is recorded or rejected.
    pub fn await_upload(&self, name: &str) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let page = self.get("uploader", &format!("/v1/uploads?limit=1&below={name}"));
            match page["items"][0]["state"].as_str() {
                Some("recorded" | "rejected") => return,
                _ => assert!(Instant::now() < deadline, "{name} is still pending"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Form {
    /// Posts a file, and says how long it took until it was acknowledged.
    pub fn post(&self, name: &str, file: &[u8]) -> Duration {
        let mut fields: Vec<(String, String)> = Vec::new();
        for (field, value) in self.0["fields"].as_object().unwrap() {
            fields.push((field.clone(), value.as_str().unwrap().to_owned()));
        }
        let prefix = self.0["key_prefix"].as_str().unwrap();
        for (field, value) in &mut fields {
            if field == "key" {
                *value = format!("{prefix}{name}");
            }
        }
        let body = body(&fields, file);
        let begin = Instant::now();
        let answer = ureq::post(self.0["url"].as_str().unwrap())
            .header(
                "Content-Type",
                format!("multipart/form-data; boundary={BOUNDARY}"),
            )
            .send(&body[..])
            .unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
        begin.elapsed()
    }
}

fn body(fields: &[(String, String)], file: &[u8]) -> Vec<u8> {
    let part =
        |name: &str| format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"");
    let mut body = String::new();
    for (name, value) in fields {
        body += &format!("{}\r\n\r\n{value}\r\n", part(name));
    }
    body += &format!("{}; filename=\"f\"\r\n\r\n", part("file"));
    let mut body = body.into_bytes();
    body.extend_from_slice(file);
    body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
    body
}

fn post_json(url: &str, token: &str, body: &Value) -> Value {
    let request = ureq::post(url).header("Authorization", format!("Bearer {token}"));
    request
        .send_json(body)
        .unwrap()
        .body_mut()
        .read_json()
        .unwrap()
}
