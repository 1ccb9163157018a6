//! Puts a second with `fsync`, by how many at once, in process. `cargo bench -p embedded`.

#![allow(clippy::print_stdout, missing_docs)] // the figures are this program's data
#![allow(clippy::disallowed_methods, reason = "it measures")]

use std::time::Instant;

use aws_sdk_s3::primitives::ByteStream;
use embedded::Embedded;

const PUTS: usize = 2_000;
const BODY_BYTES: usize = 100_000;

#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let embedded = Embedded::open(dir.path()).expect("opens");
    embedded.create_bucket("ads").await.expect("made");
    embedded.notify("ads", "", "ingest").await.expect("set");
    let config = aws_sdk_s3::config::Builder::from(&embedded.sdk_config()).force_path_style(true);
    let client = aws_sdk_s3::Client::from_conf(config.build());
    for (at_once, size) in [(1, 1_000), (8, 1_000), (64, 1_000), (64, BODY_BYTES)] {
        let start = Instant::now();
        let writers = (0..at_once).map(|writer| {
            let client = client.clone();
            tokio::spawn(async move {
                for n in (writer..PUTS).step_by(at_once) {
                    let name = format!("{at_once}/{size}/{n}");
                    let mut body = vec![0; size];
                    body[..name.len()].copy_from_slice(name.as_bytes());
                    let put = client.put_object().bucket("ads").key(name);
                    put.body(ByteStream::from(body))
                        .send()
                        .await
                        .expect("stored");
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.expect("no panic");
        }
        let rate = PUTS as f64 / start.elapsed().as_secs_f64();
        println!("{at_once:3} at once, {size:6} bytes: {rate:6.0} puts/s");
    }
}
