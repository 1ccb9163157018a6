//! The Lambda function `enroll`: cold start and loop. What it does is in the library.

use aws_lambda_events::sqs::SqsEvent;
use enroll::Enroll;
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
    let limits = photo::Limits::of_references();
    let enroll = Enroll::new(
        Store::from_env(&[Bucket::References]).await?,
        limits,
        Clock::from_system(),
        DECODERS_MAX,
    );
    let enroll = &enroll;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(enroll.handle(event.payload).await)
    }))
    .await
}
