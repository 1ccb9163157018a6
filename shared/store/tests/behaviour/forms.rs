use std::time::Duration;

use records::Timestamp;
use store::{Fetched, Form, FormLimits};

use crate::fixtures::*;
use crate::host::{Embedded, World, names, sdk_config};

claims! {
    a_view_address_names_one_object_and_its_signature,
}

async fn a_view_address_names_one_object_and_its_signature(World { store, .. }: World) {
    let key = ad_key("uploader", "a b+c").into();
    let url = store
        .objects
        .view_url(&key, None, at(0), Duration::from_secs(60))
        .await
        .unwrap();
    assert!(url.contains("/ads/uploader/a%20b%2Bc?"), "{url}");
    assert!(
        url.contains("X-Amz-Expires=60") && url.contains("X-Amz-Signature="),
        "{url}"
    );
    let week = Duration::from_secs(8 * 86_400);
    assert!(
        store
            .objects
            .view_url(&key, None, at(0), week)
            .await
            .is_err()
    );
}

/// A multipart body as a browser sends it.
fn body(fields: &[(String, String)], file: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let head = format!("--boundary\r\nContent-Disposition: form-data; name=\"{name}\"");
        body.extend(format!("{head}\r\n\r\n{value}\r\n").as_bytes());
    }
    let head = "--boundary\r\nContent-Disposition: form-data; name=\"file\"; filename=\"c.jpg\"";
    body.extend(format!("{head}\r\n\r\n").as_bytes());
    body.extend(file);
    body.extend(b"\r\n--boundary--\r\n");
    body
}

/// Sends the form as the sender filled it in, with one field changed or put in as well.
async fn post(form: &Form, filled: &[(&str, &str)], change: &[(&str, &str)], file: &[u8]) -> u16 {
    let mut fields = form.fields.clone();
    for (name, value) in filled.iter().chain(change) {
        fields.retain(|(known, _)| known != name);
        fields.push(((*name).to_owned(), (*value).to_owned()));
    }
    let request = reqwest::Client::new()
        .post(&form.url)
        .header("content-type", "multipart/form-data; boundary=boundary")
        .body(body(&fields, file));
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_form_lets_in_its_prefix_and_size_and_nothing_else() {
    let host = Embedded::start();
    let made = host.world().await;
    assert!(made.checks_signatures);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let server = host.server().serve_s3(listener, std::future::pending());
    let client = async {
        let sdk = sdk_config(&endpoint)
            .into_builder()
            .credentials_provider(made.sdk.credentials_provider().unwrap())
            .build();
        let store = store::Store::with_sdk_config(&sdk, names("t"), store::Jitter::new(|| 0));
        let now = Timestamp::from(std::time::SystemTime::now());
        let limits = FormLimits {
            bytes_max: 100,
            valid_for: Duration::from_secs(60),
            content_type: "image/",
        };
        let form = store
            .objects
            .upload_form(&tenant("uploader"), limits, now)
            .await
            .unwrap();
        assert_eq!(form.expires_at, now.plus(Duration::from_secs(60)));
        let filled = [
            ("key", "ads/uploader/cat.jpg"),
            ("Content-Type", "image/jpeg"),
            ("x-amz-meta-source-url", ""),
            ("x-amz-meta-ad-id", ""),
            ("x-amz-meta-seen-at", ""),
            ("x-amz-meta-place", "Bern"),
        ];
        assert_eq!(post(&form, &filled, &[], b"photo").await, 204);
        let key = ad_key("uploader", "cat.jpg").into();
        match store.objects.fetch(&key, None, 100).await.unwrap() {
            Fetched::Object(object) => {
                assert_eq!(object.bytes, "photo");
                assert_eq!(object.facts.ad_metadata().0.place.unwrap().as_str(), "Bern");
            }
            other => panic!("{other:?}"),
        }
        let url = store
            .objects
            .view_url(&key, None, now, Duration::from_secs(60))
            .await
            .unwrap();
        assert_eq!(
            reqwest::get(&url).await.unwrap().text().await.unwrap(),
            "photo"
        );
        for (change, file) in [
            (("x-amz-meta-place", "over"), &[0; 101][..]),
            (("x-amz-meta-place", "empty"), &[][..]),
            (("key", "ads/other/x"), &[0; 10]),
            (("Content-Type", "text/html"), &[0; 10]),
            (("x-amz-signature", &"0".repeat(64)), &[0; 10]),
            (("x-amz-meta-unasked", "x"), &[0; 10]),
        ] {
            let status = post(&form, &filled, &[change], file).await;
            assert!((400..500).contains(&status), "{change:?}: {status}");
        }
        let early = now.minus(Duration::from_secs(120));
        let expired = store
            .objects
            .upload_form(&tenant("uploader"), limits, early)
            .await
            .unwrap();
        assert_eq!(post(&expired, &filled, &[], b"photo").await, 403);
    };
    tokio::select! {
        served = server => panic!("the server ended: {served:?}"),
        () = client => {}
    }
}
