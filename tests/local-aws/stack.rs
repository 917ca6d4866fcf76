//! The stack that `flotilla up` deployed.

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::AttributeValue;
use fleet::digest::sha256_hex;
use serde_json::Value;

/// Long enough for two cores that do everything at once. What is waited for is there within seconds.
const PATIENCE: Duration = Duration::from_secs(90);

/// The stack, and clients of where it runs.
pub(crate) struct Stack {
    outputs: Value,
    pub(crate) root: PathBuf,
    pub(crate) sdk: SdkConfig,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) sns: aws_sdk_sns::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    pub(crate) lambda: aws_sdk_lambda::Client,
}

impl Stack {
    /// The running one.
    pub(crate) fn running() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .canonicalize()
            .unwrap();
        let state = |name: &str| -> Value {
            let path = root.join(".flotilla").join(name);
            let text = fs::read(&path).unwrap_or_else(|error| {
                panic!(
                    "{}: {error}; start local AWS first: cargo run -- up",
                    path.display()
                )
            });
            serde_json::from_slice(&text).unwrap()
        };
        let server = state("server.json");
        let outputs = state("outputs.json")["flotilla-local"].take();
        let endpoint = server["endpoint"].as_str().unwrap();
        let region = server["region"].as_str().unwrap_or("us-east-1").to_owned();
        let credentials = Credentials::new("test", "test", None, None, "test");
        let sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(endpoint)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .region(Region::new(region))
            .build();
        Self {
            s3: s3(&sdk),
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
            sns: aws_sdk_sns::Client::new(&sdk),
            sqs: aws_sdk_sqs::Client::new(&sdk),
            lambda: aws_sdk_lambda::Client::new(&sdk),
            outputs,
            root,
            sdk,
        }
    }

    /// Makes the stores' clients anew from [`Self::sdk`].
    pub(crate) fn connect(&mut self) {
        self.s3 = s3(&self.sdk);
        self.dynamodb = aws_sdk_dynamodb::Client::new(&self.sdk);
    }

    /// An output of the stack.
    pub(crate) fn output(&self, name: &str) -> &str {
        self.outputs[name]
            .as_str()
            .unwrap_or_else(|| panic!("the stack has no output {name}: {}", self.outputs))
    }

    /// The bytes of an object, if it is there.
    pub(crate) async fn object(&self, bucket: &str, key: &str) -> Option<Vec<u8>> {
        let object = self.s3.get_object().bucket(self.output(bucket)).key(key);
        let body = object.send().await.ok()?.body.collect().await.ok()?;
        Some(body.to_vec())
    }

    /// The keys below a prefix.
    pub(crate) async fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        let list = self
            .s3
            .list_objects_v2()
            .bucket(self.output(bucket))
            .prefix(prefix);
        let objects = list.send().await.unwrap().contents.unwrap_or_default();
        objects
            .into_iter()
            .filter_map(|object| object.key)
            .collect()
    }

    /// An attribute of an item, if both are there.
    pub(crate) async fn attribute(
        &self,
        table: &str,
        key: (&str, &str),
        attribute: &str,
    ) -> Option<AttributeValue> {
        let get = self
            .dynamodb
            .get_item()
            .table_name(self.output(table))
            .key(key.0, AttributeValue::S(key.1.to_owned()))
            .consistent_read(true);
        get.send().await.unwrap().item?.remove(attribute)
    }

    /// Publishes a message to a topic.
    pub(crate) async fn publish(&self, topic: &str, message: &Value) {
        let publish = self.sns.publish().topic_arn(self.output(topic));
        publish.message(message.to_string()).send().await.unwrap();
    }

    /// Runs the `flotilla` command and takes its JSON.
    pub(crate) async fn flotilla(&self, arguments: &[&str]) -> Value {
        let output = self.flotilla_output(arguments).await;
        let text = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&text).unwrap_or_else(|error| {
            panic!(
                "flotilla {arguments:?}: {error} in {text}\n{}",
                String::from_utf8_lossy(&output.stderr)
            )
        })
    }

    /// Runs the `flotilla` command.
    pub(crate) async fn flotilla_output(&self, arguments: &[&str]) -> std::process::Output {
        // Beside this test's own folder, as `cargo` lays them out.
        let tests = std::env::current_exe().unwrap();
        let binary = tests.parent().unwrap().parent().unwrap().join("flotilla");
        tokio::process::Command::new(binary)
            .args(arguments)
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap()
    }
}

fn s3(sdk: &SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(sdk).force_path_style(true);
    aws_sdk_s3::Client::from_conf(config.build())
}

/// Something that no other run of any test has had.
pub(crate) fn fresh(what: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let digest = sha256_hex([what.as_bytes(), &now.as_nanos().to_le_bytes()]);
    format!("{what}-{}", &digest[..10])
}

/// Waits until there is one.
pub(crate) async fn until<T, F>(what: &str, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "there is still no {what}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until it holds.
pub(crate) async fn until_true<F: Future<Output = bool>>(what: &str, mut look: impl FnMut() -> F) {
    until(what, || {
        let answer = look();
        async { answer.await.then_some(()) }
    })
    .await;
}
