//! The Runtime API and the Extensions API of Lambda.
//!
//! Paths, headers and states as in the Lambda developer guide, "Using the Lambda runtime API for custom runtimes" and
//! "Using the Lambda Extensions API".

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot, watch};

use crate::loopback::Loopback;

/// How long a call and the start of the function may take, unless told otherwise.
const LIMIT: Duration = Duration::from_secs(30);

const FUNCTION: &str = "function-under-test";

/// What became of a call.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The function answered.
    Response(Value),
    /// The function reported an error.
    Error {
        /// Its `errorType`.
        error_type: String,
        /// Its `errorMessage`.
        message: String,
    },
    /// The deadline passed without either.
    TimedOut,
}

/// Why a function could not start, as it reported to `/runtime/init/error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its `errorType`.
    pub error_type: String,
    /// Its `errorMessage`.
    pub message: String,
}

impl Failure {
    fn read(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        Self {
            error_type: text("errorType"),
            message: text("errorMessage"),
        }
    }
}

/// Lambda's side of one function: calls it and takes its answers.
#[derive(Debug)]
pub struct RuntimeStub {
    server: Loopback,
    shared: Arc<Shared>,
    limit: Duration,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    /// There is a call to fetch.
    called: Notify,
    /// The function has asked for an event: its init is over.
    ready: watch::Sender<bool>,
    extensions_api: bool,
}

#[derive(Debug, Default)]
struct State {
    calls: u64,
    waiting: VecDeque<Call>,
    running: BTreeMap<String, oneshot::Sender<Outcome>>,
    init_errors: Vec<Failure>,
    extensions: Vec<String>,
}

#[derive(Debug)]
struct Call {
    request_id: String,
    event: Bytes,
    deadline_ms: u128,
    answered: oneshot::Sender<Outcome>,
}

impl RuntimeStub {
    /// The X-Ray header of every call.
    pub const TRACE: &str =
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1";

    /// The trace id in [`Self::TRACE`], as W3C writes it.
    pub const TRACE_ID: &str = "5759e988bd862e3fe1be46a994272793";

    /// Starts the endpoint.
    pub async fn start() -> io::Result<Self> {
        Self::with(true).await
    }

    /// Starts an endpoint without the Extensions API, as some local stand-ins of Lambda are.
    pub async fn start_without_extensions() -> io::Result<Self> {
        Self::with(false).await
    }

