//! Runs a worker on the AWS Lambda runtime.
