//! A person's browser without its screen: a cookie, pages, and the pictures on them.

use serde_json::Value;

use crate::process::Serve;

/// A browser that is signed in to a running `serve`.
pub struct Browser {
    agent: ureq::Agent,
    api: String,
    cookie: String,
}

/// What was answered.
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The media type.
    pub content_type: String,
    /// The body, whole.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Browser {
    /// Signs in by the link of the ready line, which is of use once.
    pub fn signed_in(serve: &Serve) -> Self {
        Self::by_link(serve, serve.line["open"].as_str().unwrap())
    }

    /// Signs in by a link.
    pub fn by_link(serve: &Serve, link: &str) -> Self {
        let config = ureq::Agent::config_builder();
        let config = config.max_redirects(0).http_status_as_error(false);
        let agent: ureq::Agent = config.build().into();
        let entered = agent.get(link).header("accept", "text/html").call();
        let entered = entered.unwrap();
        let cookie = entered.headers()["set-cookie"].to_str().unwrap();
        Self {
            api: serve.text("api").to_owned(),
            cookie: cookie.split(';').next().unwrap().to_owned(),
            agent,
        }
    }

    /// Asks for a page or a picture.
    pub fn get(&self, path: &str) -> Answer {
        let request = self.agent.get(format!("{}{path}", self.api));
        let request = request.header("accept", "text/html");
        let mut answer = request.header("cookie", &self.cookie).call().unwrap();
        let content_type = answer.headers().get("content-type");
        Answer {
            status: answer.status().as_u16(),
            content_type: content_type
                .map_or("", |it| it.to_str().unwrap())
                .to_owned(),
            body: answer.body_mut().read_to_vec().unwrap(),
        }
    }

    /// The addresses below this system that a page names by an attribute.
    pub fn addresses(page: &str, attribute: &str) -> Vec<String> {
        let start = format!(" {attribute}=\"/");
        let named = page.split(&start).skip(1);
        let ends = named.map(|rest| rest.split('"').next().unwrap_or_default());
        ends.map(|path| format!("/{}", path.replace("&amp;", "&").replace("&#38;", "&")))
            .collect()
    }
}

/// Entries of the unit's audit log with this deed.
pub fn deeds(serve: &Serve, action: &str) -> Vec<Value> {
    let mut entries = serve.all("unit", "/v1/audit");
    entries.retain(|entry| entry["action"] == action);
    entries
}
