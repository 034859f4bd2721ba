//! [`Server`]: OPA as a server, which is given one module after the other.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use super::{Outcome, generate};

/// The status and the body of an answer.
type Answer = (u16, String);

/// How long OPA may take to start.
const START: Duration = Duration::from_secs(20);

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(3);

/// A running OPA; it ends with this value.
pub(super) struct Server {
    program: Utf8PathBuf,
    v0: bool,
    child: Child,
    connection: BufReader<TcpStream>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

impl Server {
    /// Starts OPA on a free port of this machine.
    pub(super) fn start(program: &Utf8Path, v0: bool) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(program);
        // With fewer lines OPA would erase each `print`, unsafe ones, too.
        command.args(["run", "--server", "--log-level", "info", "--skip-version-check", "--addr", &address]);
        if v0 {
            command.arg("--v0-compatible");
        }
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().with_context(|| format!("`{program}` cannot be started"))?;
        let started = Instant::now();
        loop {
            if let Ok(connection) = TcpStream::connect(&address) {
                connection.set_nodelay(true)?;
                connection.set_read_timeout(Some(ANSWER))?;
                // Another program may have taken the port.
                if let Some(status) = child.try_wait()? {
                    bail!("`{program}` ended at once: {status}");
                }
                let (program, connection) = (program.to_owned(), BufReader::new(connection));
                return Ok(Self { program, v0, child, connection });
            }
            if started.elapsed() > START {
                child.kill()?;
                bail!("`{program}` does not listen");
            }
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// What OPA makes of a module; none where it does not answer.
    pub(super) fn outcome(&mut self, module: &str) -> anyhow::Result<Option<Outcome>> {
        let Some((status, body)) = self.request("PUT", "/v1/policies/t", module)? else { return Ok(None) };
        if status != 200 {
            return Ok(Some(Outcome::Refused(body)));
        }
        let input = format!("{{\"input\": {}}}", generate::INPUT);
        let Some((status, body)) = self.request("POST", "/v1/data/t", &input)? else { return Ok(None) };
        if status != 200 {
            return Ok(Some(Outcome::Failed(body)));
        }
        let mut json: Value = serde_json::from_str(&body)?;
        Ok(Some(Outcome::Value(json.get_mut("result").map(Value::take).unwrap_or_default())))
    }

    /// Requests what is known: a value with this number, and that a module is refused.
    ///
    /// # Errors
    /// OPA does not say so: what it says of other modules means nothing.
    pub(super) fn check(&mut self, number: u64) -> anyhow::Result<()> {
        let value = self.outcome(&format!("package t\nnumber := {number}"))?;
        let refused = self.outcome("package t\nnumber := other")?;
        let wanted = Outcome::Value(serde_json::json!({"number": number}));
        ensure!(
            value == Some(wanted) && matches!(refused, Some(Outcome::Refused(_))),
            "OPA's server does not answer as it should: {value:?}, {refused:?}"
        );
        Ok(())
    }

    /// A request, once more with a new server where the first does not respond: OPA ends the connection where a module makes its
    /// handler panic. None where the new one does not answer either.
    fn request(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<Option<Answer>> {
        if let Ok(answer) = self.request_once(method, path, body) {
            return Ok(Some(answer));
        }
        // A handler that panics keeps the lock of the store, and nothing is answered any more.
        *self = Self::start(&self.program.clone(), self.v0)?;
        if method != "PUT" {
            // The policy went with the old server.
            return Ok(None);
        }
        let answer = self.request_once(method, path, body).ok();
        if answer.is_none() {
            *self = Self::start(&self.program.clone(), self.v0)?;
        }
        Ok(answer)
    }

    fn request_once(&mut self, method: &str, path: &str, body: &str) -> anyhow::Result<Answer> {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: opa\r\nContent-Length: {}\r\n\r\n", body.len());
        let stream = self.connection.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut line = String::new();
        self.connection.read_line(&mut line)?;
        let status = line.split(' ').nth(1).context("the status line is missing")?.parse()?;
        let (mut length, mut is_chunked) = (0, false);
        loop {
            line.clear();
            self.connection.read_line(&mut line)?;
            let lower = line.trim().to_ascii_lowercase();
            if lower.is_empty() {
                break;
            }
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
            is_chunked |= lower == "transfer-encoding: chunked";
        }
        let mut bytes = Vec::new();
        if is_chunked {
            loop {
                line.clear();
                self.connection.read_line(&mut line)?;
                let size = usize::from_str_radix(line.trim(), 16)?;
                self.read(size, &mut bytes)?;
                line.clear();
                self.connection.read_line(&mut line)?;
                if size == 0 {
                    break;
                }
            }
        } else {
            self.read(length, &mut bytes)?;
        }
        Ok((status, String::from_utf8(bytes)?))
    }

    fn read(&mut self, size: usize, bytes: &mut Vec<u8>) -> anyhow::Result<()> {
        let from = bytes.len();
        bytes.resize(from + size, 0);
        self.connection.read_exact(bytes.get_mut(from..).unwrap_or_default())?;
        Ok(())
    }
}
