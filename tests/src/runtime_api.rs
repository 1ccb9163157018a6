//! A small Lambda Runtime API (next, response, error), so that the real Lambda binaries run as
//! they do on AWS. <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tiny_http::{Header, Method, Request, Response, Server};

use crate::process::Process;

/// What a function answered: its response, or the error it reported.
pub type Answer = Result<Value, Value>;

#[derive(Default)]
struct State {
    events: VecDeque<(u64, String)>,
    answers: HashMap<u64, Answer>,
    next_id: u64,
    init_error: Option<String>,
}

/// One function under the Runtime API: a real Lambda binary in its own process.
pub struct Function {
    server: Arc<Server>,
    state: Arc<(Mutex<State>, Condvar)>,
    binary: PathBuf,
    environment: Vec<(String, String)>,
    process: Mutex<Process>,
}

impl Function {
    /// Starts a built program of the workspace under a Runtime API of its own.
    pub fn start(name: &str, environment: &[(&str, &str)]) -> Self {
        let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
        let state = Arc::new((Mutex::new(State::default()), Condvar::new()));
        for _ in 0..2 {
            let (server, state) = (server.clone(), state.clone());
            std::thread::spawn(move || {
                for request in server.incoming_requests() {
                    answer(request, &state);
                }
            });
        }
        let address = server.server_addr().to_ip().unwrap().to_string();
        let mut all: Vec<(String, String)> = vec![
            ("AWS_LAMBDA_RUNTIME_API".into(), address),
            ("AWS_LAMBDA_FUNCTION_NAME".into(), name.into()),
            ("AWS_LAMBDA_FUNCTION_VERSION".into(), "$LATEST".into()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE".into(), "512".into()),
            (
                "AWS_LAMBDA_LOG_GROUP_NAME".into(),
                format!("/aws/lambda/{name}"),
            ),
            ("AWS_LAMBDA_LOG_STREAM_NAME".into(), "test".into()),
        ];
        all.extend(environment.iter().map(|(k, v)| ((*k).into(), (*v).into())));
        let binary = crate::checkout::program(name);
        let process = Mutex::new(spawn(&binary, &all));
        Self {
            server,
            state,
            binary,
            environment: all,
            process,
        }
    }

    /// Hands the function one event and waits for its answer.
    ///
    /// # Panics
    /// If the function dies or stays silent for a minute.
    pub fn invoke(&self, event: &Value) -> Answer {
        let (lock, changed) = &*self.state;
        let mut state = lock.lock().unwrap();
        state.next_id += 1;
        let id = state.next_id;
        state.events.push_back((id, event.to_string()));
        changed.notify_all();
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(answer) = state.answers.remove(&id) {
                return answer;
            }
            assert!(
                state.init_error.is_none(),
                "{:?} failed to start: {:?}",
                self.binary,
                state.init_error
            );
            assert!(
                Instant::now() < deadline,
                "{:?} gave no answer within a minute",
                self.binary
            );
            state = changed
                .wait_timeout(state, Duration::from_millis(200))
                .unwrap()
                .0;
        }
    }

    /// `kill -9` and a new process, as after a crash; events not yet taken stay queued.
    pub fn restart(&self) {
        let mut process = self.process.lock().unwrap();
        process.kill();
        *process = spawn(&self.binary, &self.environment);
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.process.lock().unwrap().kill();
        self.server.unblock();
        self.server.unblock();
    }
}

fn spawn(binary: &PathBuf, environment: &[(String, String)]) -> Process {
    let mut command = Command::new(binary);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit());
    command.envs(environment.iter().map(|(k, v)| (k, v)));
    Process::start(&mut command)
}

fn answer(mut request: Request, state: &(Mutex<State>, Condvar)) {
    let path = request
        .url()
        .trim_start_matches("/2018-06-01/runtime/")
        .to_owned();
    let parts: Vec<_> = path.split('/').map(str::to_owned).collect();
    match (
        request.method(),
        &parts.iter().map(String::as_str).collect::<Vec<_>>()[..],
    ) {
        (Method::Get, ["invocation", "next"]) => next(request, state),
        (Method::Post, ["invocation", id, kind @ ("response" | "error")]) => {
            let id: u64 = id.parse().unwrap();
            let failed = *kind == "error";
            let body = body_of(&mut request);
            let value = serde_json::from_str(&body).unwrap_or(Value::String(body));
            let (lock, changed) = state;
            lock.lock()
                .unwrap()
                .answers
                .insert(id, if failed { Err(value) } else { Ok(value) });
            changed.notify_all();
            accept(request);
        }
        (Method::Post, ["init", "error"]) => {
            let body = body_of(&mut request);
            state.0.lock().unwrap().init_error = Some(body);
            state.1.notify_all();
            accept(request);
        }
        other => {
            eprintln!("the Runtime API has no {other:?}");
            let _client_gone = request.respond(Response::empty(404));
        }
    }
}

fn next(request: Request, state: &(Mutex<State>, Condvar)) {
    let (lock, changed) = state;
    let mut guard = lock.lock().unwrap();
    let deadline = Instant::now() + Duration::from_secs(120);
    let (id, event) = loop {
        if let Some(event) = guard.events.pop_front() {
            break event;
        }
        if Instant::now() > deadline {
            return;
        }
        guard = changed
            .wait_timeout(guard, Duration::from_millis(200))
            .unwrap()
            .0;
    };
    drop(guard);
    let deadline_ms = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_millis()
        + 30_000;
    let header = |name: &str, value: &str| Header::from_bytes(name, value).unwrap();
    let response = Response::from_string(event)
        .with_header(header("Content-Type", "application/json"))
        .with_header(header("Lambda-Runtime-Aws-Request-Id", &id.to_string()))
        .with_header(header(
            "Lambda-Runtime-Deadline-Ms",
            &deadline_ms.to_string(),
        ))
        .with_header(header(
            "Lambda-Runtime-Trace-Id",
            "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700",
        ))
        .with_header(header(
            "Lambda-Runtime-Invoked-Function-Arn",
            "arn:aws:lambda:us-east-1:000000000000:function:test",
        ));
    let _killed_meanwhile = request.respond(response);
}

fn body_of(request: &mut Request) -> String {
    let mut body = String::new();
    request
        .as_reader()
        .read_to_string(&mut body)
        .unwrap_or_default();
    body
}

fn accept(request: Request) {
    let _client_gone = request.respond(Response::from_string("{}").with_status_code(202));
}
