//! The Lambda function `ingest`: cold start and loop. What it does is in the library.

use aws_lambda_events::sqs::SqsEvent;
use ingest::Ingest;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use store::{Bucket, Clock, Store};

/// One at a time: the function's memory is set for one picture at the limit.
const DECODERS_MAX: usize = 1;

fn main() -> Result<(), Error> {
    photo::sandbox::init();
    serve()
}

#[tokio::main]
async fn serve() -> Result<(), Error> {
    batches::log_to_stderr();
    let limits = photo::Limits::default();
    let ingest = Ingest::new(
        Store::from_env(&[Bucket::Ads, Bucket::Segments]).await?,
        limits,
        Clock::from_system(),
        DECODERS_MAX,
    );
    let ingest = &ingest;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(ingest.handle(event.payload).await)
    }))
    .await
}
