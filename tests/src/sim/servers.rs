//! The embedded servers on a thread of their own, so that a call on them is one step: the caller
//! stands still until the answer is there.

use std::path::Path;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;

use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use embedded::Embedded;
use http_body_util::BodyExt;
use tokio::runtime::{Builder, Runtime};

type Job = Box<dyn FnOnce(&Runtime) + Send>;

/// S3 and DynamoDB.
pub struct Servers {
    /// What they hold.
    pub embedded: Embedded,
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Servers {
    /// Opens a data folder.
    pub fn open(folder: &Path, clock: embedded::Clock) -> Self {
        let (jobs, waiting) = channel::<Job>();
        let thread = std::thread::spawn(move || {
            let mut builder = Builder::new_current_thread();
            let runtime = builder.enable_all().build().expect("a runtime");
            waiting.into_iter().for_each(|job| job(&runtime));
        });
        Self {
            embedded: Embedded::open_with_clock(folder, clock).expect("the folder opens"),
            jobs: Some(jobs),
            thread: Some(thread),
        }
    }

    /// Does something on the servers' thread and waits for it.
    ///
    /// # Panics
    /// If it panics there.
    pub fn ask<T: Send + 'static>(&self, work: impl FnOnce(&Runtime) -> T + Send + 'static) -> T {
        let (answer, answered) = channel();
        let job: Job = Box::new(move |runtime| {
            let _not_awaited = answer.send(work(runtime));
        });
        let jobs = self.jobs.as_ref().expect("open until dropped");
        jobs.send(job).expect("the servers' thread lives");
        answered.recv().expect("the servers answer")
    }

    /// One request, to its end: the answer's body is whole.
    ///
    /// # Errors
    /// As the connector's.
    pub fn call(
        &self,
        connector: SharedHttpConnector,
        request: HttpRequest,
    ) -> Result<HttpResponse, ConnectorError> {
        self.ask(move |runtime| {
            runtime.block_on(async move {
                let mut response = connector.call(request).await?;
                let body = std::mem::replace(response.body_mut(), SdkBody::taken());
                let whole = body.collect().await.map_err(ConnectorError::user)?;
                *response.body_mut() = SdkBody::from(whole.to_bytes());
                Ok(response)
            })
        })
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.jobs = None; // the thread ends
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the servers' thread did not panic");
        }
    }
}
