//! Requests to a server on this machine, which are allowed in development alone, and addresses.

use std::{
    io::{Read as _, Write as _},
    net::TcpListener,
    sync::Arc,
    thread::JoinHandle,
};

use super::*;

/// Takes one request, responds with these bytes, and gives the request. Then it keeps the connection open until the client
/// closes it.
fn server(response: Vec<u8>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/path?q=1", listener.local_addr().unwrap());
    let thread = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !request.windows(4).any(|window| window == b"\r\n\r\n") {
            let read = stream.read(&mut buffer).unwrap();
            assert_ne!(read, 0, "the request ends");
            request.extend_from_slice(buffer.get(..read).unwrap());
        }
        // The client may close before everything is written.
        let _written = stream.write_all(&response);
        while stream.read(&mut buffer).is_ok_and(|read| read > 0) {}
        String::from_utf8(request).unwrap()
    });
    (url, thread)
}

fn request(url: &str) -> HttpRequest<'_> {
    HttpRequest {
        method: "GET",
        url,
        headers: &[],
        body: b"",
        reach: NetworkReach::Loopback,
        timeout: Duration::from_secs(30),
        most_bytes: 1_000,
        most_header_bytes: 1_000,
    }
}

fn send(request: HttpRequest<'_>) -> Result<HttpResponse, HttpError> {
    PluginHttp::new(&[]).send(request)
}

#[test]
fn a_request_has_the_headers_that_it_was_given_and_its_response_comes_as_it_is() {
    let response = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nX: a\r\nX: b\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc";
    let (url, thread) = server(response.to_vec());
    let headers = [("Authorization".to_owned(), "Bearer x".to_owned())];
    let got = send(HttpRequest { headers: &headers, ..request(&url) }).unwrap();
    assert_eq!((got.status, got.body.as_slice()), (302, &b"abc"[..]), "it is neither followed nor decompressed");
    assert_eq!(got.headers.iter().filter(|(name, _)| name == "x").count(), 2);
    let sent = thread.join().unwrap().to_ascii_lowercase();
    let host = url.strip_prefix("http://").unwrap().split('/').next().unwrap();
    assert!(sent.starts_with("get /path?q=1 http/1.1\r\n") && sent.contains(&format!("host: {host}\r\n")), "{sent}");
    assert!(sent.contains("authorization: bearer x\r\n") && !sent.contains("accept-encoding"), "{sent}");
}

