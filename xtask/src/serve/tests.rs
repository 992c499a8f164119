//! The server as a client sees it, over real connections.

use std::fs;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};

use super::headers::CONTENT_SECURITY_POLICY;
use super::server::Server;
use crate::error::Error;

type TestResult = Result<(), Box<dyn std::error::Error>>;

/// A folder with a page beside a file that must stay hidden, served until the tests end.
struct Site {
    folder: PathBuf,
    host: String,
}

impl Site {
    fn open(name: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let folder = std::env::temp_dir().join(format!("xtask-serve-{name}-{}", std::process::id()));
        fs::create_dir_all(folder.join("dist/assets"))?;
        fs::write(folder.join("secret.txt"), "secret")?;
        fs::write(folder.join("dist/index.html"), "<title>page</title>")?;
        fs::write(folder.join("dist/assets/a b.wasm"), "\0asm")?;
        let server = Server::bind(0)?;
        let host = server.address().trim_start_matches("http://").to_owned();
        server.start(&folder.join("dist"))?;
        Ok(Self { folder, host })
    }

    fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect(&self.host)
    }

    /// Sends text as it is, then reads to the end of the connection.
    fn exchange(&self, text: &str) -> io::Result<String> {
        let mut connection = self.connect()?;
        connection.write_all(text.as_bytes())?;
        connection.shutdown(Shutdown::Write)?;
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    fn get(&self, target: &str) -> io::Result<String> {
        self.exchange(&format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // Left-overs in the temporary folder are harmless.
        let _left = fs::remove_dir_all(&self.folder);
    }
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or(answer)
}

#[test]
fn files_come_with_type_policy_and_length() -> TestResult {
    let site = Site::open("files")?;
    let answer = site.get("/assets/a%20b.wasm?v=1")?;
    assert_eq!(status(&answer), "200");
    for header in [
        "Content-Type: application/wasm\r\n",
        "Content-Length: 4\r\n",
        "X-Content-Type-Options: nosniff\r\n",
        &format!("Content-Security-Policy: {CONTENT_SECURITY_POLICY}\r\n"),
    ] {
        assert!(answer.contains(header), "{header} is missing in {answer}");
    }
    assert!(answer.ends_with("\r\n\r\n\0asm"));
    Ok(())
}

#[test]
fn routes_get_the_page_and_missing_files_do_not() -> TestResult {
    let site = Site::open("routes")?;
    for route in ["/", "/?q#f", "/finetune", "/runs/12", "/assets/", "/a.b/c"] {
        assert!(site.get(route)?.ends_with("<title>page</title>"), "{route}");
    }
    for missing in ["/favicon.ico", "/assets/b.js", "/index.html.map"] {
        assert_eq!(status(&site.get(missing)?), "404", "{missing}");
    }
    Ok(())
}

#[test]
fn nothing_outside_the_folder_is_served() -> TestResult {
    let site = Site::open("outside")?;
    let absolute = site.folder.join("secret.txt");
    for target in [
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/assets/..\\..\\secret.txt",
        "/./../secret.txt",
        "/%00/../secret.txt",
        &format!("/{}", absolute.display()),
        "secret.txt",
    ] {
        let answer = site.get(target)?;
        assert!(matches!(status(&answer), "400" | "404"), "{target}: {answer}");
        assert!(!answer.contains("secret"), "{target}: {answer}");
    }
    Ok(())
}

#[cfg(unix)]
#[test]
fn links_out_of_the_folder_are_not_followed() -> TestResult {
    let site = Site::open("links")?;
    let link = |target: &Path, name: &str| std::os::unix::fs::symlink(target, site.folder.join("dist").join(name));
    link(&site.folder.join("secret.txt"), "out.txt")?;
    link(&site.folder.join("dist/index.html"), "in.html")?;
    assert_eq!(status(&site.get("/out.txt")?), "404");
    assert_eq!(status(&site.get("/in.html")?), "200");
    Ok(())
}

#[test]
fn head_and_unchanged_files_have_no_body() -> TestResult {
    let site = Site::open("head")?;
    let answer = site.exchange("HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n")?;
    assert!(answer.contains("Content-Length: 19\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");

    let etag = answer.lines().find_map(|line| line.strip_prefix("ETag: ")).ok_or("there is no ETag")?;
    let conditional =
        |etag: &str| site.exchange(&format!("GET / HTTP/1.1\r\nIf-None-Match: {etag}\r\nConnection: close\r\n\r\n"));
    let unchanged = conditional(etag)?;
    assert!(status(&unchanged) == "304" && unchanged.ends_with("\r\n\r\n"), "{unchanged}");
    assert_eq!(status(&conditional("\"other\"")?), "200");

    fs::write(site.folder.join("dist/index.html"), "<title>changed</title>")?;
    assert!(conditional(etag)?.ends_with("changed</title>"));
    Ok(())
}

#[test]
fn other_methods_are_refused_by_name() -> TestResult {
    let site = Site::open("methods")?;
    let answer = site.exchange("DELETE / HTTP/1.1\r\n\r\n")?;
    assert_eq!(status(&answer), "405");
    assert!(answer.contains("Allow: GET, HEAD\r\n"), "{answer}");
    Ok(())
}

#[test]
fn one_connection_carries_several_requests() -> TestResult {
    let site = Site::open("several")?;
    let mut connection = site.connect()?;
    let mut reader = BufReader::new(connection.try_clone()?);
    for _ in 0..3 {
        connection.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert!(reader.read_line(&mut line)? > 0, "the connection ended");
        }
        let mut body = [0; 19];
        reader.read_exact(&mut body)?;
        assert_eq!(&body, b"<title>page</title>");
    }
    Ok(())
}

#[test]
fn a_taken_port_is_refused_with_the_remedy() -> TestResult {
    let first = Server::bind(0)?;
    let port: u16 = first.address().rsplit(':').next().unwrap_or_default().parse()?;
    let Err(error) = Server::bind(port) else {
        return Err("two servers share a port".into());
    };
    assert!(matches!(error, Error::PortTaken { .. }));
    let sentence = error.to_string();
    assert!(sentence.contains(&port.to_string()) && sentence.contains("--port"), "{sentence}");
    Ok(())
}
