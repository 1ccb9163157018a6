//! A small Lambda Runtime API (next, response, error), so that the real Lambda binaries run as
//! they do on AWS. <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>
#![allow(
    clippy::disallowed_methods,
    reason = "real processes meet the real clock"
)]

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;
use tiny_http::{Header, Method, Request, Response, Server};

use crate::process::Process;

/// What a function answered: its response, or the error it reported.
pub type Answer = Result<Value, Value>;

/// How long a function may take for one event, and for those before it in a storm: Lambda's longest run.
const PATIENCE: Duration = Duration::from_secs(900);
/// How often those who wait look whether something else ended their wait.
const POLL_EVERY: Duration = Duration::from_millis(200);

/// One function under the Runtime API: a real Lambda binary in its own process.
pub struct Function {
    name: String,
    binary: PathBuf,
    environment: Vec<(String, String)>,
    shared: Arc<Shared>,
    running: Mutex<Running>,
}

/// A process and the Runtime API that only it knows.
struct Running {
    process: Process,
    server: Arc<Server>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Counts processes: what an earlier one still asks for is not given to it.
    generation: u64,
    events: VecDeque<(u64, String)>,
    answers: HashMap<u64, Answer>,
    /// Which process took which event.
    taken_by: HashMap<u64, u64>,
    /// How many events a process died over.
    cut_off: u64,
    next_id: u64,
    init_error: Option<String>,
    start: Start,
}

/// When the first process did what.
#[derive(Default)]
struct Start {
    spawned: Option<Instant>,
    asked: Option<Instant>,
    taken: Option<Instant>,
    answered: Option<Instant>,
}

/// What a function took to start, and its memory.
#[derive(Clone, Debug)]
pub struct Figures {
    /// The program.
    pub name: String,
    /// From the start of the process until it asked for its first event: Lambda's "init".
    pub init: Duration,
    /// From taking its first event to answering it.
    pub first_event: Duration,
    /// The most memory that the process has had resident (`VmHWM`), in KiB.
    pub peak_kib: u64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<7} init {:>5} ms, first event {:>5} ms, start to first answer {:>5} ms, peak {:>4} MiB",
            self.name,
            self.init.as_millis(),
            self.first_event.as_millis(),
            (self.init + self.first_event).as_millis(),
            self.peak_kib / 1024,
        )
    }
}

impl Function {
    /// Starts a built program of the workspace under a Runtime API of its own. Its environment is
    /// the given one and what Lambda adds, and nothing of ours: no proxies, no AWS profiles.
    pub fn start(name: &str, environment: Vec<(String, String)>) -> Self {
        let mut all: Vec<(String, String)> = [
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/test"),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "test"),
        ]
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .into();
        all.extend(environment);
        let binary = crate::checkout::program(name);
        let shared = Arc::new(Shared::default());
        let running = run(&binary, &all, &shared);
        Self {
            name: name.to_owned(),
            binary,
            environment: all,
            shared,
            running: Mutex::new(running),
        }
    }

    /// Hands the function one event and waits for its answer.
    ///
    /// # Panics
    /// If the function dies or stays silent.
    pub fn invoke(&self, event: &Value) -> Answer {
        let id = self.hand_in(event);
        self.wait(|state| state.answers.remove(&id))
    }

    /// Hands the function one event and waits for its answer; none if the process died over it.
    ///
    /// # Panics
    /// If the function stays silent, or dies without being killed.
    pub fn invoke_unless_killed(&self, event: &Value) -> Option<Answer> {
        let id = self.hand_in(event);
        self.wait(|state| {
            let answer = state.answers.remove(&id);
            let died = state
                .taken_by
                .get(&id)
                .is_some_and(|process| *process != state.generation);
            if answer.is_none() && died {
                state.cut_off += 1;
            }
            (answer.is_some() || died).then_some(answer)
        })
    }

    /// How many events it died over.
    pub fn cut_off(&self) -> u64 {
        self.shared.state.lock().unwrap().cut_off
    }

