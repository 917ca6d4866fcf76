//! Deployed functions, invoked for `flotilla replay --against`.

use std::io::Write;
use std::time::Instant;

use aws_sdk_lambda::primitives::Blob;
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration,
    VersioningConfiguration,
};
use handover::{Answer, Ask, Greeting, InvokeAnswer, InvokeAsk, PutAnswer, PutAsk};
use serde::Serialize;
use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

use crate::aws::Aws;
use crate::error::{CallError, LiveError, Trouble};
use crate::stack::Stack;

/// Greets, then answers each ask, until there are no more.
pub async fn serve(
    aws: &Aws,
    asks: impl AsyncBufRead + Unpin,
    mut answers: impl Write,
) -> Result<(), LiveError> {
    let stack = Stack::find(aws).await?;
    let functions = stack.functions();
    let greeting = Greeting {
        place: aws.target.to_string(),
        local: aws.target.is_local(),
        uploads_bucket: stack.output("UploadsBucket")?.to_owned(),
        thumbnails_bucket: stack.output("ThumbnailsBucket")?.to_owned(),
        workers: functions.keys().cloned().collect(),
    };
    tell(&mut answers, &greeting)?;
    let server = Server {
        aws,
        lambda: aws.lambda(),
        s3: aws.s3(),
    };
    let mut asks = asks.lines();
    while let Some(line) = asks.next_line().await? {
        let ask = serde_json::from_str(&line).map_err(std::io::Error::from)?;
        let answered = match ask {
            Ask::Put(put) => server.put(&put).await.map(Answer::Put),
            Ask::Invoke(invoke) => match functions.get(&invoke.worker) {
                Some(function) => server.invoke(function, &invoke).await.map(Answer::Invoke),
                None => Ok(Answer::Failed(format!(
                    "the stack has no worker {}",
                    invoke.worker
                ))),
            },
        };
        let answer = match answered {
            Ok(answer) => answer,
            // Nothing that comes later could fare better.
            Err(error) if error.is_usage() => return Err(error),
            Err(error) => Answer::Failed(error.to_string()),
        };
        tell(&mut answers, &answer)?;
    }
    Ok(())
}

fn tell(answers: &mut impl Write, what: &impl Serialize) -> Result<(), LiveError> {
    serde_json::to_writer(&mut *answers, what).map_err(std::io::Error::from)?;
    writeln!(answers)?;
    Ok(answers.flush()?)
}

struct Server<'a> {
    aws: &'a Aws,
    lambda: aws_sdk_lambda::Client,
    s3: aws_sdk_s3::Client,
}

impl Server<'_> {
    async fn invoke(&self, function: &str, ask: &InvokeAsk) -> Result<InvokeAnswer, LiveError> {
        let started = Instant::now();
        let answer = self
            .lambda
            .invoke()
            .function_name(function)
            .payload(Blob::new(ask.payload.to_string()))
            .send()
            .await
            .map_err(|error| CallError::new(format!("invoking {function}"), &error))?;
        let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
        Ok(InvokeAnswer {
            elapsed_ms: started.elapsed().as_secs_f64() * 1_000.0,
            // A function that fails hard may leave words instead of JSON.
            payload: serde_json::from_slice(&payload)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&payload).into_owned())),
            function_error: answer.function_error,
        })
    }

    async fn put(&self, ask: &PutAsk) -> Result<PutAnswer, LiveError> {
        match self.put_object(ask).await {
            // Captured events name the buckets of somebody else's account. Local AWS has room for them all.
            Err(LiveError::Call(error))
                if error.trouble == Trouble::Missing && self.aws.target.is_local() =>
            {
                self.make_bucket(&ask.bucket, ask.versioned).await?;
                self.put_object(ask).await
            }
            result => result,
        }
    }

    async fn put_object(&self, ask: &PutAsk) -> Result<PutAnswer, LiveError> {
        let PutAsk {
            bucket, key, file, ..
        } = ask;
        let bytes = std::fs::read(file).map_err(|source| LiveError::File {
            path: file.display().to_string(),
            doing: "cannot be read",
            source,
        })?;
        let put = self
            .s3
            .put_object()
            .bucket(bucket)
            .key(key)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map_err(|error| CallError::new(format!("putting s3://{bucket}/{key}"), &error))?;
        Ok(PutAnswer {
            version: put.version_id.filter(|version| version != "null"),
        })
    }

    async fn make_bucket(&self, bucket: &str, versioned: bool) -> Result<(), LiveError> {
        let failed = |doing: &str| format!("{doing} the bucket {bucket}");
        let region = self.s3.config().region().map(ToString::to_string);
        let mut making = self.s3.create_bucket().bucket(bucket);
        // The one region that must not be named.
        if let Some(region) = region.filter(|region| region != "us-east-1") {
            making = making.create_bucket_configuration(
                CreateBucketConfiguration::builder()
                    .location_constraint(BucketLocationConstraint::from(region.as_str()))
                    .build(),
            );
        }
        making
            .send()
            .await
            .map_err(|error| CallError::new(failed("making"), &error))?;
        if versioned {
            let versioning = VersioningConfiguration::builder()
                .status(BucketVersioningStatus::Enabled)
                .build();
            self.s3
                .put_bucket_versioning()
                .bucket(bucket)
                .versioning_configuration(versioning)
                .send()
                .await
                .map_err(|error| CallError::new(failed("keeping versions in"), &error))?;
        }
        Ok(())
    }
}
