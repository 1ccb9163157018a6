//! Pictures by calling functions: one reads ads, another one reference photos, and this program neither.

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use records::{NoPicture, ObjectKey, PictureAnswer, PictureRequest};

use crate::Pictures;

/// The functions that make pictures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureFunctions {
    /// The name of the one that reads the bucket of ads.
    pub ads: String,
    /// The name of the one that reads the bucket of references.
    pub references: String,
}

impl PictureFunctions {
    /// The way to them, as the SDK's configuration says.
    pub fn pictures(self, config: &aws_config::SdkConfig) -> Pictures {
        let client = Client::new(config);
        Pictures::new(move |request| {
            let (client, functions) = (client.clone(), self.clone());
            Box::pin(async move { functions.answer(&client, &request).await })
        })
    }

    /// The answer; what fails on the way is no more than that there is no picture now.
    async fn answer(&self, client: &Client, request: &PictureRequest) -> PictureAnswer {
        let Some(function) = self.function(request) else {
            return PictureAnswer::None(NoPicture::Gone);
        };
        invoke(client, function, request)
            .await
            .unwrap_or_else(|why| {
                tracing::warn!(why, "a picture could not be had");
                PictureAnswer::None(NoPicture::Unavailable)
            })
    }

    fn function(&self, request: &PictureRequest) -> Option<&str> {
        match request.holder()? {
            ObjectKey::Ad(_) => Some(&self.ads),
            ObjectKey::Reference(_) => Some(&self.references),
        }
    }
}

/// Calls and waits. Errors are sentences of ours: the SDK's may hold the request.
async fn invoke(
    client: &Client,
    function: &str,
    request: &PictureRequest,
) -> Result<PictureAnswer, &'static str> {
    let payload = serde_json::to_vec(request).map_err(|_| "the request cannot be written")?;
    let asked = client.invoke().function_name(function);
    let answer = asked.payload(Blob::new(payload)).send().await;
    let answer = answer.map_err(|_| "the function cannot be called")?;
    if answer.function_error().is_some() {
        return Err("the function failed");
    }
    let payload = answer.payload().ok_or("the function answered nothing")?;
    serde_json::from_slice(payload.as_ref()).map_err(|_| "the answer is not one of the function's")
}
