//! Which AWS is meant, and which stack there.

use std::fmt;

use handover::{Against, Place, Server};

use crate::error::LiveError;

/// The stage that `flotilla up` deploys.
const LOCAL_STAGE: &str = "local";

/// The stage that `cdk deploy` makes unless told otherwise.
const ACCOUNT_STAGE: &str = "dev";

/// What local AWS plays unless told otherwise.
const LOCAL_REGION: &str = "us-east-1";

/// One AWS and one stage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Which AWS.
    pub at: Where,
    /// The stage of the stack.
    pub stage: String,
}

/// Local AWS or an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Where {
    /// On this machine.
    Local {
        /// `http://127.0.0.1:PORT`.
        endpoint: String,
        /// The region that it plays.
        region: String,
    },
    /// By the standard variables.
    Account {
        /// The region, once the variables and profiles were read.
        region: Option<String>,
    },
}

impl Target {
    /// Chooses by what was typed, by `AWS_ENDPOINT_URL` and by the server that `flotilla up` started, if it runs.
    ///
    /// What was typed wins, then the variable, then the server; without any of them it is the account of the standard
    /// variables. An endpoint on this machine is local AWS, whoever started it.
    pub fn choose(
        place: &Place,
        endpoint: Option<&str>,
        server: Option<&Server>,
    ) -> Result<Self, LiveError> {
        let on_this_machine = endpoint.filter(|endpoint| is_loopback(endpoint));
        let local = || match (on_this_machine, server) {
            (Some(endpoint), Some(server)) if server.endpoint != endpoint => {
                Some((endpoint.to_owned(), None))
            }
            (Some(endpoint), None) => Some((endpoint.to_owned(), None)),
            (_, Some(server)) => Some((server.endpoint.clone(), Some(server))),
            (None, None) => None,
        };
        let chosen = match place.against {
            Some(Against::Local) => {
                Some(local().ok_or_else(|| LiveError::Usage(NOT_UP.to_owned()))?)
            }
            Some(Against::Aws) if on_this_machine.is_some() => {
                return Err(LiveError::Usage(
                    "AWS_ENDPOINT_URL names an address on this machine, which is no account: unset it, or leave \
                     --against aws out"
                        .to_owned(),
                ));
            }
            Some(Against::Aws) => None,
            None if endpoint.is_some() && on_this_machine.is_none() => None,
            None => local(),
        };
        let stage = |default: &str| place.stage.clone().unwrap_or_else(|| default.to_owned());
        Ok(match chosen {
            Some((endpoint, server)) => Self {
                stage: stage(server.map_or(LOCAL_STAGE, |server| &server.stage)),
                at: Where::Local {
                    region: server
                        .map_or(LOCAL_REGION, |server| &server.region)
                        .to_owned(),
                    endpoint,
                },
            },
            None => Self {
                stage: stage(ACCOUNT_STAGE),
                at: Where::Account { region: None },
            },
        })
    }

    /// Whether it is local AWS.
    pub fn is_local(&self) -> bool {
        matches!(self.at, Where::Local { .. })
    }
}

/// Said wherever local AWS is needed and is not there.
pub(crate) const NOT_UP: &str = "local AWS is not up in this checkout: start it with `flotilla up`";

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = &self.stage;
        match &self.at {
            Where::Local { endpoint, .. } => {
                write!(formatter, "local AWS at {endpoint}, stage {stage}")
            }
            Where::Account { region } => {
                let region = region.as_deref().unwrap_or("no region");
                write!(formatter, "AWS account in {region}, stage {stage}")
            }
        }
    }
}

/// Whether an endpoint's URL names this machine.
fn is_loopback(endpoint: &str) -> bool {
    let authority = endpoint
        .split_once("://")
        .map_or(endpoint, |(_, rest)| rest)
        .split('/')
        .next()
        .unwrap_or_default();
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        Server {
            port: 4566,
            endpoint: "http://127.0.0.1:4566".to_owned(),
            region: "eu-north-1".to_owned(),
            stage: "mine".to_owned(),
            authorise: false,
        }
    }

    fn chosen(
        against: Option<Against>,
        endpoint: Option<&str>,
        server: Option<&Server>,
    ) -> Result<String, String> {
        let place = Place {
            against,
            stage: None,
        };
        Target::choose(&place, endpoint, server)
            .map(|target| target.to_string())
            .map_err(|error| error.to_string())
    }

    const ACCOUNT: &str = "AWS account in no region, stage dev";
    const UP: &str = "local AWS at http://127.0.0.1:4566, stage mine";
    const OTHER: &str = "local AWS at http://localhost:4000, stage local";

    #[test]
    fn without_a_word_it_is_the_variable_then_what_is_up_then_the_account() {
        let elsewhere = Some("http://localhost:4000");
        for (endpoint, server, expected) in [
            (None, None, ACCOUNT),
            (None, Some(&server()), UP),
            (elsewhere, Some(&server()), OTHER),
            (elsewhere, None, OTHER),
            (Some("http://127.0.0.1:4566"), Some(&server()), UP),
            (Some("https://aws.example.com"), Some(&server()), ACCOUNT),
        ] {
            assert_eq!(chosen(None, endpoint, server).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn local_is_never_an_account() {
        let local = Some(Against::Local);
        assert_eq!(chosen(local, None, Some(&server())).as_deref(), Ok(UP));
        for endpoint in [None, Some("https://aws.example.com")] {
            assert_eq!(chosen(local, endpoint, None), Err(NOT_UP.to_owned()));
        }
    }

    #[test]
    fn an_account_is_never_local() {
        let aws = Some(Against::Aws);
        assert_eq!(chosen(aws, None, Some(&server())).as_deref(), Ok(ACCOUNT));
        let error = chosen(aws, Some("http://127.0.0.1:1"), None).unwrap_err();
        assert!(error.contains("unset it"), "{error}");
    }

    #[test]
    fn a_stage_that_was_typed_is_taken() {
        let place = Place {
            against: None,
            stage: Some("ann".to_owned()),
        };
        let up = server();
        for server in [Some(&up), None] {
            let target = Target::choose(&place, None, server).unwrap();
            assert_eq!(target.stage, "ann");
        }
    }

    #[test]
    fn this_machine_has_several_names() {
        for (endpoint, local) in [
            ("http://127.0.0.1:4566", true),
            ("http://localhost:4566/", true),
            ("http://[::1]:4566", true),
            ("127.0.0.2", true),
            ("https://localhost.example.com", false),
            ("https://s3.amazonaws.com", false),
            ("", false),
        ] {
            assert_eq!(is_loopback(endpoint), local, "{endpoint}");
        }
    }
}
