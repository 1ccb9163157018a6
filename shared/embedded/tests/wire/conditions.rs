//! Conditional requests: exact under any race.

use aws_sdk_s3::Client;
use aws_sdk_s3::primitives::ByteStream;

use crate::services::{body, put, ready, status};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_racing_puts_that_want_to_be_first_one_wins() {
    let (_services, client) = ready().await;
    for round in 0..10 {
        let racers = (0..16).map(|n: u32| {
            let put = client
                .put_object()
                .bucket("ads")
                .key(format!("race {round}"));
            let body = ByteStream::from(n.to_string().into_bytes());
            tokio::spawn(put.if_none_match("*").body(body).send())
        });
        let mut won = 0;
        for racer in racers.collect::<Vec<_>>() {
            match racer.await.expect("no panic") {
                Ok(_) => won += 1,
                Err(lost) => assert_eq!(status(&lost), Some(412)),
            }
        }
        assert_eq!(won, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn racing_swaps_lose_no_step() {
    let (_services, client) = ready().await;
    put(&client, "manifest", b"0").await;
    let swapper = |client: Client| async move {
        for _ in 0..5 {
            loop {
                let now = client
                    .get_object()
                    .bucket("ads")
                    .key("manifest")
                    .send()
                    .await
                    .expect("it");
                let etag = now.e_tag().expect("a tag").to_owned();
                let step = now.body.collect().await.expect("whole").to_vec();
                let step: u32 = String::from_utf8(step)
                    .expect("text")
                    .parse()
                    .expect("a number");
                let next = ByteStream::from((step + 1).to_string().into_bytes());
                let swap = client
                    .put_object()
                    .bucket("ads")
                    .key("manifest")
                    .if_match(etag);
                match swap.body(next).send().await {
                    Ok(_) => break,
                    Err(lost) => assert_eq!(status(&lost), Some(412)),
                }
            }
        }
    };
    let swappers: Vec<_> = (0..4)
        .map(|_| tokio::spawn(swapper(client.clone())))
        .collect();
    for swapper in swappers {
        swapper.await.expect("no panic");
    }
    assert_eq!(body(&client, "manifest").await, b"20");
}

#[tokio::test(flavor = "multi_thread")]
async fn conditions_on_puts_and_deletes_see_delete_markers_as_nothing() {
    let (_services, client) = ready().await;
    let swap = client.put_object().bucket("ads").key("a").if_match("\"0\"");
    assert_eq!(
        status(&swap.send().await.expect_err("nothing there")),
        Some(404)
    );
    put(&client, "a", b"1").await;
    let swap = client.put_object().bucket("ads").key("a").if_match("\"0\"");
    assert_eq!(status(&swap.send().await.expect_err("another")), Some(412));
    client
        .delete_object()
        .bucket("ads")
        .key("a")
        .send()
        .await
        .expect("deleted");
    let first = client
        .put_object()
        .bucket("ads")
        .key("a")
        .if_none_match("*");
    first.send().await.expect("free again");
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_can_be_conditional() {
    let (_services, client) = ready().await;
    put(&client, "a", b"1").await;
    let get = || client.get_object().bucket("ads").key("a");
    let object = get().send().await.expect("there");
    let (etag, modified) = (
        object.e_tag.expect("a tag"),
        object.last_modified.expect("a time"),
    );
    get().if_match(&etag).send().await.expect("the same");
    get().if_none_match("\"0\"").send().await.expect("another");
    let before = aws_sdk_s3::primitives::DateTime::from_secs(modified.secs() - 10);
    get()
        .if_modified_since(before)
        .send()
        .await
        .expect("modified since");
    for (unmet, code) in [
        (get().if_match("\"0\"").send().await, 412),
        (get().if_unmodified_since(before).send().await, 412),
        (get().if_none_match(&etag).send().await, 304),
        (get().if_none_match("*").send().await, 304),
        (get().if_modified_since(modified).send().await, 304),
    ] {
        assert_eq!(status(&unmet.expect_err("unmet")), Some(code));
    }
    let head = client
        .head_object()
        .bucket("ads")
        .key("a")
        .if_none_match(&etag)
        .send()
        .await;
    assert_eq!(status(&head.expect_err("unmet")), Some(304));
}
