//! The Lambda function `picture`: cold start and loop. Deployed twice, each with the right to read one
//! bucket, so that no function can read both the photos of the sought and what uploaders sent.
#![allow(clippy::disallowed_methods, reason = "settings are read here")]

use lambda_runtime::{Error, LambdaEvent, service_fn};
use photo::Limits;
use picture::PictureProgram;
use records::PictureRequest;
use store::{Bucket, Store};

fn main() -> Result<(), Error> {
    photo::sandbox::init();
    serve()
}

#[tokio::main]
async fn serve() -> Result<(), Error> {
    batches::log_to_stderr();
    let bucket = bucket()?;
    let limits = match bucket {
        Bucket::References => Limits::of_references(),
        _ => Limits::default(),
    };
    let store = Store::from_env(&[bucket]).await?;
    let program = PictureProgram::new(store.objects, limits, None);
    let program = &program;
    lambda_runtime::run(service_fn(
        async move |event: LambdaEvent<PictureRequest>| {
            Ok::<_, Error>(program.answer(event.payload).await)
        },
    ))
    .await
}

/// Whose pictures it makes, from `HOMEWARD_PICTURES_OF`.
fn bucket() -> Result<Bucket, Error> {
    match std::env::var("HOMEWARD_PICTURES_OF").as_deref() {
        Ok("ads") => Ok(Bucket::Ads),
        Ok("references") => Ok(Bucket::References),
        _ => Err("HOMEWARD_PICTURES_OF is neither `ads` nor `references`".into()),
    }
}
