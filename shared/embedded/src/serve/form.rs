//! Forms that bring a file.
//!
//! `s3s` holds a form's file in memory until it has judged the form, and it judges one without a
//! signature last. So a form is looked at here first: the fields before its file must hold a policy
//! and a signature, and only so many bytes of forms are held at a time. (A wrong signature is refused
//! by `s3s` before it reads the file.)

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Request, header};
use hyper::body::{Body as _, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Arriving, CutOff};
use crate::s3::POST_BYTES_MAX;

/// What the fields before the file may take, in bytes: policy, signature and metadata are a tenth.
const FIELDS_BYTES_MAX: usize = 64 << 10;

/// A form is looked at again after so many more bytes.
const INSPECT_EVERY_BYTES: usize = 512;

/// Bytes of a port's bodies that are held at a time: four of the largest, and sixteen of what a form for
/// photos allows.
const HELD_KIB_MAX: usize = 512 << 10;

/// How long a body waits for its place.
const SLOT_TIME_MAX: Duration = Duration::from_secs(20);

/// Fields without which no form is looked at.
const FIELDS_NEEDED: [&str; 2] = ["policy", "x-amz-signature"];

/// Places for bodies that are held in memory whole, by their size.
pub(super) struct FormSlots(Arc<Semaphore>);

impl Default for FormSlots {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(HELD_KIB_MAX)))
    }
}

impl FormSlots {
    /// A place for a body of at most so many bytes; none if none was free for long.
    pub(super) async fn slot_for(&self, bytes_max: u64) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes_max.div_ceil(1 << 10)).unwrap_or(u32::MAX);
        let kib = kib.clamp(1, u32::try_from(HELD_KIB_MAX).unwrap_or(u32::MAX));
        let place = self.0.clone().acquire_many_owned(kib);
        let place = tokio::time::timeout(SLOT_TIME_MAX, place).await;
        place.ok()?.ok()
    }
}

/// How many bytes of this form may come to be held.
pub(super) fn bytes_max(request: &Request<Arriving>) -> u64 {
    let said = request.body().size_hint().upper();
    said.unwrap_or(POST_BYTES_MAX).min(POST_BYTES_MAX)
}

/// Whether a request is a form that S3 would take a file from.
pub(super) fn is_form<B>(request: &Request<B>) -> bool {
    request.method() == Method::POST && media_type(request.headers()).is_some()
}

fn media_type(headers: &HeaderMap) -> Option<&str> {
    let media_type = headers
        .get(header::CONTENT_TYPE)?
        .to_str()
        .ok()?
        .trim_start();
    let form = media_type.get(..MULTIPART.len())?;
    form.eq_ignore_ascii_case(MULTIPART).then_some(media_type)
}

const MULTIPART: &str = "multipart/form-data";

/// Reads a form up to its file; none if it has no policy or no signature there.
pub(super) async fn begin(head: &Parts, mut body: Arriving) -> Option<FormBody> {
    let boundary = boundary(media_type(&head.headers)?)?;
    let (mut read, mut look_at_bytes, mut is_whole) = (Vec::new(), 0, false);
    loop {
        // Not at every byte: that would be work of the square of what a stranger sends.
        if read.len() >= look_at_bytes || is_whole {
            match inspect(&read, &boundary) {
                Inspected::Signed => break,
                Inspected::Unsigned => return None,
                Inspected::Unknown if is_whole || read.len() > FIELDS_BYTES_MAX => return None,
                Inspected::Unknown => look_at_bytes = read.len() + INSPECT_EVERY_BYTES,
            }
        }
        match std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            Some(frame) => read.extend_from_slice(frame.ok()?.data_ref()?),
            None => is_whole = true,
        }
    }
    Some(FormBody {
        body,
        held: read.into(),
        frame_bytes_min: FORM_START_BYTES,
    })
}

/// The text between the parts, as `Content-Type` says it.
fn boundary(media_type: &str) -> Option<String> {
    let mut parameters = media_type.split(';').skip(1).map(str::trim);
    let found = parameters.find_map(|it| {
        let (name, value) = it.split_once('=')?;
        name.eq_ignore_ascii_case("boundary").then_some(value)
    })?;
    Some(found.trim_matches('"').to_owned())
}

/// What the first bytes of a form tell.
#[derive(Debug, PartialEq, Eq)]
enum Inspected {
    /// The file begins, and the fields before it hold what is needed.
    Signed,
    /// The file begins, and they do not; or this is no form.
    Unsigned,
    /// The file has not begun.
    Unknown,
}

/// As strict as may be: a part that is read otherwise than `s3s` reads it is no part.
fn inspect(bytes: &[u8], boundary: &str) -> Inspected {
    let between = format!("\r\n--{boundary}\r\n").into_bytes();
    let start = bytes.strip_prefix(b"\r\n").unwrap_or(bytes);
    let first = &between[2..];
    if start.len() < first.len() {
        return Inspected::Unknown;
    }
    let Some(mut rest) = start.strip_prefix(first) else {
        return Inspected::Unsigned;
    };
    let mut fields = Vec::new();
    loop {
        let Some(head_ends) = find(rest, b"\r\n\r\n") else {
            return Inspected::Unknown;
        };
        let Some(name) = part_name(&rest[..head_ends]) else {
            return Inspected::Unsigned;
        };
        if name == "file" {
            let has = |needed: &&str| fields.iter().any(|name| name == needed);
            return match FIELDS_NEEDED.iter().all(has) {
                true => Inspected::Signed,
                false => Inspected::Unsigned,
            };
        }
        fields.push(name);
        let Some(part_ends) = find(&rest[head_ends..], &between) else {
            return Inspected::Unknown;
        };
        rest = &rest[head_ends + part_ends + between.len()..];
    }
}

