//! An endpoint with canned answers: what a service said once, said again to the client under test.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};

use crate::loopback::Loopback;

/// A request as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// `GET`, `PUT`, ...
    pub method: String,
    /// The path as sent, percent-encoded.
    pub path: String,
    /// The query as sent; empty when there is none.
    pub query: String,
    /// The headers; names in lower case. Of several with one name, the last.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Bytes,
}

impl Received {
    /// The header of that name, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }

    /// The operation that a JSON protocol names: `PutItem` for `x-amz-target: DynamoDB_20120810.PutItem`.
    pub fn operation(&self) -> &str {
        let target = self.header("x-amz-target");
        target.rsplit('.').next().unwrap_or_default()
    }
}

/// What to say to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    announced: Option<usize>,
}

impl Answer {
    /// An answer with this status and an empty body.
    pub fn status(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
            announced: None,
        }
    }

    /// With this header too.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Announces a body of `length` bytes. The connection breaks after those that there are.
    #[must_use]
    pub fn announcing(mut self, length: usize) -> Self {
        self.announced = Some(length);
        self
    }

    fn response(&self) -> Response<CannedBody> {
        let mut response = Response::new(CannedBody {
            bytes: Some(self.body.clone()),
            paused: false,
        });
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        // A body that ends before its announced length makes the server close the connection there.
        let length = self.announced.unwrap_or(self.body.len()).to_string();
        let length = ("content-length".to_owned(), length);
        for (name, value) in self.headers.iter().chain([&length]) {
            if let (Ok(name), Ok(value)) = (
                hyper::header::HeaderName::try_from(name),
                hyper::header::HeaderValue::try_from(value),
            ) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The endpoint.
#[derive(Debug)]
pub struct Canned {
    server: Loopback,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    rules: Vec<Rule>,
    received: Vec<Received>,
}

struct Rule {
    applies: Box<dyn Fn(&Received) -> bool + Send>,
    answers: VecDeque<Answer>,
}

impl fmt::Debug for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.answers.fmt(formatter)
    }
}

impl Canned {
    /// Starts the endpoint; it has no answers yet.
    pub async fn start() -> io::Result<Self> {
        let state = Arc::new(Mutex::new(State::default()));
        let service = {
            let state = Arc::clone(&state);
            service_fn(move |request| {
                let state = Arc::clone(&state);
                async move { Ok::<_, Infallible>(answer(&state, request).await) }
            })
        };
        Ok(Self {
            server: Loopback::serve(service).await?,
            state,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    /// `http://127.0.0.1:PORT`, for `AWS_ENDPOINT_URL`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// Says `answers` one after another to the requests that `applies` picks, the last of them again and again. The first
    /// rule that applies is taken; a request without one gets a 501.
    pub fn on(
        &self,
        applies: impl Fn(&Received) -> bool + Send + 'static,
        answers: impl IntoIterator<Item = Answer>,
    ) {
        lock(&self.state).rules.push(Rule {
            applies: Box::new(applies),
            answers: answers.into_iter().collect(),
        });
    }

    /// Says `answer` to every request that no earlier rule picks.
    pub fn always(&self, answer: Answer) {
        self.on(|_| true, [answer]);
    }

    /// Every request so far.
    pub fn received(&self) -> Vec<Received> {
        lock(&self.state).received.clone()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn answer(state: &Mutex<State>, request: Request<Incoming>) -> Response<CannedBody> {
    let (parts, body) = request.into_parts();
    // A request that breaks off is kept with an empty body.
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes);
    let received = Received {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: parts
            .headers
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.to_string(), value)
            })
            .collect(),
        body: body.unwrap_or_default(),
    };
    let mut state = lock(state);
    let rule = state
        .rules
        .iter_mut()
        .find(|rule| (rule.applies)(&received));
    let answer = rule.and_then(|rule| {
        if rule.answers.len() > 1 {
            rule.answers.pop_front()
        } else {
            rule.answers.front().cloned()
        }
    });
    let answer = answer.unwrap_or_else(|| {
        let message = format!("no answer for {} {}", received.method, received.path);
        Answer::status(501).body(message)
    });
    state.received.push(received);
    answer.response()
}

/// A body that does not tell its length, so that an answer can announce another one.
#[derive(Debug)]
struct CannedBody {
    bytes: Option<Bytes>,
    paused: bool,
}

impl Body for CannedBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        // The server writes out what it has while it waits; of a body that ends too early it would write nothing.
        if !std::mem::replace(&mut self.paused, true) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(None)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::Full;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    use super::*;
    use crate::loopback::tests::send;

    fn get(path: &str) -> Request<Full<Bytes>> {
        Request::get(path).body(Full::default()).unwrap()
    }

    #[tokio::test]
    async fn the_first_rule_that_applies_answers_and_its_last_answer_stays() {
        let canned = Canned::start().await.unwrap();
        canned.on(
            |request| request.path == "/a",
            [Answer::status(503), Answer::status(200).body("a")],
        );
        canned.always(Answer::status(404).header("x-amz-request-id", "1"));
        let mut seen = Vec::new();
        for path in ["/a", "/b", "/a", "/a"] {
            let answer = send(canned.address(), get(path)).await.unwrap();
            seen.push((answer.status().as_u16(), answer.into_body()));
        }
        let empty = Bytes::new();
        let a = Bytes::from("a");
        assert_eq!(
            seen,
            [
                (503, empty.clone()),
                (404, empty),
                (200, a.clone()),
                (200, a)
            ]
        );
    }

    #[tokio::test]
    async fn a_request_is_kept_as_it_came() {
        let canned = Canned::start().await.unwrap();
        let request = Request::post("/a%20b?list-type=2")
            .header("X-Amz-Target", "DynamoDB_20120810.PutItem")
            .body(Full::from("{}"))
            .unwrap();
        let answer = send(canned.address(), request).await.unwrap();
        assert_eq!(answer.status(), 501);
        assert_eq!(answer.body(), "no answer for POST /a%20b");
        let [received] = &canned.received()[..] else {
            panic!("one request was sent");
        };
        assert_eq!(received.method, "POST");
        assert_eq!(received.path, "/a%20b");
        assert_eq!(received.query, "list-type=2");
        assert_eq!(received.operation(), "PutItem");
        assert_eq!(received.body, "{}");
    }

    #[tokio::test]
    async fn an_answer_can_break_off() {
        let canned = Canned::start().await.unwrap();
        canned.always(Answer::status(200).body("abc").announcing(10));
        let mut stream = TcpStream::connect(canned.address()).await.unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.contains("content-length: 10\r\n"), "{answer}");
        assert!(answer.ends_with("\r\n\r\nabc"), "{answer}");
    }
}
