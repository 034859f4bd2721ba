//! An HTTP server on a loopback port that answers as an API server would, for the tests of this crate.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    thread,
    time::Duration,
};

/// What is answered to each request.
#[derive(Clone)]
pub(crate) enum Answer {
    /// A status and a body.
    Is(u16, String),
    /// A success whose body never ends.
    Endless,
    /// Nothing, for as long as the server lives.
    Nothing,
    /// A success with a body that is announced longer than it comes.
    Short,
}

/// The server. It takes no more connections once it is dropped.
pub(crate) struct TestServer {
    pub(crate) address: String,
    requests: Arc<Mutex<Vec<String>>>,
    _until: std::sync::mpsc::Sender<()>,
}

impl TestServer {
    pub(crate) fn start(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (until, ended) = channel();
        let ended = Arc::new(Mutex::new(ended));
        let seen = Arc::clone(&requests);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (answer, seen, ended) = (answer.clone(), Arc::clone(&seen), Arc::clone(&ended));
                thread::spawn(move || serve(stream.unwrap(), &answer, &seen, &ended));
            }
        });
        Self { address, requests, _until: until }
    }

    /// The heads of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

fn serve(mut stream: TcpStream, answer: &Answer, seen: &Mutex<Vec<String>>, ended: &Mutex<Receiver<()>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut head = String::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        seen.lock().unwrap().push(head);
        let head = |status: u16, length: &str| {
            format!("HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{length}\r\n\r\n")
        };
        let sent = match answer {
            Answer::Is(status, body) => {
                let text = head(*status, &format!("Content-Length: {}", body.len())) + body;
                stream.write_all(text.as_bytes())
            }
            Answer::Endless => {
                let _begun = stream.write_all(head(200, "Transfer-Encoding: chunked").as_bytes());
                let chunk = format!("1000\r\n{}\r\n", " ".repeat(0x1000));
                while stream.write_all(chunk.as_bytes()).is_ok() {}
                return;
            }
            Answer::Nothing => {
                let _ended = ended.lock().unwrap().recv_timeout(Duration::from_secs(60));
                return;
            }
            Answer::Short => {
                let _begun = stream.write_all((head(200, "Content-Length: 100") + "{").as_bytes());
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}
