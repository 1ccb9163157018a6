//! The deployment, as an uploader's program speaks to it: forms, objects, states. What fails for a
//! while is tried again; what fails for good says whose fault it is.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use records::{Timestamp, Token};
use reqwest::multipart::{Form, Part};
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::metadata;
use super::upload_object::{Opened, UploadObject};
use console::outcome::{Failure, Result};

/// Waits between attempts double from this to that; each is drawn from half of it upwards.
const WAIT_FIRST: Duration = Duration::from_millis(500);
const WAIT_MAX: Duration = Duration::from_secs(30);

/// A form that ends sooner than this is asked for again: a large bundle may take as long to send.
const FORM_SPARE: Duration = Duration::from_secs(10 * 60);

/// An answer's body is read up to here, to find why it refuses.
const REASON_BYTES_MAX: usize = 8 * 1024;

/// The deployment's API and its object store.
pub struct Server {
    api: Url,
    token: Token,
    client: Client,
    patience: Duration,
    forms: Mutex<HashMap<&'static str, UploadForm>>,
}

/// Leave to upload for a while.
#[derive(Clone)]
struct UploadForm {
    url: Url,
    fields: BTreeMap<String, String>,
    key_prefix: String,
    expires_at: Timestamp,
}

/// Where an upload stands, as the deployment tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Its key.
    pub key: String,
    /// `pending`, `recorded` or `rejected`.
    pub state: String,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// Whether it is a bundle or a list of hashes.
    pub is_bundle: bool,
    /// Whether it is a list of hashes that was taken in: its lines are done with it.
    pub is_list: bool,
    /// Lines of a list that were refused and are named: the name and the reason.
    pub refused: BTreeMap<String, String>,
    /// How many further ones were refused.
    pub refused_unnamed: u64,
}

/// How one attempt failed.
enum AttemptError {
    /// No answer, or not now: retry.
    Passing(String),
    /// The form is no good any more: again with another.
    FormRefused(String),
    /// No use in trying again.
    Final(Failure),
}

impl Server {
    /// A client of that address.
    ///
    /// # Errors
    /// An address that is none, or over which a token would travel unprotected.
    pub fn new(to: &str, token: Token, patience: Duration) -> Result<Self> {
        let (api, client) = client::http_client(to)?;
        Ok(Self {
            api,
            token,
            client,
            patience,
            forms: Mutex::default(),
        })
    }

    /// What every key of this tenant starts with.
    ///
    /// # Errors
    /// As [`Server::send`].
    pub async fn key_prefix(&self) -> Result<String> {
        self.patiently(async || Ok(self.form("image/jpeg").await?.key_prefix))
            .await
    }

    /// Sends a upload object until it is acknowledged; nothing, or why the store refuses it.
    ///
    /// # Errors
    /// No answer within the patience is ours; a token that does not serve is the input's.
    pub async fn send(&self, object: &UploadObject) -> Result<std::result::Result<(), String>> {
        self.patiently(async || self.attempt(object).await).await
    }

    /// The states of all uploads whose keys go on so behind the tenant's prefix.
    ///
    /// # Errors
    /// As [`Server::send`].
    pub async fn states(&self, below: &str) -> Result<Vec<State>> {
        let (mut states, mut after) = (Vec::new(), String::new());
        loop {
            let page = self
                .patiently(async || self.page(below, &after).await)
                .await?;
            let items = page["items"].as_array().into_iter().flatten();
            states.extend(items.filter_map(state));
            match page["next"].as_str() {
                Some(next) => after = next.to_owned(),
                None => return Ok(states),
            }
        }
    }

    /// Tries until it succeeds, fails for good, or had no success for as long as the patience lasts.
    async fn patiently<T>(
        &self,
        attempt: impl AsyncFn() -> std::result::Result<T, AttemptError>,
    ) -> Result<T> {
        let (started, mut wait) = (Instant::now(), WAIT_FIRST);
        loop {
            let why = match attempt().await {
                Ok(done) => return Ok(done),
                Err(AttemptError::Final(failure)) => return Err(failure),
                Err(AttemptError::FormRefused(why)) => {
                    self.forms.lock().await.clear();
                    why
                }
                Err(AttemptError::Passing(why)) => why,
            };
            if started.elapsed() + wait > self.patience {
                let cause = anyhow::anyhow!("the deployment does not take uploads now: {why}");
                return Err(Failure::ours(cause).hint(AGAIN));
            }
            tokio::time::sleep(spread(wait)).await;
            wait = (wait * 2).min(WAIT_MAX);
        }
    }

