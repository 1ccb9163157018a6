//! A case system on loopback that receives alerts by webhook and remembers them.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tiny_http::{Response, Server};

/// One request that arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body as it came.
    pub body: String,
}

impl Received {
    /// A header by its lower-case name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

/// A webhook endpoint that gives every message the same answer.
pub struct Receiver {
    server: Arc<Server>,
    received: Arc<Mutex<Vec<Received>>>,
}

impl Receiver {
    /// Listens on a free loopback port and accepts everything.
    pub fn start() -> Self {
        Self::answering(204)
    }

    /// Listens on a free loopback port and answers with this status.
    pub fn answering(status: u16) -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let received = Arc::new(Mutex::new(Vec::new()));
        let (listening, store) = (server.clone(), received.clone());
        std::thread::spawn(move || {
            for mut request in listening.incoming_requests() {
                let headers = request
                    .headers()
                    .iter()
                    .map(|h| (h.field.to_string().to_lowercase(), h.value.to_string()))
                    .collect();
                let mut body = String::new();
                request
                    .as_reader()
                    .read_to_string(&mut body)
                    .unwrap_or_default();
                store.lock().unwrap().push(Received { headers, body });
                let _client_gone = request.respond(Response::empty(status));
            }
        });
        Self { server, received }
    }

    /// Its address, `http://127.0.0.1:PORT/alerts`.
    pub fn url(&self) -> String {
        format!("http://{}/alerts", self.server.server_addr())
    }

    /// All that arrived so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.unblock();
    }
}
