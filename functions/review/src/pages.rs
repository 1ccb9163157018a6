//! The pages for the people of a unit: the same deeds as the API, for a person with a browser.
//!
//! Two doors that never open each other: a bearer token reaches no page, and a cookie no route below `/v1`.
//! A page is made like any answer: who asks, one verb of the store, and a view of `shared/pages`. What
//! changes something is a form that comes from a page of ours and brings its session's token.

mod access;
mod actor;
mod answers;
mod form;

mod adding;
mod cases;
mod ending;
mod held;
mod inbox;
mod judging;
mod labels;
mod lead;
mod log;
mod person;
mod pictures;
mod sealing;
mod sign_in;

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use futures::future::BoxFuture;
use records::{PictureAnswer, PictureRequest};

use crate::{Shared, photo};

pub(crate) use actor::Actor;
pub(crate) use answers::missing;
pub use inbox::NAMELESS;
pub(crate) use pictures::ad_source;

/// How the pages are served.
#[derive(Clone, Debug)]
pub struct Pages {
    /// Who makes pictures.
    pub pictures: Pictures,
    /// Where they lie, e.g. `http://127.0.0.1:8750`: links in alerts begin with it. Without it, with the name that
    /// the request was sent to.
    pub address: Option<String>,
    /// Whether browsers come by HTTPS: their cookie is bound to it then.
    pub is_https: bool,
    /// Whether the system runs on the reader's own machine, which prints links to sign in.
    pub is_local: bool,
}

/// The way to the program `picture`, which holds the decoders: this one has none.
#[derive(Clone)]
pub struct Pictures(Arc<Ask>);

type Ask = dyn Fn(PictureRequest) -> BoxFuture<'static, PictureAnswer> + Send + Sync;

impl Pictures {
    /// A way to ask for a picture: in the same process, or by calling a function.
    pub fn new(
        ask: impl Fn(PictureRequest) -> BoxFuture<'static, PictureAnswer> + Send + Sync + 'static,
    ) -> Self {
        Self(Arc::new(ask))
    }

    pub(crate) async fn ask(&self, request: PictureRequest) -> PictureAnswer {
        (self.0)(request).await
    }
}

impl fmt::Debug for Pictures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pictures")
    }
}

/// The route that withdraws a reference by a form.
pub(crate) const WITHDRAW_ROUTE: &str = "/references/{reference_id}/withdraw";

/// Every page.
pub(crate) fn routes() -> Router<Shared> {
    Router::new()
        .route("/", get(sign_in::first))
        .route("/in", get(sign_in::show).post(sign_in::by_token))
        .route("/in/{code}", get(sign_in::by_link))
        .route("/out", post(sign_in::out))
        .route("/language", post(sign_in::language))
        .route("/assets/{name}", get(answers::asset))
        .route("/leads", get(inbox::show))
        .route("/leads/{lead_id}", get(lead::show))
        .route("/leads/{lead_id}/report", get(lead::report))
        .route("/leads/{lead_id}/seal", post(sealing::seal))
        .route("/leads/{lead_id}/here", post(judging::here))
        .route("/leads/{lead_id}/verdict", post(judging::judge))
        .route("/leads/{lead_id}/take-back", post(judging::take_back))
        .route("/leads/{lead_id}/photo", get(pictures::photo))
        .route("/leads/{lead_id}/part", get(pictures::part))
        .route("/leads/{lead_id}/placed", get(pictures::placed))
        .route("/leads/{lead_id}/whole", get(pictures::whole))
        .route("/references/{reference_id}/photo", get(pictures::reference))
        .route("/references/{reference_id}/small", get(pictures::small))
        .route("/cases", get(cases::list))
        .route("/cases/{reference_id}", get(cases::show))
        .merge(changing())
        .route("/help", get(person::help))
        .route("/me", get(person::show).post(person::rename))
        .route("/unit", post(person::of_unit))
        .route("/log", get(log::show))
}

fn changing() -> Router<Shared> {
    let add = get(adding::show).post(adding::add);
    Router::new()
        .route(
            "/add",
            add.layer(DefaultBodyLimit::max(photo::FORM_BYTES_MAX)),
        )
        .route("/references/{reference_id}/end", get(ending::show))
        .route(WITHDRAW_ROUTE, post(ending::withdraw))
        .route("/references/{reference_id}/erase", post(ending::erase))
        .route("/erasures/{erasure_id}", get(ending::erasure))
        .route(
            "/references/{reference_id}/held",
            get(held::show).post(held::judge),
        )
        .route("/references/{reference_id}/release", post(held::release))
}