    async fn attempt(
        &self,
        object: &UploadObject,
    ) -> std::result::Result<std::result::Result<(), String>, AttemptError> {
        let form = self.form(object.content_type).await?;
        let body = filled_in(&form, object).map_err(|error| AttemptError::Final(error.into()))?;
        let answer = self.client.post(form.url).multipart(body).send().await;
        let answer = answer.map_err(passing)?;
        let status = answer.status();
        if status.is_success() {
            return Ok(Ok(()));
        }
        let code = code(answer).await;
        let said = format!("{} {code}", status.as_u16());
        match status {
            StatusCode::FORBIDDEN => Err(AttemptError::FormRefused(said)),
            _ if is_passing(status) => Err(AttemptError::Passing(said)),
            _ => Ok(Err(code)),
        }
    }

    /// A form for this media type: forms serve for an hour, so one is asked for and kept.
    async fn form(
        &self,
        content_type: &'static str,
    ) -> std::result::Result<UploadForm, AttemptError> {
        // Pictures of all types share a form; other kinds have limits of their own.
        let class = if content_type.starts_with("image/") {
            "image/"
        } else {
            content_type
        };
        let mut forms = self.forms.lock().await;
        let now = Timestamp::from(std::time::SystemTime::now());
        if let Some(form) = forms.get(class)
            && form.expires_at > now.plus(FORM_SPARE)
        {
            return Ok(form.clone());
        }
        let request = self
            .client
            .post(self.route())
            .json(&json!({ "content_type": content_type }));
        let answer = self.asked(request).await?;
        let form = upload_form(&answer).ok_or_else(strange)?;
        forms.insert(class, form.clone());
        Ok(form)
    }

    async fn page(&self, below: &str, after: &str) -> std::result::Result<Value, AttemptError> {
        let mut url = self.route();
        url.query_pairs_mut()
            .append_pair("limit", "100")
            .append_pair("below", below)
            .append_pair("after", after);
        self.asked(self.client.get(url)).await
    }

    fn route(&self) -> Url {
        self.api.join("v1/uploads").expect("a relative path")
    }

    /// What the API answers.
    async fn asked(
        &self,
        request: reqwest::RequestBuilder,
    ) -> std::result::Result<Value, AttemptError> {
        let answer = request
            .bearer_auth(self.token.reveal())
            .send()
            .await
            .map_err(passing)?;
        let status = answer.status();
        if status.is_success() {
            return answer.json().await.map_err(passing);
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return Err(AttemptError::Final(Failure::input(
                format_args!(
                    "the deployment does not accept the token ({})",
                    status.as_u16()
                ),
                "ask its administrator for a token of the role uploader",
            )));
        }
        if is_passing(status) {
            return Err(AttemptError::Passing(status.as_u16().to_string()));
        }
        Err(strange())
    }
}

const TO_HINT: &str = "give --to the address of the API, such as https://homeward.example";
const AGAIN: &str = "run the same command again: it goes on where it stopped";

fn strange() -> AttemptError {
    AttemptError::Final(Failure::input(
        "what answers there is not the API of Homeward, or another version of it",
        TO_HINT,
    ))
}

fn is_passing(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT
        )
}

/// An address may hold what identifies the deployment's tenants, so it is left out.
fn passing(error: reqwest::Error) -> AttemptError {
    let what = if error.is_connect() {
        "it cannot be reached"
    } else if error.is_timeout() {
        "it did not answer in time"
    } else {
        "the connection broke"
    };
    AttemptError::Passing(what.to_owned())
}

