//! The part of HTTP/1.1 that a browser speaks to a static server.

use std::io::{self, BufRead, Read};

/// More than any browser sends without cookies.
const HEAD_LIMIT: u64 = 16 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Get,
    Head,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub method: Method,
    /// As sent: percent-encoded, with a query.
    pub target: String,
    pub if_none_match: Option<String>,
    pub keep_alive: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Ok,
    NotModified,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    HeadTooLarge,
    ServerError,
}

impl Status {
    pub fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::NotModified => "304 Not Modified",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::HeadTooLarge => "431 Request Header Fields Too Large",
            Self::ServerError => "500 Internal Server Error",
        }
    }
}

#[derive(Debug)]
pub enum Incoming {
    Request(Request),
    /// To be answered with this status; the connection ends, because where the next request starts is unknown.
    Refused(Status),
    /// The other side is done.
    Closed,
}

/// Reads the head of the next request.
pub fn read(connection: &mut impl BufRead) -> io::Result<Incoming> {
    let mut head = connection.take(HEAD_LIMIT);
    let mut line = String::new();
    let mut next_line = |line: &mut String| -> io::Result<Option<Status>> {
        line.clear();
        match head.read_line(line) {
            Ok(_) if line.ends_with('\n') => {}
            Ok(_) if head.limit() == 0 => return Ok(Some(Status::HeadTooLarge)),
            Ok(_) => return Ok(Some(Status::BadRequest)),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Ok(Some(Status::BadRequest));
            }
            Err(error) => return Err(error),
        }
        line.truncate(line.trim_end_matches(['\r', '\n']).len());
        Ok(None)
    };

    if let Some(status) = next_line(&mut line)? {
        return Ok(if line.is_empty() { Incoming::Closed } else { Incoming::Refused(status) });
    }
    let mut request = match parse_request_line(&line) {
        Ok(request) => request,
        Err(status) => return Ok(Incoming::Refused(status)),
    };
    loop {
        if let Some(status) = next_line(&mut line)? {
            return Ok(Incoming::Refused(status));
        }
        if line.is_empty() {
            return Ok(Incoming::Request(request));
        }
        let Some((name, value)) = line.split_once(':') else {
            return Ok(Incoming::Refused(Status::BadRequest));
        };
        read_header(&mut request, name, value.trim());
    }
}

fn parse_request_line(line: &str) -> Result<Request, Status> {
    let mut words = line.split(' ');
    let (Some(method), Some(target), Some(version), None) = (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Status::BadRequest);
    };
    if !version.starts_with("HTTP/1.") || !target.starts_with('/') {
        return Err(Status::BadRequest);
    }
    let method = match method {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        _ => return Err(Status::MethodNotAllowed),
    };
    Ok(Request { method, target: target.to_owned(), if_none_match: None, keep_alive: version == "HTTP/1.1" })
}

fn read_header(request: &mut Request, name: &str, value: &str) {
    if name.eq_ignore_ascii_case("if-none-match") {
        request.if_none_match = Some(value.to_owned());
    } else if name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close") {
        request.keep_alive = false;
    } else if name.eq_ignore_ascii_case("transfer-encoding")
        || (name.eq_ignore_ascii_case("content-length") && value != "0")
    {
        // A body follows that nobody reads: what comes after it cannot be told from a request.
        request.keep_alive = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Incoming {
        read(&mut text.as_bytes()).expect("reading from memory does not fail")
    }

    fn request(text: &str) -> Request {
        match parse(text) {
            Incoming::Request(request) => request,
            other => panic!("{other:?}"),
        }
    }

    fn refusal(text: &str) -> Status {
        match parse(text) {
            Incoming::Refused(status) => status,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_request_with_its_headers() {
        let request = request("GET /a?b HTTP/1.1\r\nHost: x\r\nIF-NONE-MATCH: \"1\"\r\n\r\n");
        assert_eq!(request.target, "/a?b");
        assert_eq!(request.if_none_match.as_deref(), Some("\"1\""));
        assert!(request.keep_alive);
    }

    #[test]
    fn connections_that_must_end() {
        assert!(!request("GET / HTTP/1.0\r\n\r\n").keep_alive);
        assert!(!request("HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n").keep_alive);
        assert!(!request("GET / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc").keep_alive);
        assert!(!request("GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").keep_alive);
        assert!(matches!(parse(""), Incoming::Closed));
    }

    #[test]
    fn what_is_refused() {
        assert_eq!(refusal("POST / HTTP/1.1\r\n\r\n"), Status::MethodNotAllowed);
        assert_eq!(refusal("GET / SPDY/3\r\n\r\n"), Status::BadRequest);
        assert_eq!(refusal("GET http://x/ HTTP/1.1\r\n\r\n"), Status::BadRequest);
        assert_eq!(refusal("GET /a b HTTP/1.1\r\n\r\n"), Status::BadRequest);
        assert_eq!(refusal("GET / HTTP/1.1\r\nno colon\r\n\r\n"), Status::BadRequest);
        assert_eq!(refusal("GET / HTTP/1.1\r\nHost: x"), Status::BadRequest);
        let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(HEAD_LIMIT as usize));
        assert_eq!(refusal(&long), Status::HeadTooLarge);
    }
}
