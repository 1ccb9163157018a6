//! Multipart uploads.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};

use crate::services::{body, ready};

#[tokio::test(flavor = "multi_thread")]
async fn a_multipart_upload_becomes_one_object() {
    let (services, client) = ready().await;
    let create = client
        .create_multipart_upload()
        .bucket("ads")
        .key("a")
        .content_type("image/tiff");
    let id = create
        .metadata("ad-id", "7")
        .send()
        .await
        .expect("begun")
        .upload_id
        .expect("an id");
    let bytes: Vec<u8> = (0..11_000_000_u32).map(|n| (n % 253) as u8).collect();
    let mut parts = Vec::new();
    for (number, piece) in (1..).zip(bytes.chunks(5 << 20)) {
        let part = client
            .upload_part()
            .bucket("ads")
            .key("a")
            .upload_id(&id)
            .part_number(number);
        let part = part
            .body(piece.to_vec().into())
            .send()
            .await
            .expect("stored");
        parts.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(part.e_tag)
                .build(),
        );
    }
    let listed = client
        .list_parts()
        .bucket("ads")
        .key("a")
        .upload_id(&id)
        .send()
        .await;
    assert_eq!(listed.expect("listed").parts().len(), 3);
    let complete = |parts: Vec<CompletedPart>| {
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        client
            .complete_multipart_upload()
            .bucket("ads")
            .key("a")
            .upload_id(&id)
            .multipart_upload(parts)
    };
    let backwards = complete(parts.iter().rev().cloned().collect()).send().await;
    assert_eq!(
        backwards.expect_err("order").code(),
        Some("InvalidPartOrder")
    );
    let wrong = CompletedPart::builder()
        .part_number(1)
        .e_tag("\"0\"")
        .build();
    let wrong = complete(vec![wrong]).send().await;
    assert_eq!(wrong.expect_err("tag").code(), Some("InvalidPart"));
    let done = complete(parts.clone()).send().await.expect("completed");
    assert!(done.e_tag().expect("a tag").ends_with("-3\""));
    assert!(body(&client, "a").await == bytes);
    let head = client
        .head_object()
        .bucket("ads")
        .key("a")
        .send()
        .await
        .expect("there");
    assert_eq!(
        (head.content_type(), head.metadata().map(|m| m.len())),
        (Some("image/tiff"), Some(1))
    );
    let twice = complete(parts).send().await.expect_err("it is over");
    assert_eq!(twice.code(), Some("NoSuchUpload"));

    let id = client
        .create_multipart_upload()
        .bucket("ads")
        .key("b")
        .send()
        .await
        .expect("begun");
    let id = id.upload_id.expect("an id");
    for number in 1..=2 {
        let part = client
            .upload_part()
            .bucket("ads")
            .key("b")
            .upload_id(&id)
            .part_number(number);
        part.body(ByteStream::from_static(b"small"))
            .send()
            .await
            .expect("stored");
    }
    let part = |n| CompletedPart::builder().part_number(n).build();
    let parts = CompletedMultipartUpload::builder()
        .parts(part(1))
        .parts(part(2))
        .build();
    let small = client
        .complete_multipart_upload()
        .bucket("ads")
        .key("b")
        .upload_id(&id);
    let small = small
        .multipart_upload(parts)
        .send()
        .await
        .expect_err("too small");
    assert_eq!(small.code(), Some("EntityTooSmall"));
    let abort = client
        .abort_multipart_upload()
        .bucket("ads")
        .key("b")
        .upload_id(&id);
    abort.send().await.expect("aborted");
    let checks = services
        .embedded
        .checks(true, jiff::Timestamp::now())
        .await
        .expect("checked");
    assert_eq!(
        (checks.uploads, checks.contents, checks.orphan_contents),
        (0, 1, 0)
    );
}
