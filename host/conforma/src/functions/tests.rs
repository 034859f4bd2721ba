//! Calls without a host, and calls with unexpected arguments.

use assay_model::error::ErrorCode;
use assay_rego::{Host as _, HostError, value::Value};
use serde_json::json;

use super::*;
use crate::NoHost;

const OCI: [&str; 10] = [
    "ec.oci.blob",
    "ec.oci.parsed_blob",
    "ec.oci.blob_files",
    "ec.oci.descriptor",
    "ec.oci.image_files",
    "ec.oci.image_index",
    "ec.oci.image_manifest",
    "ec.oci.image_manifests",
    "ec.oci.image_referrers",
    "ec.oci.image_tag_refs",
];

fn functions() -> Functions {
    Functions::new(Arc::new(NoHost))
}

fn call(function: &str, arguments: &serde_json::Value) -> Result<Option<Value>, HostError> {
    let arguments: Vec<_> = arguments.as_array().unwrap().iter().cloned().map(Value::from).collect();
    functions().call(function, &arguments)
}

#[test]
fn a_call_with_something_else_than_a_text_is_undefined() {
    for function in OCI {
        for arguments in [json!([["r"]]), json!([1, []]), json!(["r", [1]]), json!([])] {
            assert_eq!(call(function, &arguments), Ok(None), "{function} {arguments}");
        }
    }
}

#[test]
fn every_function_calls_the_host() {
    for function in OCI.into_iter().chain(["ec.sigstore.verify_image", "ec.sigstore.verify_attestation"]) {
        let arguments = match function {
            "ec.oci.image_manifests" => {
                vec![Value::from(std::collections::BTreeSet::from([Value::from("r.example/a")]))]
            }
            _ if function.ends_with("_files") => vec![Value::from("r.example/a"), Value::from(vec![Value::from("f")])],
            _ if function.starts_with("ec.sigstore") => vec![Value::from("r.example/a"), Value::from(json!({}))],
            _ => vec![Value::from("r.example/a")],
        };
        let error = functions().call(function, &arguments).unwrap_err();
        assert!(
            matches!(&error, HostError::Evaluation(cause) if cause.message.starts_with("`r.example/a`")),
            "{error:?}"
        );
    }
}

#[test]
fn a_verification_is_never_undefined() {
    for (arguments, found_message) in [(json!([1, {}]), "ref parameter"), (json!(["r", 1]), "opts parameter")] {
        for (function, found) in
            [("ec.sigstore.verify_image", "signatures"), ("ec.sigstore.verify_attestation", "attestations")]
        {
            let got = serde_json::to_value(call(function, &arguments).unwrap().unwrap()).unwrap();
            assert_eq!((&got["success"], &got[found]), (&json!(false), &json!([])), "{function}");
            assert!(got["errors"][0].as_str().unwrap().starts_with(found_message), "{got}");
        }
    }
}

#[test]
fn a_blob_that_cannot_be_read_is_an_error() {
    let code = |read: Result<(), HostError>| match read {
        Err(HostError::Evaluation(error)) => error.code,
        other => panic!("{other:?}"),
    };
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    assert_eq!(code(oci::content("r", b"a\xff").map(drop)), ErrorCode::Malformed);
    assert_eq!(code(oci::parsed("r", b"\"\xff\"").map(drop)), ErrorCode::Malformed);
    assert_eq!(code(oci::parsed("r", deep.as_bytes()).map(drop)), ErrorCode::Malformed);
    assert_eq!(oci::content("r", b"a"), Ok("a"));
    assert_eq!((oci::parsed("r", b"no JSON"), oci::parsed("r", b"1")), (Ok(None), Ok(Some(Value::from(1)))));
}
