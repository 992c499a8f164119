//! A static web server: one thread for a connection, GET and HEAD, revalidation by ETag.

use std::fs;
use std::io::{self, BufReader, ErrorKind, Write};
use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, UNIX_EPOCH};

use super::files;
use super::headers::{CONTENT_SECURITY_POLICY, content_type};
use super::request::{self, Incoming, Method, Request, Status};
use crate::error::{Error, Result};

/// How long a connection may stay silent.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two attempts to accept where the system has run out of something.
const BREATH: Duration = Duration::from_millis(50);

pub struct Server {
    listeners: Vec<TcpListener>,
    port: u16,
}

impl Server {
    /// Listens on this machine only. Port 0 stands for any free one.
    pub fn bind(port: u16) -> Result<Self> {
        let refused = |source: io::Error| match source.kind() {
            ErrorKind::AddrInUse => Error::PortTaken { port },
            _ => Error::Listen { port, source },
        };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(refused)?;
        let bound = listener.local_addr().map_err(refused)?.port();
        let mut listeners = vec![listener];
        // Browsers try `localhost` as ::1 first: whoever holds that would be seen in our place. No IPv6, no problem.
        match TcpListener::bind((Ipv6Addr::LOCALHOST, bound)) {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(refused(error)),
            Err(_) => {}
        }
        Ok(Self { listeners, port: bound })
    }

    pub fn address(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// Serves until the process ends.
    pub fn run(self, folder: &Path) -> Result<()> {
        let port = self.port;
        for thread in self.start(folder)? {
            // A thread that accepts ends only by a panic, which has been printed.
            if thread.join().is_err() {
                let source = io::Error::other("the server thread ended");
                return Err(Error::Listen { port, source });
            }
        }
        Ok(())
    }

    /// Serves in the background until the process ends.
    pub fn start(self, folder: &Path) -> Result<Vec<thread::JoinHandle<()>>> {
        let folder: Arc<PathBuf> = Arc::new(folder.canonicalize().map_err(Error::file("serve", folder))?);
        let port = self.port;
        self.listeners
            .into_iter()
            .map(|listener| {
                let folder = Arc::clone(&folder);
                thread::Builder::new()
                    .spawn(move || accept(&listener, &folder))
                    .map_err(|source| Error::Listen { port, source })
            })
            .collect()
    }
}

fn accept(listener: &TcpListener, folder: &Arc<PathBuf>) {
    loop {
        let accepted = listener.accept().and_then(|(connection, _)| {
            let folder = Arc::clone(folder);
            thread::Builder::new().spawn(move || {
                // A browser that goes away in the middle of an answer is nobody's error.
                let _gone = converse(&connection, &folder);
            })
        });
        if accepted.is_err() {
            thread::sleep(BREATH);
        }
    }
}

/// Answers the requests of one connection in turn.
fn converse(connection: &TcpStream, folder: &Path) -> io::Result<()> {
    connection.set_read_timeout(Some(PATIENCE))?;
    connection.set_write_timeout(Some(PATIENCE))?;
    connection.set_nodelay(true)?;
    let mut reader = BufReader::new(connection);
    let mut writer = connection;
    loop {
        let (answer, request) = match request::read(&mut reader)? {
            Incoming::Closed => return Ok(()),
            Incoming::Refused(status) => (Answer::refusal(status), None),
            Incoming::Request(request) => (Answer::to(&request, folder), Some(request)),
        };
        let keep_alive = request.as_ref().is_some_and(|request| request.keep_alive);
        let with_body = request.is_none_or(|request| request.method == Method::Get);
        writer.write_all(&answer.bytes(keep_alive, with_body))?;
        if !keep_alive {
            return Ok(());
        }
    }
}

struct Answer {
    status: Status,
    content_type: &'static str,
    etag: Option<String>,
    body: Vec<u8>,
}

impl Answer {
    fn to(request: &Request, folder: &Path) -> Self {
        let path = match files::resolve(folder, &request.target) {
            Ok(path) => path,
            Err(status) => return Self::refusal(status),
        };
        match Self::file(&path, request.if_none_match.as_deref()) {
            Ok(answer) => answer,
            Err(error) => {
                eprintln!("cannot read {}: {error}", path.display());
                Self::refusal(Status::ServerError)
            }
        }
    }

    fn file(path: &Path, known: Option<&str>) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        let written = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
        let etag = format!("\"{:x}-{:x}\"", written.as_nanos(), metadata.len());
        let unchanged = known.is_some_and(|known| known.split(',').any(|tag| tag.trim() == etag));
        let (status, body) = if unchanged { (Status::NotModified, Vec::new()) } else { (Status::Ok, fs::read(path)?) };
        Ok(Self { status, content_type: content_type(path), etag: Some(etag), body })
    }

    fn refusal(status: Status) -> Self {
        Self {
            status,
            content_type: "text/plain; charset=utf-8",
            etag: None,
            body: format!("{}\n", status.line()).into_bytes(),
        }
    }

    fn bytes(&self, keep_alive: bool, with_body: bool) -> Vec<u8> {
        let connection = if keep_alive { "keep-alive" } else { "close" };
        // `no-cache` is "ask first": a rebuilt page is never shown stale, an unchanged one costs a 304.
        let mut head = format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nCache-Control: no-cache\r\nConnection: {connection}\r\n\
             X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n\
             Content-Security-Policy: {CONTENT_SECURITY_POLICY}\r\n",
            self.status.line(),
            self.content_type,
        );
        if let Some(etag) = &self.etag {
            head.push_str(&format!("ETag: {etag}\r\n"));
        }
        if self.status == Status::MethodNotAllowed {
            head.push_str("Allow: GET, HEAD\r\n");
        }
        if self.status != Status::NotModified {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        if with_body {
            bytes.extend_from_slice(&self.body);
        }
        bytes
    }
}
