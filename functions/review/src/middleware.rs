//! What holds for every answer: an id, safe headers, a log line without personal data, and limits
//! on how much is served at once.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::error_handling::HandleErrorLayer;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::{BoxError, Router};
use futures::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use store::Clock;
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::LoadShedLayer;
use tower::timeout::TimeoutLayer;

use crate::Review;
use crate::problem::{Problem, ProblemKind};

/// Requests served at once by one process; more are told to come back. A laptop's SQLite is busy
/// long before.
const REQUESTS_MAX: usize = 256;
/// The longest a request may take: a withdrawal waits for deliveries in flight, a photo may come
/// over a slow line.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// On every answer that does not say otherwise. The API has no scripts, and nothing it says may be kept.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; frame-ancestors 'none'",
    ),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// What the outermost layer needs: a clock, and what request ids are made of.
pub(crate) struct Middleware {
    clock: Clock,
    /// Tells this process from others in request ids.
    instance: String,
    count: AtomicU64,
}

impl Middleware {
    pub(crate) fn of(review: &Review) -> Self {
        Self {
            clock: review.clock.clone(),
            instance: hex::encode(review.random.draw::<4>()),
            count: AtomicU64::new(0),
        }
    }
}

/// The router within all that holds for every answer.
pub(crate) fn with_middleware(router: Router, outermost: Middleware) -> Router {
    router.layer(
        ServiceBuilder::new()
            .layer(middleware::from_fn_with_state(Arc::new(outermost), outer))
            .layer(HandleErrorLayer::new(overloaded))
            .layer(LoadShedLayer::new())
            .layer(GlobalConcurrencyLimitLayer::new(REQUESTS_MAX))
            .layer(TimeoutLayer::new(REQUEST_TIMEOUT))
            .layer(middleware::from_fn(crate::concurrency_limits::keep))
            .layer(middleware::from_fn(acceptable)),
    )
}

async fn overloaded(_: BoxError) -> Problem {
    Problem::overloaded()
}

async fn outer(State(outermost): State<Arc<Middleware>>, request: Request, next: Next) -> Response {
    let start = outermost.clock.now();
    let count = outermost.count.fetch_add(1, Ordering::Relaxed);
    let request_id = format!("{}-{count:06x}", outermost.instance);
    let method = request.method().clone();
    // The route, never the address: an address holds ids, and a filter a case number.
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = AssertUnwindSafe(next.run(request))
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Problem::internal().into_response());
    let ms = outermost.clock.now().since(start).as_millis();
    tracing::info!(
        request_id,
        %method,
        route = route.as_ref().map_or("none", MatchedPath::as_str),
        status = response.status().as_u16(),
        ms = u64::try_from(ms).unwrap_or(u64::MAX),
        "request"
    );
    stamp(response.headers_mut(), &request_id);
    response
}

fn stamp(headers: &mut HeaderMap, request_id: &str) {
    for (name, value) in HEADERS {
        // A page has a policy of its own.
        let header = headers.entry(name);
        header.or_insert(HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        headers.insert("x-request-id", value);
    }
}

/// Refuses a caller that takes no JSON, before anything is done for it.
async fn acceptable(request: Request, next: Next) -> Response {
    if takes_json(request.headers()) || !is_of_the_api(request.uri().path()) {
        return next.run(request).await;
    }
    Problem::new(
        ProblemKind::NotAcceptable,
        "answers are application/json; send 'accept: application/json' or no accept header",
    )
    .into_response()
}

/// Whether an address is one of the API and not of a page.
fn is_of_the_api(path: &str) -> bool {
    path == "/v1" || path.starts_with("/v1/")
}

/// Whether a person asks by a browser, for what is not the API's.
pub(crate) fn is_of_a_reader(path: &str, headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    let text = accept.and_then(|value| value.to_str().ok());
    !is_of_the_api(path) && text.is_some_and(|text| text.contains("text/html"))
}

fn takes_json(headers: &HeaderMap) -> bool {
    let ranges: Vec<&str> = headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .collect();
    ranges.is_empty() || ranges.into_iter().any(range_takes_json)
}

fn range_takes_json(range: &str) -> bool {
    let mut parts = range
        .split(';')
        .map(|part| part.trim().to_ascii_lowercase());
    let media_range = parts.next().unwrap_or_default();
    let refused = parts.any(|part| {
        part.strip_prefix("q=")
            .is_some_and(|q| q.trim_matches(['0', '.']).is_empty())
    });
    !refused
        && matches!(
            media_range.as_str(),
            "*/*" | "application/*" | "application/json"
        )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use tower::ServiceExt;

    fn check(accept: &[&str], expected: bool) {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(
                header::ACCEPT,
                HeaderValue::from_str(value).expect("a header"),
            );
        }
        assert_eq!(takes_json(&headers), expected, "{accept:?}");
    }

    #[test]
    fn a_client_that_takes_json_or_says_nothing_is_served() {
        check(&[], true);
        check(&[""], true);
        check(&["*/*"], true);
        check(&["text/html, application/JSON;q=0.1"], true);
        check(&["text/html", "application/*"], true);
    }

    #[test]
    fn a_client_that_takes_no_json_is_refused() {
        check(&["text/html"], false);
        check(&["application/json;q=0"], false);
        check(&["application/json; q=0.0, image/*"], false);
    }

    fn outermost() -> Middleware {
        Middleware {
            clock: Clock::from_system(),
            instance: "test".to_owned(),
            count: AtomicU64::new(0),
        }
    }

    async fn get(router: &Router, path: &str) -> Response {
        let request = Request::builder()
            .uri(path)
            .body(Body::empty())
            .expect("a request");
        router.clone().oneshot(request).await.expect("an answer")
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_like_any_fault_of_ours() {
        async fn broken() -> &'static str {
            panic!("a defect")
        }
        let router = with_middleware(
            Router::new().route("/", axum::routing::get(broken)),
            outermost(),
        );
        let response = get(&router, "/").await;
        assert_eq!(response.status(), 500);
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert_eq!(response.headers()["x-request-id"], "test-000000");
    }

    #[tokio::test]
    async fn more_requests_than_are_served_at_once_are_told_to_come_back() {
        let router = Router::new()
            .route("/slow", axum::routing::get(std::future::pending::<()>))
            .route("/fast", axum::routing::get(async || "done"));
        let router = with_middleware(router, outermost());
        let slow: Vec<_> = (0..REQUESTS_MAX)
            .map(|_| {
                let router = router.clone();
                tokio::spawn(async move { get(&router, "/slow").await })
            })
            .collect();
        // The runtime comes back here before every task has begun.
        for _ in 0..REQUESTS_MAX {
            tokio::task::yield_now().await;
        }
        let refused = get(&router, "/fast").await;
        assert_eq!(
            (refused.status().as_u16(), &refused.headers()["retry-after"]),
            (503, &"1".parse().expect("a header"))
        );
        slow.iter().for_each(tokio::task::JoinHandle::abort);
        for task in slow {
            let _ended = task.await;
        }
        assert_eq!(get(&router, "/fast").await.status(), 200);
    }
}