#[test]
fn responses_are_bounded_in_size_and_time() {
    let (url, _) =
        server(b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n".iter().copied().chain([b'x'; 2000]).collect());
    assert_eq!(send(request(&url)), Err(HttpError::TooLarge(1_000)));
    let (url, _) =
        server(format!("HTTP/1.1 200 OK\r\nX: {}\r\nContent-Length: 0\r\n\r\n", "x".repeat(2_000)).into_bytes());
    assert_eq!(send(request(&url)), Err(HttpError::TooLarge(1_000)));
    let many: String = (0..100_000).map(|at| format!("h{at}: v\r\n")).collect();
    let (url, _) = server(format!("HTTP/1.1 200 OK\r\n{many}\r\n").into_bytes());
    assert!(matches!(send(request(&url)), Err(HttpError::Transport(_) | HttpError::TooLarge(_))));
    let (url, _) = server(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_vec());
    assert_eq!(send(HttpRequest { timeout: Duration::from_millis(100), ..request(&url) }), Err(HttpError::Timeout));
    let (url, _) = server(b"nonsense\r\n\r\n".to_vec());
    assert!(matches!(send(request(&url)), Err(HttpError::Transport(_))));
}

#[test]
fn names_and_addresses_of_this_machine_are_denied_with_the_address() {
    for url in ["http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/", "http://[::ffff:127.0.0.1]:1/"] {
        for reach in [NetworkReach::Public, NetworkReach::Private] {
            let Err(HttpError::Denied(why)) = send(HttpRequest { reach, ..request(url) }) else { panic!("{url}") };
            assert!(why.contains("leads to the address") && why.contains("`--dev`"), "{why}");
        }
    }
    let Err(HttpError::Denied(why)) = send(HttpRequest { reach: NetworkReach::Public, ..request("http://10.0.0.1/") })
    else {
        panic!("it was sent")
    };
    assert!(why.contains("`private = true`"), "{why}");
    assert!(matches!(send(request("http://127.0.0.1:1/")), Err(HttpError::Transport(_))), "no server is there");
}

#[test]
fn an_answer_with_one_address_that_may_not_be_reached_is_refused_as_a_whole() {
    let answer = |texts: &[&str]| texts.iter().map(|text| SocketAddr::new(text.parse().unwrap(), 0)).collect();
    assert_eq!(reachable(answer(&["8.8.8.8", "2606:4700::1111"]), NetworkReach::Public).unwrap().len(), 2);
    for mixed in [["8.8.8.8", "10.0.0.1"], ["127.0.0.1", "8.8.8.8"], ["8.8.8.8", "169.254.169.254"]] {
        assert!(reachable(answer(&mixed), NetworkReach::Public).is_err(), "{mixed:?}");
    }
}

#[test]
fn each_address_has_its_reach() {
    use NetworkReach::{Loopback, Private, Public};
    let first_reach = |text: &str| {
        let address: IpAddr = text.parse().unwrap();
        [Public, Private, Loopback].into_iter().find(|reach| may_reach(address, *reach))
    };
    for address in ["8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "64:ff9b::808:808"] {
        assert_eq!(first_reach(address), Some(Public), "{address}");
    }
    for address in
        ["10.1.2.3", "172.16.0.1", "192.168.0.1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1"]
    {
        assert_eq!(first_reach(address), Some(Private), "{address}");
    }
    for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "2001:0:1::80ff:fffe"] {
        assert_eq!(first_reach(address), Some(Loopback), "{address}");
    }
    for address in [
        "169.254.169.254",
        "192.0.0.192",
        "100.64.0.1",
        "100.100.100.200",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "198.18.0.1",
        "203.0.113.1",
        "fe80::1",
        "ff02::1",
        "::",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "2001:db8::1",
        "fec0::1",
    ] {
        assert_eq!(first_reach(address), None, "{address}");
    }
}

/// A server with a certificate of the authority in `certificates/`, which speaks to one client. The files were made by
/// `openssl ca`, for a hundred years.
fn tls_server(certificate: &str, key: &str) -> (String, JoinHandle<bool>) {
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
    let chain: Vec<_> = CertificateDer::pem_slice_iter(certificate.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    let thread = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let connection = rustls::ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = rustls::StreamOwned::new(connection, stream);
        let mut buffer = [0; 4096];
        let has_request = stream.read(&mut buffer).is_ok_and(|read| read > 0);
        if has_request {
            let _closed = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
            stream.conn.send_close_notify();
            let _closed = stream.flush();
        }
        has_request
    });
    (url, thread)
}

#[test]
fn a_certificate_of_another_host_or_of_nobody_ends_before_anything_is_sent() {
    let authority = include_bytes!("certificates/authority.pem").to_vec();
    let own = (include_str!("certificates/localhost.pem"), include_str!("certificates/localhost.key"));
    let other = (include_str!("certificates/other.pem"), include_str!("certificates/other.key"));
    for (authorities, (certificate, key), says) in [
        (vec![authority.clone()], own, None),
        (vec![authority], other, Some("other.example")),
        (vec![], own, Some("UnknownIssuer")),
    ] {
        let (url, thread) = tls_server(certificate, key);
        let headers = [("Authorization".to_owned(), "Bearer secret".to_owned())];
        let got = PluginHttp::new(&authorities).send(HttpRequest { headers: &headers, ..request(&url) });
        match says {
            None => assert_eq!(got.unwrap().body, b"ok"),
            Some(says) => {
                let Err(HttpError::Tls(text)) = got else { panic!("{got:?}") };
                assert!(text.starts_with("`localhost`: ") && text.contains(says), "{text}");
            }
        }
        assert_eq!(thread.join().unwrap(), says.is_none(), "whether a request was sent");
    }
}
