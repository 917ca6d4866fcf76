//! Enough HTTP to ask a server on this machine, and no more.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// A refused connection is told at once; this is for a server that is busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// More than any answer that is read here: a description of one stack is some 20 kB.
const MAX_ANSWER_BYTES: u64 = 4 << 20;

/// What a server answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// One request to a port of this machine: `headers` are whole lines without their ends.
///
/// It speaks HTTP/1.0, so that the answer ends where the connection does and comes in one piece.
pub(super) fn request(
    port: u16,
    method: &str,
    target: &str,
    headers: &[String],
    body: &str,
) -> io::Result<Answer> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut head = format!("{method} {target} HTTP/1.0\r\nhost: {address}\r\n");
    for header in headers {
        head.push_str(header);
        head.push_str("\r\n");
    }
    write!(stream, "{head}content-length: {}\r\n\r\n{body}", body.len())?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer)?;
    parse(&String::from_utf8_lossy(&answer))
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "that is no HTTP answer"))
}

/// GET without a header.
pub(super) fn get(port: u16, target: &str) -> io::Result<Answer> {
    request(port, "GET", target, &[], "")
}

fn parse(answer: &str) -> Option<Answer> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status_line = head.lines().next()?;
    let status = status_line
        .strip_prefix("HTTP/1.")?
        .split(' ')
        .nth(1)?
        .parse()
        .ok()?;
    Some(Answer {
        status,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn an_answer_has_a_status_and_a_body() {
        assert_eq!(
            parse("HTTP/1.1 404 Not Found\r\ncontent-length: 3\r\n\r\nno\n"),
            Some(Answer {
                status: 404,
                body: "no\n".to_owned()
            })
        );
        for garbage in [
            "",
            "\r\n\r\n",
            "SSH-2.0-OpenSSH_9.2\r\n\r\n",
            "HTTP/1.1\r\n\r\n",
        ] {
            assert_eq!(parse(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn a_request_says_all_that_a_server_needs() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut heard = Vec::new();
            // It may come in pieces, and closing with one unread would reset the connection.
            while !heard.ends_with(b"a=b") {
                let mut piece = [0; 512];
                let length = stream.read(&mut piece).unwrap();
                assert!(length > 0, "the request ended early");
                heard.extend_from_slice(&piece[..length]);
            }
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nyes").unwrap();
            String::from_utf8(heard).unwrap()
        });
        let answer = request(port, "POST", "/", &["x: y".to_owned()], "a=b").unwrap();
        assert_eq!((answer.status, answer.body.as_str()), (200, "yes"));
        assert_eq!(
            server.join().unwrap(),
            format!(
                "POST / HTTP/1.0\r\nhost: 127.0.0.1:{port}\r\nx: y\r\ncontent-length: 3\r\n\r\na=b"
            )
        );
    }
}