/// From half of the wait to all of it: runs that failed together come back spread out.
fn spread(wait: Duration) -> Duration {
    let draw = getrandom::u32().unwrap_or(u32::MAX / 2);
    wait / 2 + (wait / 2).mul_f64(f64::from(draw) / f64::from(u32::MAX))
}

fn upload_form(answer: &Value) -> Option<UploadForm> {
    let text = |name: &str| answer[name].as_str();
    let fields = answer["fields"].as_object()?;
    let fields = fields
        .iter()
        .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())));
    Some(UploadForm {
        url: Url::parse(text("url")?).ok()?,
        fields: fields.collect::<Option<_>>()?,
        key_prefix: text("key_prefix")?.to_owned(),
        expires_at: Timestamp::parse(text("expires_at")?).ok()?,
    })
}

/// The form with this upload object in it, the file last, its length told before.
fn filled_in(form: &UploadForm, object: &UploadObject) -> std::io::Result<Form> {
    let mut fields = form.fields.clone();
    fields.insert(
        "key".to_owned(),
        format!("{}{}", form.key_prefix, object.name),
    );
    fields.insert("Content-Type".to_owned(), object.content_type.to_owned());
    for (name, text) in metadata::pairs(&object.metadata) {
        fields.insert(format!("x-amz-meta-{name}"), text);
    }
    let mut body = Form::new();
    for (name, text) in fields {
        body = body.text(name, text);
    }
    let length = object.body.len()?;
    let file = match object.body.open()? {
        Opened::Bytes(bytes) => Part::bytes(bytes),
        Opened::File(file) => Part::stream_with_length(tokio::fs::File::from_std(file), length),
    };
    Ok(body.part("file", file.file_name("file")))
}

/// The code in an S3 error, `<Code>EntityTooLarge</Code>`, or a word of ours.
async fn code(mut answer: Response) -> String {
    let mut text = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        text.extend_from_slice(&chunk);
        if text.len() > REASON_BYTES_MAX {
            break;
        }
    }
    let text = String::from_utf8_lossy(&text);
    let code = text
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"));
    let code = code.map_or("refused_by_store", |(code, _)| code);
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if code.len() <= 64 && code.chars().all(plain) {
        code.to_owned()
    } else {
        "refused_by_store".to_owned()
    }
}

fn state(item: &Value) -> Option<State> {
    let faults = item["faults"]["first"].as_array();
    let is_refused = |fault: &&Value| fault["refused"] == true;
    let refused: BTreeMap<String, String> = faults
        .into_iter()
        .flatten()
        .filter(is_refused)
        .filter_map(|fault| {
            let text = |field: &str| Some(fault[field].as_str()?.to_owned());
            Some((text("name")?, text("reason")?))
        })
        .collect();
    let all_refused = item["bundle"]["refused"].as_u64().unwrap_or(0);
    let is_list = item["bundle"]["is_list"] == true;
    Some(State {
        key: item["object_key"].as_str()?.to_owned(),
        state: item["state"].as_str()?.to_owned(),
        reason: item["reason"].as_str().map(str::to_owned),
        is_bundle: item["bundle"].is_object(),
        is_list,
        refused_unnamed: match is_list {
            true => all_refused.saturating_sub(refused.len() as u64),
            false => 0, // each member has a row of its own
        },
        refused,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(to: &str, expected: bool) {
        let token = Token::from_random(&[1; 32]);
        let server = Server::new(to, token, Duration::ZERO);
        assert_eq!(server.is_ok(), expected, "{to}");
    }

    #[test]
    fn a_token_travels_protected_or_not_at_all() {
        check("https://homeward.example", true);
        check("https://homeward.example/stage/", true);
        check("http://127.0.0.1:8750", true);
        check("http://[::1]:8750", true);
        check("http://localhost:8750", true);
        check("http://homeward.example", false);
        check("http://10.0.0.1", false);
        check("ftp://127.0.0.1", false);
        check("homeward.example", false);
    }

    #[test]
    fn waits_are_spread_over_half_of_their_length() {
        for _ in 0..100 {
            let drawn = spread(Duration::from_secs(8));
            assert!((4.0..=8.0).contains(&drawn.as_secs_f64()), "{drawn:?}");
        }
    }
}
