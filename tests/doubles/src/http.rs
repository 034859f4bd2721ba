//! HTTP/1.1 as far as a double needs it, by hand: a response can end in the middle, or not come at all.

use std::{
    collections::BTreeMap,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
};

use serde_json::Value;

/// The largest body of a request.
const BODY_BYTES: u64 = 16 << 20;
/// The largest line of a request's head, and the most of them.
const HEAD: (u64, usize) = (64 << 10, 200);

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path as it was sent, with its percent-encoding.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Request {
    /// Reads one request; none if the connection has ended.
    pub(crate) fn read(stream: &TcpStream) -> io::Result<Option<Self>> {
        let mut reader = BufReader::new(stream);
        let mut line = || -> io::Result<String> {
            let mut text = String::new();
            reader.by_ref().take(HEAD.0).read_line(&mut text)?;
            Ok(text.trim_end().to_owned())
        };
        let first = line()?;
        let mut words = first.split(' ').map(str::to_owned);
        let (Some(method), Some(target)) = (words.next(), words.next()) else { return Ok(None) };
        let mut headers = BTreeMap::new();
        for _ in 0..HEAD.1 {
            let header = line()?;
            let Some((name, value)) = header.split_once(':') else { break };
            headers.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
        if headers.get("expect").is_some_and(|value| value.eq_ignore_ascii_case("100-continue")) {
            let mut stream = stream;
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        let length = headers.get("content-length").and_then(|length| length.parse::<u64>().ok()).unwrap_or_default();
        let mut body = Vec::new();
        reader.take(length.min(BODY_BYTES)).read_to_end(&mut body)?;
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        Ok(Some(Self { method, path: path.to_owned(), query, headers, body }))
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// The fields of a form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The path in parts.
    pub(crate) fn parts(&self) -> Vec<&str> {
        self.path.split('/').filter(|part| !part.is_empty()).collect()
    }
}

/// A response.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    /// The job that the request made.
    pub(crate) made: Option<String>,
    /// Whether the body goes on without an end.
    pub(crate) is_endless: bool,
}

impl Response {
    pub(crate) fn new(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("Content-Type", media_type.to_owned())];
        Self { status, headers, body: body.into(), made: None, is_endless: false }
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self::new(status, "application/json", body.to_string())
    }

    pub(crate) fn text(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, "text/plain; charset=utf-8", body.into())
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { headers: Vec::new(), ..Self::new(status, "", Vec::new()) }
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The same, which made a job.
    pub(crate) fn made(mut self, id: impl Into<String>) -> Self {
        self.made = Some(id.into());
        self
    }

    /// Writes it; the second half does not come if it `is_cut`.
    pub(crate) fn write(&self, mut stream: &TcpStream, date: &str, is_cut: bool) -> io::Result<()> {
        let mut head =
            format!("HTTP/1.1 {} {}\r\nDate: {date}\r\nConnection: close\r\n", self.status, reason(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.is_endless && self.status != 204 {
            head.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        stream.write_all(format!("{head}\r\n").as_bytes())?;
        let body = if is_cut { self.body.get(..self.body.len() / 2).unwrap_or_default() } else { &self.body };
        stream.write_all(body)?;
        if self.is_endless {
            // Until the other side has had enough.
            loop {
                stream.write_all(&[b'x'; 4_096])?;
            }
        }
        stream.flush()
    }
}

const fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        302 => "Found",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        429 => "Too Many Requests",
        503 => "Service Unavailable",
        _ => "Status",
    }
}