    /// Hands the function one event, kills it (`kill -9`) a while after it took the event, and
    /// starts it again. What it had done by then stays done; the event's sender hears nothing and
    /// has to send it again. Says whether it had answered already.
    ///
    /// # Panics
    /// If the function does not take the event.
    pub fn crash_during(&self, event: &Value, after: Duration) -> bool {
        let id = self.hand_in(event);
        self.wait(|state| state.events.iter().all(|(one, _)| *one != id).then_some(()));
        std::thread::sleep(after);
        self.restart();
        self.shared.state.lock().unwrap().answers.contains_key(&id)
    }

    /// `kill -9` and a new process, as after a crash; events not yet taken stay queued.
    pub fn restart(&self) {
        let mut running = self.running.lock().unwrap();
        running.stop();
        *running = run(&self.binary, &self.environment, &self.shared);
    }

    /// What the first process took to start, and the memory of the present one.
    ///
    /// # Panics
    /// If the function has not answered yet.
    pub fn figures(&self) -> Figures {
        let state = self.shared.state.lock().unwrap();
        let start = &state.start;
        let (Some(spawned), Some(asked), Some(taken), Some(answered)) =
            (start.spawned, start.asked, start.taken, start.answered)
        else {
            panic!("{} has answered nothing", self.name)
        };
        Figures {
            name: self.name.clone(),
            init: asked - spawned,
            first_event: answered - taken,
            peak_kib: peak_kib(self.running.lock().unwrap().process.id()),
        }
    }

    /// How long the present process has worked, whatever else the machine did.
    pub fn worked(&self) -> Duration {
        worked(self.running.lock().unwrap().process.id())
    }

    fn hand_in(&self, event: &Value) -> u64 {
        let mut state = self.shared.state.lock().unwrap();
        state.next_id += 1;
        let id = state.next_id;
        state.events.push_back((id, event.to_string()));
        self.shared.changed.notify_all();
        id
    }

    fn wait<T>(&self, found: impl Fn(&mut State) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut state = self.shared.state.lock().unwrap();
        loop {
            if let Some(found) = found(&mut state) {
                return found;
            }
            let name = &self.name;
            if let Some(error) = &state.init_error {
                panic!("{name} failed to start: {error}");
            }
            // Not waited for: who restarts the function holds it, and then it lives.
            if let Ok(mut running) = self.running.try_lock() {
                assert!(running.process.alive(), "{name} has died");
            }
            assert!(Instant::now() < deadline, "{name} is silent");
            state = self
                .shared
                .changed
                .wait_timeout(state, POLL_EVERY)
                .unwrap()
                .0;
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap().generation += 1; // who waits for an event ends
        self.running.lock().unwrap().stop();
    }
}

impl Running {
    fn stop(&mut self) {
        self.process.kill();
        self.server.unblock();
    }
}

/// A new process under a Runtime API of its own, so that nothing of an earlier one reaches it.
fn run(binary: &Path, environment: &[(String, String)], shared: &Arc<Shared>) -> Running {
    let server = Arc::new(Server::http("127.0.0.1:0").unwrap());
    let address = server.server_addr().to_string();
    let generation = {
        let mut state = shared.state.lock().unwrap();
        state.generation += 1;
        state.start.spawned.get_or_insert_with(Instant::now);
        state.generation
    };
    shared.changed.notify_all();
    let (listening, shared) = (server.clone(), shared.clone());
    std::thread::spawn(move || {
        for request in listening.incoming_requests() {
            let shared = shared.clone();
            // A thread each, since `next` is answered only when there is an event.
            std::thread::spawn(move || answer(request, &shared, generation));
        }
    });
    let mut command = Command::new(binary);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log_of(environment))
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", address)
        .envs(environment.iter().map(|(k, v)| (k, v)));
    Running {
        process: Process::start(&mut command),
        server,
    }
}