/// The name of a part, in lower case, from its one `Content-Disposition`.
fn part_name(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).ok()?;
    let mut dispositions = head.split("\r\n").filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition")
            .then_some(value)
    });
    let (disposition, None) = (dispositions.next()?, dispositions.next()) else {
        return None;
    };
    let mut parameters = disposition.trim().strip_prefix("form-data;")?.split(';');
    let name = parameters.next()?.trim().strip_prefix("name=\"")?;
    let (name, "") = name.split_once('"')? else {
        return None;
    };
    (!name.contains('\\')).then(|| name.to_ascii_lowercase())
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}

/// The start of a form that is given on together: more than its first line can have.
const FORM_START_BYTES: usize = 256;

/// The largest frame of a form.
const FORM_FRAME_BYTES_MAX: usize = 32 << 10;

/// A form's body in frames that `s3s` gets along with, however the network cut it. It takes what it
/// has of the first line for the whole line, and holds at most 64 KiB where the end of a frame could
/// be the start of a boundary.
pub(super) struct FormBody {
    body: Arriving,
    held: Bytes,
    /// Bytes that the next frame has, unless the body has no more.
    frame_bytes_min: usize,
}

impl FormBody {
    fn hold(&mut self, data: Bytes) {
        self.held = if self.held.is_empty() {
            data
        } else {
            [std::mem::take(&mut self.held), data].concat().into()
        };
    }
}

impl hyper::body::Body for FormBody {
    type Data = Bytes;
    type Error = CutOff;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutOff>>> {
        let this = &mut *self;
        while this.held.len() < this.frame_bytes_min {
            match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
                // Trailers say nothing about a form.
                Some(Ok(frame)) => frame.into_data().into_iter().for_each(|it| this.hold(it)),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None if this.held.is_empty() => return Poll::Ready(None),
                None => break,
            }
        }
        this.frame_bytes_min = 1;
        let frame = this
            .held
            .split_to(this.held.len().min(FORM_FRAME_BYTES_MAX));
        Poll::Ready(Some(Ok(Frame::data(frame))))
    }

    fn is_end_stream(&self) -> bool {
        self.held.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.held.len() as u64;
        let rest = self.body.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + held);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + held);
        }
        hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(names: &[&str]) -> Vec<u8> {
        let part = |name: &&str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\nvalue\r\n")
        };
        names.iter().map(part).collect::<String>().into_bytes()
    }

    fn check(bytes: &[u8], expected: Inspected) {
        assert_eq!(
            inspect(bytes, "b"),
            expected,
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }

    #[test]
    fn a_form_is_signed_if_policy_and_signature_stand_before_its_file() {
        check(
            &form(&["key", "Policy", "X-Amz-Signature", "file"]),
            Inspected::Signed,
        );
        check(
            &form(&["key", "file", "policy", "x-amz-signature"]),
            Inspected::Unsigned,
        );
        check(&form(&["policy", "file"]), Inspected::Unsigned);
        check(&form(&["policy", "signature", "file"]), Inspected::Unsigned);
        check(&form(&["file"]), Inspected::Unsigned);
    }

    #[test]
    fn a_form_is_read_on_until_its_file() {
        let whole = form(&["policy", "x-amz-signature", "file"]);
        let file = find(&whole, b"\"file\"\r\n\r\n").expect("a file");
        for end in 0..file {
            check(&whole[..end], Inspected::Unknown);
        }
    }

    #[test]
    fn what_only_looks_like_a_field_is_none() {
        let value = b"--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\n\
            name=\"policy\" name=\"x-amz-signature\"\r\n--b\r\n\
            Content-Disposition: form-data; name=\"file\"\r\n\r\n";
        check(value, Inspected::Unsigned);
        let twice = b"--b\r\nContent-Disposition: form-data; name=\"policy\"\r\n\
            Content-Disposition: form-data; name=\"key\"\r\n\r\n";
        check(twice, Inspected::Unsigned);
        check(b"GIF89a and so on", Inspected::Unsigned);
    }

    #[test]
    fn a_boundary_may_stand_in_quotes() {
        for text in [
            "multipart/form-data; boundary=b",
            "multipart/form-data; charset=x; Boundary=\"b\"",
        ] {
            assert_eq!(boundary(text).as_deref(), Some("b"));
        }
        assert_eq!(boundary("multipart/form-data"), None);
    }

    #[tokio::test]
    async fn only_so_many_bytes_of_forms_are_held() {
        let places = FormSlots::default();
        let largest = places.slot_for(POST_BYTES_MAX).await.expect("a place");
        assert_eq!(places.0.available_permits(), HELD_KIB_MAX * 3 / 4);
        let rest = places.slot_for(3 * POST_BYTES_MAX).await.expect("the rest");
        assert_eq!(places.0.available_permits(), 0);
        drop((largest, rest));
        assert!(places.slot_for(u64::MAX).await.is_some());
    }
}
