//! The HTTP contract, as a unit's and an uploader's programs use it.

use anyhow::Context;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::Deployment;

/// Speaks to one deployment.
pub struct Client {
    client: reqwest::Client,
    api: String,
    unit_token: String,
    uploader_token: String,
}

/// Between the parts of a form; no picture holds it.
const BOUNDARY: &str = "homeward-doctor-7f1c5a0e9b";

impl Client {
    /// Speaks to it.
    ///
    /// # Errors
    /// None, as long as TLS works.
    pub fn new(deployment: &Deployment) -> anyhow::Result<Self> {
        let builder = reqwest::Client::builder().timeout(std::time::Duration::from_secs(60));
        // What runs on this machine is not reached through a proxy.
        let is_local = ["http://127.", "http://localhost", "http://[::1]"]
            .iter()
            .any(|local| deployment.api.starts_with(local));
        let builder = if is_local {
            builder.no_proxy()
        } else {
            builder
        };
        Ok(Self {
            client: builder.build()?,
            api: deployment.api.trim_end_matches('/').to_owned(),
            unit_token: deployment.unit_token.clone(),
            uploader_token: deployment.uploader_token.clone(),
        })
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client
            .request(method, format!("{}/v1{path}", self.api))
    }

    fn as_unit(&self, method: Method, path: &str) -> RequestBuilder {
        self.request(method, path).bearer_auth(&self.unit_token)
    }

    /// Whether it answers.
    ///
    /// # Errors
    /// It does not.
    pub async fn health(&self) -> anyhow::Result<()> {
        answered(self.request(Method::GET, "/health"))
            .await
            .map(drop)
    }

    /// Submits a photo, and gives the reference's id.
    ///
    /// # Errors
    /// It was refused.
    pub async fn submit(&self, case: &str, photo: Vec<u8>) -> anyhow::Result<String> {
        let mut form = Form::default();
        form.text("case_id", case);
        form.text(
            "legal_basis",
            "a test of the deployment, with a drawn picture",
        );
        form.file("photo", &photo);
        let made = answered(form.send(self.as_unit(Method::POST, "/references"))).await?;
        text(&made, "reference_id")
    }

    /// A reference as it stands.
    ///
    /// # Errors
    /// It was refused.
    pub async fn reference(&self, id: &str) -> anyhow::Result<Value> {
        answered(self.as_unit(Method::GET, &format!("/references/{id}"))).await
    }

    /// Leads of a case.
    ///
    /// # Errors
    /// It was refused.
    pub async fn leads(&self, case: &str) -> anyhow::Result<Vec<Value>> {
        self.of_case("/leads", case).await
    }

    /// The ids of a case's references.
    ///
    /// # Errors
    /// It was refused.
    pub async fn references(&self, case: &str) -> anyhow::Result<Vec<String>> {
        let found = self.of_case("/references", case).await?;
        found.iter().map(|it| text(it, "reference_id")).collect()
    }

    /// A listing's items of a case, over all its pages: with a filter one may be empty and still have
    /// a next one.
    async fn of_case(&self, path: &str, case: &str) -> anyhow::Result<Vec<Value>> {
        let (mut items, mut after) = (Vec::new(), None::<String>);
        loop {
            let mut query = vec![("case_id", case), ("limit", "100")];
            query.extend(after.as_deref().map(|after| ("after", after)));
            let request = self.as_unit(Method::GET, path).query(&query);
            let mut page = answered(request).await?;
            let found = page.get_mut("items").and_then(Value::as_array_mut);
            items.append(found.context("a page has items")?);
            match page.get("next").and_then(Value::as_str) {
                Some(next) => after = Some(next.to_owned()),
                None => return Ok(items),
            }
        }
    }

    /// Withdraws a reference.
    ///
    /// # Errors
    /// It was refused.
    pub async fn withdraw(&self, id: &str) -> anyhow::Result<()> {
        let request = self.as_unit(Method::DELETE, &format!("/references/{id}"));
        answered(request).await.map(drop)
    }

    /// Uploads an ad, by a form that the deployment signs.
    ///
    /// # Errors
    /// It was refused, by the deployment or by S3.
    pub async fn upload(&self, photo: &[u8]) -> anyhow::Result<()> {
        let request = self.request(Method::POST, "/uploads");
        let asked = request.bearer_auth(&self.uploader_token).json(&json!({}));
        let signed = answered(asked).await?;
        let mut form = Form::default();
        let fields = signed.get("fields").and_then(Value::as_object);
        for (name, value) in fields.context("a form has fields")? {
            form.text(name, value.as_str().unwrap_or_default());
        }
        form.file("file", photo);
        let sent = form.send(self.client.post(text(&signed, "url")?));
        answered(sent).await.map(drop)
    }
}

/// The answer's JSON; null if it has none.
async fn answered(request: RequestBuilder) -> anyhow::Result<Value> {
    // Without its address, which may name a reference.
    let answer = request.send().await.map_err(reqwest::Error::without_url)?;
    let status = answer.status();
    let body = answer.text().await.map_err(reqwest::Error::without_url)?;
    let json: Value = serde_json::from_str(&body).unwrap_or_default();
    let detail = json
        .get("detail")
        .and_then(Value::as_str)
        .unwrap_or_default();
    anyhow::ensure!(
        status.is_success(),
        "it answered {}: {}",
        status.as_u16(),
        console::terminal::escaped(detail)
    );
    Ok(json)
}

fn text(value: &Value, name: &'static str) -> anyhow::Result<String> {
    let text = value.get(name).and_then(Value::as_str);
    text.map(str::to_owned).context(name)
}

/// A multipart form.
#[derive(Default)]
struct Form(Vec<u8>);

impl Form {
    fn text(&mut self, name: &str, value: &str) {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"");
        self.0
            .extend_from_slice(format!("{head}\r\n\r\n{value}\r\n").as_bytes());
    }

    fn file(&mut self, name: &str, bytes: &[u8]) {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"");
        self.0
            .extend_from_slice(format!("{head}; filename=\"drawn.jpg\"\r\n\r\n").as_bytes());
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
    }

    fn send(mut self, request: RequestBuilder) -> RequestBuilder {
        self.0
            .extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
        request.header("content-type", content_type).body(self.0)
    }
}