    async fn with(extensions_api: bool) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            called: Notify::new(),
            ready: watch::Sender::new(false),
            extensions_api,
        });
        let service = {
            let shared = Arc::clone(&shared);
            service_fn(move |request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, Infallible>(shared.answer(request).await) }
            })
        };
        Ok(Self {
            server: Loopback::serve(service).await?,
            shared,
            limit: LIMIT,
        })
    }

    /// Gives each later call `limit` from invocation to deadline instead of 30 s.
    #[must_use]
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The variables that Lambda sets for a function: to be set, with the function's own, for its process.
    ///
    /// The SDK makes one attempt for each call, because a test that meets a failure meant it, and looks for no credentials
    /// elsewhere.
    pub fn environment(&self) -> BTreeMap<String, String> {
        [
            ("AWS_LAMBDA_RUNTIME_API", self.address().to_string()),
            ("AWS_LAMBDA_FUNCTION_NAME", FUNCTION.to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_MAX_ATTEMPTS", "1".to_owned()),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    /// Waits until the function asks for its first event; false when it does not within 30 s.
    pub async fn ready(&self) -> bool {
        let mut ready = self.shared.ready.subscribe();
        tokio::time::timeout(LIMIT, ready.wait_for(|ready| *ready))
            .await
            .is_ok()
    }

    /// Calls the function and waits for what becomes of it. Calls are handed out in order, one by one.
    pub async fn invoke(&self, event: Value) -> Outcome {
        let deadline = SystemTime::now() + self.limit;
        let (answered, outcome) = oneshot::channel();
        {
            let mut state = self.shared.state();
            state.calls += 1;
            let call = Call {
                request_id: Self::request_id(state.calls),
                event: event.to_string().into(),
                deadline_ms: deadline
                    .duration_since(UNIX_EPOCH)
                    .map_or(0, |elapsed| elapsed.as_millis()),
                answered,
            };
            state.waiting.push_back(call);
        }
        self.shared.called.notify_one();
        match tokio::time::timeout(self.limit, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => Outcome::TimedOut,
        }
    }

    /// The request id of the `call`th call, counted from 1.
    pub fn request_id(call: u64) -> String {
        format!("00000000-0000-4000-8000-{call:012}")
    }

    /// Why the function could not start, by its own words.
    pub fn init_errors(&self) -> Vec<Failure> {
        self.shared.state().init_errors.clone()
    }

    /// The names of the extensions that were registered.
    pub fn extensions(&self) -> Vec<String> {
        self.shared.state().extensions.clone()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (parts, body) = request.into_parts();
        let Ok(body) = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
        else {
            return status(StatusCode::BAD_REQUEST);
        };
        let path: Vec<&str> = parts.uri.path().split('/').skip(1).collect();
        match (&parts.method, path.as_slice()) {
            (&Method::GET, ["2018-06-01", "runtime", "invocation", "next"]) => self.next().await,
            (
                &Method::POST,
                [
                    "2018-06-01",
                    "runtime",
                    "invocation",
                    request_id,
                    "response",
                ],
            ) => {
                let text = || Value::String(String::from_utf8_lossy(&body).into_owned());
                let value = serde_json::from_slice(&body).unwrap_or_else(|_| text());
                self.settle(request_id, Outcome::Response(value))
            }
            (&Method::POST, ["2018-06-01", "runtime", "invocation", request_id, "error"]) => {
                let Failure {
                    error_type,
                    message,
                } = Failure::read(&body);
                let outcome = Outcome::Error {
                    error_type,
                    message,
                };
                self.settle(request_id, outcome)
            }
            (&Method::POST, ["2018-06-01", "runtime", "init", "error"]) => {
                self.state().init_errors.push(Failure::read(&body));
                status(StatusCode::ACCEPTED)
            }
            (&Method::POST, ["2020-01-01", "extension", "register"]) if self.extensions_api => {
                let name = parts.headers.get("lambda-extension-name");
                let name = name.and_then(|name| name.to_str().ok()).unwrap_or_default();
                self.state().extensions.push(name.to_owned());
                let mut response = Response::new(Full::from(
                    json!({
                        "functionName": FUNCTION,
                        "functionVersion": "$LATEST",
                        "handler": "bootstrap",
                    })
                    .to_string(),
                ));
                set(&mut response, "lambda-extension-identifier", "extension-1");
                response
            }
            // It subscribes to nothing, so there is never an event for it.
            (&Method::GET, ["2020-01-01", "extension", "event", "next"]) if self.extensions_api => {
                std::future::pending().await
            }
            _ => status(StatusCode::NOT_FOUND),
        }
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        self.ready.send_replace(true);
        let call = loop {
            let waiting = self.state().waiting.pop_front();
            match waiting {
                Some(call) => break call,
                None => self.called.notified().await,
            }
        };
        let mut response = Response::new(Full::new(call.event));
        set(&mut response, "content-type", "application/json");
        set(
            &mut response,
            "lambda-runtime-aws-request-id",
            &call.request_id,
        );
        set(
            &mut response,
            "lambda-runtime-deadline-ms",
            &call.deadline_ms.to_string(),
        );
        set(&mut response, "lambda-runtime-trace-id", RuntimeStub::TRACE);
        let arn = format!("arn:aws:lambda:us-east-1:000000000000:function:{FUNCTION}");
        set(&mut response, "lambda-runtime-invoked-function-arn", &arn);
        self.state().running.insert(call.request_id, call.answered);
        response
    }

    fn settle(&self, request_id: &str, outcome: Outcome) -> Response<Full<Bytes>> {
        match self.state().running.remove(request_id) {
            Some(answered) => {
                // Nobody waits any more when the deadline has passed.
                let _ = answered.send(outcome);
                status(StatusCode::ACCEPTED)
            }
            None => status(StatusCode::BAD_REQUEST),
        }
    }
}

fn status(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}

/// Sets a header. A value that is none, such as one with a line break, is left out.
fn set(response: &mut Response<Full<Bytes>>, name: &'static str, value: &str) {
    if let Ok(value) = value.parse() {
        response.headers_mut().insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loopback::tests::send;

    const INVOCATION: &str = "/2018-06-01/runtime/invocation";

    async fn get(stub: &RuntimeStub, path: &str) -> Response<Bytes> {
        let request = Request::get(path).body(Full::default()).unwrap();
        send(stub.address(), request).await.unwrap()
    }

    async fn post(stub: &RuntimeStub, path: &str, body: &'static str) -> StatusCode {
        let request = Request::post(path).body(Full::from(body)).unwrap();
        send(stub.address(), request).await.unwrap().status()
    }

    #[tokio::test]
    async fn a_call_goes_to_the_function_and_its_answer_comes_back() {
        let stub = RuntimeStub::start().await.unwrap();
        let function = async {
            let event = get(&stub, &format!("{INVOCATION}/next")).await;
            assert_eq!(
                event.headers()["lambda-runtime-trace-id"],
                RuntimeStub::TRACE
            );
            assert_eq!(event.body(), r#"{"a":1}"#);
            let id = event.headers()["lambda-runtime-aws-request-id"].to_str();
            let path = format!("{INVOCATION}/{}/response", id.unwrap());
            let answered = post(&stub, &path, r#"{"b":2}"#).await;
            let again = post(&stub, &path, r#"{"b":2}"#).await;
            (answered.as_u16(), again.as_u16())
        };
        let (outcome, statuses) = tokio::join!(stub.invoke(json!({"a": 1})), function);
        assert_eq!(outcome, Outcome::Response(json!({"b": 2})));
        assert_eq!(statuses, (202, 400));
        assert!(stub.ready().await);
    }

    #[tokio::test]
    async fn an_error_of_the_function_comes_back_as_one() {
        let stub = RuntimeStub::start().await.unwrap();
        let function = async {
            get(&stub, &format!("{INVOCATION}/next")).await;
            let path = format!("{INVOCATION}/{}/error", RuntimeStub::request_id(1));
            post(&stub, &path, r#"{"errorType":"T","errorMessage":"m"}"#).await
        };
        let (outcome, _) = tokio::join!(stub.invoke(json!({})), function);
        let error = Outcome::Error {
            error_type: "T".to_owned(),
            message: "m".to_owned(),
        };
        assert_eq!(outcome, error);
    }

    #[tokio::test]
    async fn a_call_that_nobody_fetches_times_out() {
        let stub = RuntimeStub::start().await.unwrap();
        let stub = stub.with_limit(Duration::from_millis(20));
        assert_eq!(stub.invoke(json!({})).await, Outcome::TimedOut);
    }

    #[tokio::test]
    async fn init_errors_and_extensions_are_kept() {
        let stub = RuntimeStub::start().await.unwrap();
        let body = r#"{"errorType":"T","errorMessage":"m"}"#;
        post(&stub, "/2018-06-01/runtime/init/error", body).await;
        let failure = Failure {
            error_type: "T".to_owned(),
            message: "m".to_owned(),
        };
        assert_eq!(stub.init_errors(), [failure]);
        let register = || {
            Request::post("/2020-01-01/extension/register")
                .header("lambda-extension-name", "e")
                .body(Full::default())
                .unwrap()
        };
        let answer = send(stub.address(), register()).await.unwrap();
        assert_eq!(
            answer.headers()["lambda-extension-identifier"],
            "extension-1"
        );
        assert_eq!(stub.extensions(), ["e"]);
        let stub = RuntimeStub::start_without_extensions().await.unwrap();
        let answer = send(stub.address(), register()).await.unwrap();
        assert_eq!(answer.status(), 404);
    }
}
