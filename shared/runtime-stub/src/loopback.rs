//! An HTTP server for one test.

use std::error::Error;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// An HTTP/1.1 server on a free port of 127.0.0.1. Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct Loopback {
    address: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Loopback {
    /// Serves `service` from now on.
    pub async fn serve<S, B>(service: S) -> io::Result<Self>
    where
        S: Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let service = service.clone();
                connections.spawn(async move {
                    // An error is the other side's going away, or an answer that was meant to break off.
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address, accepting })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Loopback {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Full};
    use hyper::client::conn::http1;
    use tokio::net::TcpStream;

    use super::*;

    /// Sends one request over a connection of its own. An answer that breaks off is an error.
    pub(crate) async fn send(
        address: SocketAddr,
        request: Request<Full<Bytes>>,
    ) -> hyper::Result<Response<Bytes>> {
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let (parts, body) = sender.send_request(request).await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Response::from_parts(parts, body))
    }

    #[tokio::test]
    async fn a_dropped_server_accepts_no_more() {
        let service = hyper::service::service_fn(async |_| {
            Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::from("here")))
        });
        let server = Loopback::serve(service).await.unwrap();
        let address = server.address();
        let answer = send(address, Request::default()).await.unwrap();
        assert_eq!(answer.body(), "here");
        drop(server);
        // The task is ended by the runtime, at one of its next turns.
        let closed = async {
            while TcpStream::connect(address).await.is_ok() {
                tokio::task::yield_now().await;
            }
        };
        let limit = std::time::Duration::from_secs(30);
        assert!(tokio::time::timeout(limit, closed).await.is_ok());
    }
}
