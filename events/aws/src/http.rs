//! Enough HTTP to ask local AWS what no AWS service tells.

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// An outbox of thousands of mails.
const MAX_ANSWER_BYTES: u64 = 256 * 1024 * 1024;

/// GET `path` of a server with the URL `http://HOST:PORT`: the body of its answer, if that is a success.
///
/// It speaks HTTP/1.0, so that the answer ends where the connection does and comes in one piece.
pub(crate) fn get(url: &str, path: &str) -> io::Result<Vec<u8>> {
    let authority = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split('/').next())
        .ok_or_else(|| invalid(format!("{url} is not a plain http:// address")))?;
    let with_port = if authority.contains(':') {
        authority.to_owned()
    } else {
        format!("{authority}:80")
    };
    let address = with_port
        .to_socket_addrs()?
        .next()
        .ok_or_else(|| invalid(format!("{authority} is no address")))?;
    let mut stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)?;
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    stream.set_write_timeout(Some(READ_TIMEOUT))?;
    write!(stream, "GET {path} HTTP/1.0\r\nhost: {authority}\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER_BYTES).read_to_end(&mut answer)?;
    body(&answer)
}

fn body(answer: &[u8]) -> io::Result<Vec<u8>> {
    const END: &[u8] = b"\r\n\r\n";
    let end = answer
        .windows(END.len())
        .position(|window| window == END)
        .ok_or_else(|| invalid("that is no HTTP answer".to_owned()))?;
    let (head, rest) = answer.split_at(end);
    let head = String::from_utf8_lossy(head);
    let status = head.split(' ').nth(1).unwrap_or_default();
    if !head.starts_with("HTTP/1.") || status != "200" {
        let line = head.lines().next().unwrap_or_default();
        return Err(invalid(format!("the server answered {line}")));
    }
    Ok(rest.get(END.len()..).unwrap_or_default().to_vec())
}

fn invalid(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_success_is_its_body_and_nothing_else_is() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: x\r\n\r\na\r\n\r\nb";
        assert_eq!(body(answer).unwrap(), b"a\r\n\r\nb");
        for answer in [
            "HTTP/1.1 404 Not Found\r\n\r\n",
            "HTTP/1.1 200",
            "SSH-2.0\r\n\r\n",
            "",
        ] {
            assert!(body(answer.as_bytes()).is_err(), "{answer}");
        }
    }

    #[test]
    fn only_a_plain_address_is_asked() {
        let error = get("https://127.0.0.1:1", "/").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error}");
    }
}
