//! A case system for tests: takes messages on a loopback port and answers by a script.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a receiver does with one message.
#[derive(Clone, Debug)]
pub enum Answer {
    /// A status line and these header lines, each ended by CRLF.
    Status(u16, &'static str),
    /// Nothing, ever.
    Silence,
    /// A status line letter by letter, one in 100 ms.
    Drip,
    /// The connection is closed without a word.
    Cut,
    /// The connection is closed within the header.
    CutInside,
    /// 200 with a body that never ends.
    Flood,
    /// Bytes that are not HTTP.
    Noise,
}

/// A message as it came over the wire.
#[derive(Clone, Debug)]
pub struct Received {
    /// `POST /hook HTTP/1.1`
    pub request_line: String,
    /// Header names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

#[derive(Default)]
pub struct Log {
    pub connections: AtomicUsize,
    pub flood_bytes: AtomicUsize,
    pub received: Mutex<Vec<Received>>,
    script: Mutex<VecDeque<Answer>>,
}

pub struct Receiver {
    pub address: SocketAddr,
    pub log: Arc<Log>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Receiver {
    /// A receiver without TLS; the last answer of the script repeats.
    pub async fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        Self::serve(script, None).await
    }

    /// A receiver with TLS.
    pub async fn start_tls(script: impl IntoIterator<Item = Answer>, tls: TlsAcceptor) -> Self {
        Self::serve(script, Some(tls)).await
    }

    async fn serve(script: impl IntoIterator<Item = Answer>, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let log = Arc::new(Log {
            script: Mutex::new(script.into_iter().collect()),
            ..Log::default()
        });
        let server = tokio::spawn(accept(listener, log.clone(), tls));
        Self {
            address,
            log,
            server,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn connections(&self) -> usize {
        self.log.connections.load(Ordering::SeqCst)
    }

    pub fn received(&self) -> Vec<Received> {
        self.log.received.lock().expect("not poisoned").clone()
    }
}

async fn accept(listener: TcpListener, log: Arc<Log>, tls: Option<TlsAcceptor>) {
    while let Ok((stream, _)) = listener.accept().await {
        log.connections.fetch_add(1, Ordering::SeqCst);
        let (log, tls) = (log.clone(), tls.clone());
        tokio::spawn(async move {
            match tls {
                None => talk(stream, &log).await,
                Some(tls) => match tls.accept(stream).await {
                    Ok(stream) => talk(stream, &log).await,
                    Err(_) => None, // the sender does not trust us: that is its right
                },
            }
        });
    }
}

/// One request and its answer; `None` when the other side left.
async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, log: &Log) -> Option<()> {
    let received = read(&mut stream).await?;
    log.received.lock().expect("not poisoned").push(received);
    let answer = {
        let mut script = log.script.lock().expect("not poisoned");
        let last = script.len() == 1;
        if last {
            script.front().cloned()
        } else {
            script.pop_front()
        }
    };
    match answer.unwrap_or(Answer::Status(200, "")) {
        Answer::Status(status, headers) => {
            let head = format!("HTTP/1.1 {status} Said\r\ncontent-length: 2\r\n{headers}\r\nok");
            stream.write_all(head.as_bytes()).await.ok()?;
        }
        Answer::Silence => std::future::pending().await,
        Answer::Drip => {
            for letter in b"HTTP/1.1 200 OK\r\nx-slow: yes\r\n".iter().cycle() {
                stream.write_all(&[*letter]).await.ok()?;
                stream.flush().await.ok()?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Answer::Cut => {}
        Answer::CutInside => stream.write_all(b"HTTP/1.1 200 OK\r\ncont").await.ok()?,
        Answer::Flood => flood(&mut stream, log).await?,
        Answer::Noise => stream
            .write_all(b"\x00\x01\x02SMTP ready\r\n\r\n")
            .await
            .ok()?,
    }
    stream.shutdown().await.ok()
}

async fn flood(stream: &mut (impl AsyncWrite + Unpin), log: &Log) -> Option<()> {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1099511627776\r\n\r\n";
    stream.write_all(head).await.ok()?;
    loop {
        stream.write_all(&[b'x'; 4_096]).await.ok()?;
        log.flood_bytes.fetch_add(4_096, Ordering::SeqCst);
    }
}

async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Option<Received> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at;
        }
        (stream.read_buf(&mut bytes).await.ok()? > 0).then_some(())?;
    };
    let head = String::from_utf8(bytes.get(..head_end)?.to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let request_line = lines.next()?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length")?.parse().ok()?;
    let mut body = bytes.split_off(head_end + 4);
    while body.len() < length {
        (stream.read_buf(&mut body).await.ok()? > 0).then_some(())?;
    }
    Some(Received {
        request_line,
        headers,
        body,
    })
}
