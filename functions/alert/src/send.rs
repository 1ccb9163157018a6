//! One attempt: a signed POST, and what came of it.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use records::ReasonCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::{Certificate, Client, Response, redirect};

use crate::address::Networks;
use crate::resolver::{NotPermitted, PermittedResolver, ResolveName};
use crate::signature::{ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER};
use crate::target::Target;

/// An answer's body is of no use; so much of it is read that an honest receiver can finish.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// The longest time given to that.
const ANSWER_TIME_MAX: Duration = Duration::from_secs(1);

/// How long one attempt may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// From the name to a connection, TLS included.
    pub connect: Duration,
    /// A whole first attempt, which other units' alerts of the same batch may have to wait for.
    pub first: Duration,
    /// Any other attempt as a whole.
    pub total: Duration,
}

impl Default for Timeouts {
    /// 5, 3 and 15 seconds; Standard Webhooks recommends 15 to 30 for the whole. Who needs more than 3
    /// gets the message again under the same id, with all of the 15.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first: Duration::from_secs(3),
            total: Duration::from_secs(15),
        }
    }
}

/// The way out to the internet and what it permits.
pub struct Egress {
    /// Networks permitted in addition to public addresses.
    pub networks: Networks,
    /// Bounds on the time of an attempt.
    pub timeouts: Timeouts,
    /// Certificate authorities trusted in addition to the public ones, for receivers inside an agency.
    pub authorities: Vec<Certificate>,
    /// Who turns names into addresses.
    pub lookup: ResolveName,
}

/// What one attempt sends.
pub struct Message {
    /// Id of the event, equal in all attempts.
    pub id: String,
    /// Time of this attempt, seconds since 1970.
    pub timestamp_s: i64,
    /// Value of the signature header.
    pub signature: String,
    /// Value of the header of the body's type.
    pub content_type: &'static str,
    /// The event as JSON, byte for byte what was signed.
    pub body: Vec<u8>,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendOutcome {
    /// The receiver answered.
    Answered {
        /// HTTP status, 200 to 599.
        status: u16,
        /// The `Retry-After` header where there is one.
        retry_after: Option<String>,
    },
    /// No answer came.
    Unanswered(SendError),
}

/// Why no answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The address is not permitted; nothing was sent.
    AddressNotPermitted,
    /// No connection: unknown name, refused, or TLS failed; nothing was sent.
    NotConnected,
    /// The time was over.
    TimedOut,
    /// The connection broke, or what came was not HTTP.
    Broken,
}

impl SendError {
    /// The reason that deliveries record.
    pub fn reason(self) -> ReasonCode {
        match self {
            Self::AddressNotPermitted => ReasonCode::ADDRESS_NOT_ALLOWED,
            Self::NotConnected => reason("not_connected"),
            Self::TimedOut => reason("timed_out"),
            Self::Broken => reason("connection_broken"),
        }
    }
}

/// A reason of ours that `records` does not name.
pub(crate) fn reason(code: &'static str) -> ReasonCode {
    ReasonCode::parse(code).expect("reasons in this crate have the form of one")
}

/// Posts messages.
pub struct Sender {
    timeouts: Timeouts,
    way: Transport,
}

/// What stands in for the network: it gets the URL's target, the message as it would be sent, and the
/// time that this may take, which it must keep.
pub type Post = dyn Fn(&Target, Message, Duration) -> BoxFuture<'static, SendOutcome> + Send + Sync;

enum Transport {
    Out(Out),
    Given(Arc<Post>),
}

/// One client for TLS and one without, since they are permitted different addresses.
struct Out {
    networks: Networks,
    https: Client,
    plain: Client,
}

impl Sender {
    /// A sender through this exit.
    ///
    /// # Errors
    /// Only when TLS cannot be set up, which is a fault of the build or of an authority.
    pub fn new(exit: &Egress) -> Result<Self, reqwest::Error> {
        let out = Out {
            networks: exit.networks.clone(),
            https: client(exit, false)?,
            plain: client(exit, true)?,
        };
        Ok(Self {
            timeouts: exit.timeouts,
            way: Transport::Out(out),
        })
    }

    /// A sender without a network, for a simulator.
    pub fn given(timeouts: Timeouts, post: Arc<Post>) -> Self {
        Self {
            timeouts,
            way: Transport::Given(post),
        }
    }

    /// How long attempts may take.
    pub fn timeouts(&self) -> Timeouts {
        self.timeouts
    }

    /// Posts a message to a target, if its address is permitted, and waits no longer than this for
    /// an answer. Redirects are answers like any other, and the environment's proxies are not asked:
    /// they would connect on our behalf.
    pub async fn post(&self, target: &Target, message: Message, within: Duration) -> SendOutcome {
        match &self.way {
            Transport::Out(out) => out.post(target, message, within).await,
            Transport::Given(post) => post(target, message, within).await,
        }
    }
}

impl Out {
    async fn post(&self, target: &Target, message: Message, within: Duration) -> SendOutcome {
        let plain = target.is_plain();
        if target
            .literal()
            .is_some_and(|address| !self.networks.permit(address, plain))
        {
            return SendOutcome::Unanswered(SendError::AddressNotPermitted);
        }
        let client = if plain { &self.plain } else { &self.https };
        let request = client
            .post(target.url().clone())
            .header(CONTENT_TYPE, message.content_type)
            .header(ID_HEADER, message.id)
            .header(TIMESTAMP_HEADER, message.timestamp_s)
            .header(SIGNATURE_HEADER, message.signature)
            .timeout(within)
            .body(message.body);
        match request.send().await {
            Ok(response) => answered(response).await,
            Err(error) => SendOutcome::Unanswered(error_of(&error)),
        }
    }
}

fn client(exit: &Egress, plain: bool) -> Result<Client, reqwest::Error> {
    let guarded = PermittedResolver {
        networks: exit.networks.clone(),
        plain,
        lookup: exit.lookup.clone(),
    };
    let builder = Client::builder()
        .user_agent(concat!("homeward/", env!("CARGO_PKG_VERSION")))
        .dns_resolver(std::sync::Arc::new(guarded))
        .redirect(redirect::Policy::none())
        .no_proxy()
        .referer(false)
        .https_only(!plain)
        .pool_max_idle_per_host(0) // every attempt connects again, and so is checked again
        .connect_timeout(exit.timeouts.connect);
    exit.authorities
        .iter()
        .cloned()
        .fold(builder, reqwest::ClientBuilder::add_root_certificate)
        .build()
}

async fn answered(response: Response) -> SendOutcome {
    let status = response.status().as_u16();
    let retry_after = text(response.headers(), RETRY_AFTER.as_str());
    let _ = tokio::time::timeout(ANSWER_TIME_MAX, drain(response)).await; // the status is the answer
    SendOutcome::Answered {
        status,
        retry_after,
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

async fn drain(mut response: Response) {
    let mut left = ANSWER_BYTES_MAX;
    while let Ok(Some(chunk)) = response.chunk().await {
        if chunk.len() >= left {
            return;
        }
        left -= chunk.len();
    }
}

fn error_of(error: &reqwest::Error) -> SendError {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<NotPermitted>() {
            return SendError::AddressNotPermitted;
        }
        cause = inner.source();
    }
    if error.is_timeout() {
        SendError::TimedOut
    } else if error.is_connect() {
        SendError::NotConnected
    } else {
        SendError::Broken
    }
}
