//! Lambda's `Invoke`: hands what one function asks of another to it, and its answer back.
//! <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tiny_http::{Header, Request, Response, Server};

use crate::runtime_api::Function;

/// The service, and the functions that it knows.
pub struct Invocations {
    server: Arc<Server>,
    functions: Arc<BTreeMap<String, Function>>,
    called: Arc<Mutex<Vec<String>>>,
}

impl Invocations {
    /// Serves these functions, by their names.
    ///
    /// # Panics
    /// If there is no free port.
    pub fn of(functions: BTreeMap<String, Function>) -> Self {
        let all = Self {
            server: Arc::new(Server::http("127.0.0.1:0").unwrap()),
            functions: Arc::new(functions),
            called: Arc::default(),
        };
        let (server, functions) = (all.server.clone(), all.functions.clone());
        let called = all.called.clone();
        std::thread::spawn(move || {
            for request in server.incoming_requests() {
                answer(request, &functions, &called);
            }
        });
        all
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.server_addr())
    }

    /// The functions.
    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.values()
    }

    /// The name of each function that was called, once for each call.
    pub fn called(&self) -> Vec<String> {
        self.called.lock().unwrap().clone()
    }
}

impl Drop for Invocations {
    fn drop(&mut self) {
        self.server.unblock();
    }
}

/// `POST /2015-03-31/functions/{name}/invocations`, with the event as its body.
fn answer(
    mut request: Request,
    functions: &BTreeMap<String, Function>,
    called: &Mutex<Vec<String>>,
) {
    let name = request
        .url()
        .split('/')
        .nth(3)
        .unwrap_or_default()
        .to_owned();
    let mut body = String::new();
    let read = request.as_reader().read_to_string(&mut body);
    let event: Option<Value> = read.ok().and_then(|_| serde_json::from_str(&body).ok());
    let (Some(function), Some(event)) = (functions.get(&name), event) else {
        let _ = request.respond(Response::empty(404));
        return;
    };
    called.lock().unwrap().push(name);
    let (payload, failed) = match function.invoke(&event) {
        Ok(payload) => (payload, None),
        Err(error) => (
            error,
            Header::from_bytes("X-Amz-Function-Error", "Unhandled").ok(),
        ),
    };
    let mut response = Response::from_string(payload.to_string());
    if let Some(header) = failed {
        response.add_header(header);
    }
    let _ = request.respond(response); // the caller may have gone
}
