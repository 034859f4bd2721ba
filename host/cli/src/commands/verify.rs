//! `assay verify`: whether one image, its attestations or a file is signed by someone who is trusted.

use std::fmt::Write as _;

use assay_app::{ClusterAccess, Proof, ProofKind, Signer, TimeSource, Verified, VerifyResult, verify};
use assay_gocompat::{json, sanitize};
use serde_json::{Value, json};

use super::fetch_policy::print_stdout;
use crate::{
    error::CliError,
    exit,
    flags::verify::{Verify, VerifyFormat},
    printer::Printer,
    settings::{Environment, verify_request},
};

/// Verifies and prints the result.
pub(crate) fn run(
    flags: &Verify,
    env: &Environment,
    cluster: &ClusterAccess,
    printer: Printer,
) -> Result<u8, CliError> {
    let request = verify_request(flags, env, cluster)?;
    let result = verify(&request)?;
    result.warnings.iter().for_each(|text| printer.note(&format!("warning: {text}")));
    let format = match flags {
        Verify::Image(flags) => flags.signer.output,
        Verify::Attestation(flags) => flags.signer.output,
        Verify::Bundle(flags) => flags.signer.output,
    };
    let text = match format {
        VerifyFormat::Json => json::to_string(&document(&result)).map_err(|error| CliError::from_error(&error))? + "\n",
        VerifyFormat::Text => text(&result),
    };
    print_stdout(printer, &text)?;
    let verdict = result.proofs.verdict();
    for error in &result.proofs.unread {
        let line = sanitize::line(&error.to_string()).into_owned();
        match verdict {
            Verified::Yes => printer.note(&format!("warning: not all evidence could be read: {line}")),
            Verified::No | Verified::Unknown => printer.error(&format!("error: {line}")),
        }
    }
    Ok(match verdict {
        Verified::Yes => exit::SUCCESS,
        Verified::No => exit::VIOLATIONS,
        Verified::Unknown => exit::ERROR,
    })
}

const fn kind(kind: ProofKind) -> &'static str {
    match kind {
        ProofKind::Image => "image",
        ProofKind::Attestation => "attestation",
        ProofKind::Blob => "blob",
    }
}

const fn source(source: TimeSource) -> &'static str {
    match source {
        TimeSource::Log => "log",
        TimeSource::TimestampAuthority => "timestamp",
    }
}

/// A time as RFC 3339 writes it.
fn time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

/// The result for programs.
fn document(result: &VerifyResult) -> Value {
    let signature = |proof: &Proof| {
        let signer = match &proof.signer {
            Signer::Key => json!({"key": result.key}),
            Signer::Identity { name, issuer, extensions } => {
                json!({"identity": name, "issuer": issuer, "extensions": extensions})
            }
        };
        let times = proof
            .times
            .iter()
            .map(|(one, authority)| json!({"source": source(one.source), "at": time(one.at), "authority": authority}));
        json!({
            "kind": kind(proof.kind),
            "place": proof.place,
            "predicateType": proof.predicate_type,
            "signer": signer,
            "times": times.collect::<Vec<_>>(),
            "log": proof.log.as_ref().map(|(id, index)| json!({"id": id, "index": index})),
        })
    };
    let refused = result.proofs.refused.iter().map(
        |refused| json!({"place": refused.place, "code": refused.error.code(), "reason": refused.error.to_string()}),
    );
    json!({
        "subject": result.subject,
        "verified": result.proofs.verdict() == Verified::Yes,
        "signatures": result.proofs.verified.iter().map(signature).collect::<Vec<_>>(),
        "refused": refused.collect::<Vec<_>>(),
    })
}

/// The result for people. Nothing in it that comes from outside begins a line.
fn text(result: &VerifyResult) -> String {
    let line = |text: &str| sanitize::line(text).into_owned();
    let verdict = match result.proofs.verdict() {
        Verified::Yes => "verified",
        Verified::No => "not verified",
        Verified::Unknown => "could not be verified",
    };
    let mut text = format!("{}: {verdict}\n", line(&result.subject));
    // Writing to a String cannot fail.
    let mut write = |row: std::fmt::Arguments<'_>| {
        let _infallible = writeln!(text, "{row}");
    };
    for proof in &result.proofs.verified {
        write(format_args!("  {}: {}", kind(proof.kind), line(&proof.place)));
        if let Some(predicate_type) = &proof.predicate_type {
            write(format_args!("    predicate type: {}", line(predicate_type)));
        }
        match &proof.signer {
            Signer::Key => write(format_args!("    signer: the public key")),
            Signer::Identity { name, issuer, .. } => {
                write(format_args!("    signer: {} (issuer {})", line(name), line(issuer)));
            }
        }
        for (one, authority) in &proof.times {
            let by = authority.as_deref().map(|authority| format!(" by {}", line(authority))).unwrap_or_default();
            write(format_args!("    {}: {}{by}", source(one.source), time(one.at)));
        }
        if let Some((id, index)) = &proof.log {
            write(format_args!("    log entry: {index} of the log {}", line(id)));
        }
    }
    if result.proofs.verified.is_empty() && result.proofs.refused.is_empty() && result.proofs.unread.is_empty() {
        write(format_args!("  nothing was found that is signed"));
    }
    for refused in &result.proofs.refused {
        let reason = refused.error.to_string();
        write(format_args!("  refused: {}: {}: {}", line(&refused.place), refused.error.code(), line(&reason)));
    }
    text
}