/// Where a function's log goes if its environment names a file: there instead of to ours.
pub const LOG_FILE: &str = "HOMEWARD_TEST_LOG_FILE";

fn log_of(environment: &[(String, String)]) -> Stdio {
    match environment.iter().find(|(name, _)| name == LOG_FILE) {
        None => Stdio::inherit(),
        Some((_, path)) => std::fs::File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap()
            .into(),
    }
}

fn answer(mut request: Request, shared: &Shared, generation: u64) {
    let url = request.url().to_owned();
    let path = url.trim_start_matches("/2018-06-01/runtime/");
    let parts: Vec<_> = path.split('/').collect();
    match (request.method(), &parts[..]) {
        (Method::Get, ["invocation", "next"]) => next(request, shared, generation),
        (Method::Post, ["invocation", id, kind @ ("response" | "error")]) => {
            let value = body_of(&mut request);
            let answer = if *kind == "error" {
                Err(value)
            } else {
                Ok(value)
            };
            let mut state = shared.state.lock().unwrap();
            state.answers.insert(id.parse().unwrap(), answer);
            state.start.answered.get_or_insert_with(Instant::now);
            drop(state);
            shared.changed.notify_all();
            accept(request);
        }
        (Method::Post, ["init", "error"]) => {
            let error = body_of(&mut request).to_string();
            shared.state.lock().unwrap().init_error = Some(error);
            shared.changed.notify_all();
            accept(request);
        }
        _ => {
            let _client_gone = request.respond(Response::empty(404));
        }
    }
}

fn next(request: Request, shared: &Shared, generation: u64) {
    let mut state = shared.state.lock().unwrap();
    state.start.asked.get_or_insert_with(Instant::now);
    let (id, event) = loop {
        if state.generation != generation {
            return; // the process that asked is dead
        }
        if let Some((id, event)) = state.events.pop_front() {
            state.taken_by.insert(id, generation);
            break (id, event);
        }
        state = shared.changed.wait_timeout(state, POLL_EVERY).unwrap().0;
    };
    state.start.taken.get_or_insert_with(Instant::now);
    drop(state);
    shared.changed.notify_all();
    let deadline = SystemTime::now() + PATIENCE;
    let deadline_ms = deadline.duration_since(UNIX_EPOCH).unwrap().as_millis();
    let headers = [
        ("Content-Type", "application/json".to_owned()),
        ("Lambda-Runtime-Aws-Request-Id", id.to_string()),
        ("Lambda-Runtime-Deadline-Ms", deadline_ms.to_string()),
        ("Lambda-Runtime-Trace-Id", TRACE.to_owned()),
        ("Lambda-Runtime-Invoked-Function-Arn", ARN.to_owned()),
    ];
    let mut response = Response::from_string(event);
    for (name, value) in headers {
        response.add_header(Header::from_bytes(name, value).unwrap());
    }
    let _killed = request.respond(response);
}

const TRACE: &str = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700";
const ARN: &str = "arn:aws:lambda:us-east-1:000000000000:function:test";

/// The body as JSON; what is not JSON, as a text.
fn body_of(request: &mut Request) -> Value {
    let mut body = String::new();
    // Cut off where the function was killed while it answered: then no caller waits for it.
    let _cut_off = request.as_reader().read_to_string(&mut body);
    serde_json::from_str(&body).unwrap_or(Value::String(body))
}

fn accept(request: Request) {
    let _client_gone = request.respond(Response::from_string("{}").with_status_code(202));
}

fn peak_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|text| text.trim().trim_end_matches("kB").trim().parse().ok())
        .unwrap_or(0) // no Linux, no figure
}

/// Linux counts a process's work in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

fn worked(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let behind_name = stat.rsplit(')').next().unwrap_or_default();
    let fields: Vec<_> = behind_name.split_whitespace().collect();
    let ticks = |place: usize| -> u32 { fields.get(place).map_or(0, |it| it.parse().unwrap_or(0)) };
    TICK * (ticks(11) + ticks(12)) // utime and stime
}
