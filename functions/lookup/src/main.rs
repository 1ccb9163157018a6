//! The Lambda function `lookup`: cold start and loop. What it does is in the library.

use aws_lambda_events::dynamodb::Event;
use lambda_runtime::{Error, LambdaEvent, service_fn};
use lookup::Lookup;
use matching::Policy;
use store::{Bucket, Clock, Store};

#[tokio::main]
async fn main() -> Result<(), Error> {
    batches::log_to_stderr();
    let lookup = Lookup::new(
        Store::from_env(&[Bucket::Segments]).await?,
        Policy::default(),
        Clock::from_system(),
    );
    let lookup = &lookup;
    lambda_runtime::run(service_fn(async move |event: LambdaEvent<Event>| {
        Ok::<_, Error>(lookup.handle(event.payload).await)
    }))
    .await
}
