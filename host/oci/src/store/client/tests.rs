//! Where a client may go, and what its addresses may be.

use super::*;

fn client(insecure: &[&str]) -> Client {
    let insecure = insecure.iter().map(|&host| host.to_owned()).collect();
    Client::new(&RegistryOptions { insecure, ..RegistryOptions::default() }).unwrap()
}

#[test]
fn only_loopback_and_named_hosts_are_accessed_without_https() {
    for registry in ["127.0.0.1", "127.9.9.9:5000", "localhost:80", "localhost", "[::1]:5000", "[::1]"] {
        assert!(client(&[]).is_plain(registry), "{registry}");
    }
    for registry in ["quay.io", "128.0.0.1:5000", "localhost.example.org", "127.0.0.1.example.org", "[::2]:5000"] {
        assert!(!client(&[]).is_plain(registry), "{registry}");
    }
    assert!(client(&["registry.test:5000"]).is_plain("registry.test:5000"));
    assert!(client(&["registry.test"]).is_plain("registry.test:5000"));
    assert!(!client(&["registry.test:5001", "other.test"]).is_plain("registry.test:5000"));
}

#[test]
fn a_name_cannot_become_another_path() {
    let client = client(&[]);
    let image: assay_model::image::ImageRef = "quay.io/a/b".parse().unwrap();
    let address = |name: &str| client.address(image.repository(), "manifests", name).unwrap().to_string();
    assert_eq!(address("v1.0"), "https://quay.io/v2/a/b/manifests/v1.0");
    assert_eq!(address("../x?y#z"), "https://quay.io/v2/a/b/manifests/..%2Fx%3Fy%23z");
}

#[test]
fn redirects_stay_where_they_may_go() {
    let client = client(&["plain.test"]);
    let follow = |from: &str, to: &str| client.may_follow(&Url::parse(from).unwrap(), &Url::parse(to).unwrap());
    for (from, to) in [
        ("https://quay.io/", "https://cdn.test/blob"),
        ("http://127.0.0.1:5000/", "http://127.0.0.1:6000/"),
        ("http://plain.test/", "http://plain.test:5000/"),
        ("http://plain.test/", "https://cdn.test/"),
        ("https://10.0.0.1/", "https://10.0.0.2/"),
    ] {
        assert_eq!(follow(from, to), Ok(()), "{from} {to}");
    }
    for (from, to) in [
        ("https://quay.io/", "http://quay.io/"),
        ("https://quay.io/", "http://plain.test/"),
        ("http://plain.test/", "http://other.test/"),
        ("http://plain.test/", "ftp://plain.test/"),
        ("https://quay.io/", "https://127.0.0.1/"),
        ("https://quay.io/", "https://localhost/"),
        ("https://quay.io/", "https://169.254.169.254/latest/meta-data"),
        ("https://quay.io/", "https://10.1.2.3/"),
        ("https://quay.io/", "https://[::ffff:192.168.0.1]/"),
        ("https://quay.io/", "https://[fd00::1]/"),
        ("https://10.0.0.1/", "https://169.254.169.254/"),
        ("http://127.0.0.1:5000/", "https://[fe80::1]/"),
    ] {
        assert!(follow(from, to).is_err(), "{from} {to}");
    }
    let service = |registry: &str, to: &str| client.may_request_token(registry, &Url::parse(to).unwrap());
    assert_eq!(service("quay.io", "https://auth.test/token"), Ok(()));
    assert!(service("quay.io", "http://auth.test/token").is_err());
    assert!(service("quay.io", "https://192.168.1.1/token").is_err());
    assert_eq!(service("192.168.1.1:5000", "https://192.168.1.2/token"), Ok(()));
}

#[test]
fn a_file_without_authorities_is_refused() {
    for pem in [&b""[..], b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let options = RegistryOptions { authorities: vec![pem.to_vec()], ..RegistryOptions::default() };
        assert!(Client::new(&options).is_err(), "{pem:?}");
    }
}

#[test]
fn a_form_is_encoded() {
    assert_eq!(form(&[("a", "b c"), ("d", "e&f=g/h")]), "a=b+c&d=e%26f%3Dg%2Fh");
}
