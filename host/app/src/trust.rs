//! [`TrustRequest`]: whose signatures count, as a request says it, to the [`Trust`] that verifies them.
//!
//! Every command that verifies builds its trust here, and so do the built-in functions of policies.

use std::{fmt, sync::Arc};

use assay_evidence::{
    PublicKey, Relocation, SignerReports, Trust,
    keyless::{BundleVerifier, CertificateLogPolicy, Identity as Signer, IdentityError, LogPolicy, Matcher},
};
use assay_model::policy::Identity;

use crate::{
    error::{RequestError, RequestErrorKind},
    mode::Mode,
    trust_root::LazyTrustRoot,
};

/// A public key's PEM text and where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyText {
    /// The text.
    pub pem: String,
    /// Where it was read, for messages.
    pub origin: String,
}

/// Who may sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignerRequest {
    /// Anyone who has the private key.
    Key(KeyText),
    /// Anyone who has a certificate with this identity.
    Identity(Identity),
}

/// Whose signatures count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustRequest {
    /// Who may sign.
    pub signer: SignerRequest,
    /// Whether signatures must be in a transparency log.
    pub log: LogPolicy,
    /// Whether certificates must be in a certificate transparency log.
    pub certificate_log: CertificateLogPolicy,
    /// Whether signatures made for another repository count.
    pub relocation: Relocation,
}

/// The trust of a run, and how reports name the signer.
#[derive(Clone, Debug)]
pub(crate) struct RunTrust {
    /// What verifies.
    pub(crate) trust: Trust,
    /// The key in canonical PEM; empty for an identity.
    pub(crate) key: String,
}

/// Builds the trust of a request. The trust root is loaded only where something of it is needed.
///
/// # Errors
/// The key, an expression or the trust root cannot be used.
pub(crate) fn build_trust(request: &TrustRequest, mode: Mode, root: &LazyTrustRoot) -> Result<RunTrust, RequestError> {
    let relocation = request.relocation;
    let (trust, key) = match &request.signer {
        SignerRequest::Key(text) => {
            let key = read_key(text, mode)?;
            let pem = key.to_pem().to_owned();
            let trust = match request.log {
                LogPolicy::Ignored => Trust::in_key(key, relocation),
                LogPolicy::Required => Trust::in_logged_key(key, &root.load()?.root, relocation),
            };
            (trust, pem)
        }
        SignerRequest::Identity(identity) => {
            let signer = signer(identity).map_err(|error| error.request_error())?;
            let root = &root.load()?.root;
            let trust = Trust::in_identities(vec![signer], root, request.log, request.certificate_log, relocation);
            (trust, String::new())
        }
    };
    Ok(RunTrust { trust: trust.with_reports(reports(mode)), key })
}

/// Builds what verifies bundles in files, and gives the key in canonical PEM, which is empty for an identity.
///
/// # Errors
/// The key, an expression or the trust root cannot be used.
pub(crate) fn build_verifier(
    request: &TrustRequest,
    mode: Mode,
    root: &LazyTrustRoot,
) -> Result<(BundleVerifier, String), RequestError> {
    let root = Arc::clone(&root.load()?.root);
    match &request.signer {
        SignerRequest::Key(text) => {
            let key = read_key(text, mode)?;
            let pem = key.to_pem().to_owned();
            Ok((BundleVerifier::of_key(key, root, request.log), pem))
        }
        SignerRequest::Identity(identity) => {
            let signer = signer(identity).map_err(|error| error.request_error())?;
            let (log, certificates) = (request.log, request.certificate_log);
            Ok((BundleVerifier::of_identities(vec![signer], root, log, certificates), String::new()))
        }
    }
}

/// Reads a public key as the mode reads it.
pub(crate) fn read_key(text: &KeyText, mode: Mode) -> Result<PublicKey, RequestError> {
    let read = if mode.is_ec() { PublicKey::from_pem_for_ec } else { PublicKey::from_pem };
    read(&text.pem).map_err(|error| {
        let fact = format!("{error} ({})", text.origin);
        RequestError::of(RequestErrorKind::Key, fact).causes_of(&error).hint(error.hint())
    })
}

/// What reports and policies see of signers.
pub(crate) const fn reports(mode: Mode) -> SignerReports {
    if mode.is_ec() { SignerReports::AsEc } else { SignerReports::Whole }
}

/// Why an identity cannot be used: what is about whom.
#[derive(Clone, Debug)]
pub(crate) enum SignerError {
    /// Nobody is named: anyone can have any identity from an issuer of their own, and an issuer knows everyone.
    Missing(String),
    /// An expression is not one.
    Expression { what: &'static str, error: IdentityError },
}

impl fmt::Display for SignerError {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(what) => to.write_str(what),
            Self::Expression { what, error } => write!(to, "{what}: {error}"),
        }
    }
}

impl SignerError {
    fn request_error(&self) -> RequestError {
        let hint = match self {
            Self::Missing(_) => {
                "pass `--certificate-identity` and `--certificate-oidc-issuer`, or set both in the policy's `identity`"
            }
            Self::Expression { .. } => "use an expression such as `^https://github\\.com/ORG/REPOSITORY/.*$`",
        };
        RequestError::of(RequestErrorKind::Invalid, self.to_string()).hint(hint)
    }
}

/// Reads an identity, of which both parts are needed.
pub(crate) fn signer(identity: &Identity) -> Result<Signer, SignerError> {
    let missing = [
        ("certificate OIDC issuer", [&identity.issuer, &identity.issuer_reg_exp]),
        ("certificate identity", [&identity.subject, &identity.subject_reg_exp]),
    ];
    let missing: Vec<String> = missing
        .into_iter()
        .filter(|(_, texts)| texts.iter().all(|text| text.is_empty()))
        .map(|(what, _)| format!("{what} must be provided for keyless workflow"))
        .collect();
    if !missing.is_empty() {
        return Err(SignerError::Missing(missing.join("\n")));
    }
    let matcher = |what, exact: &str, expression: &str| {
        Matcher::new(exact, expression).map_err(|error| SignerError::Expression { what, error })
    };
    Ok(Signer {
        subject: matcher("the identity of the signer", &identity.subject, &identity.subject_reg_exp)?,
        issuer: matcher("the issuer of the signer", &identity.issuer, &identity.issuer_reg_exp)?,
    })
}

/// What people should know of an identity that matches more than they may mean.
pub(crate) fn warnings(request: &TrustRequest, mode: Mode) -> Vec<String> {
    let SignerRequest::Identity(identity) = &request.signer else { return Vec::new() };
    if mode.is_ec() {
        return Vec::new();
    }
    let Ok(Signer { subject, issuer }) = signer(identity) else { return Vec::new() };
    let unanchored = [("identity", subject.unanchored()), ("issuer", issuer.unanchored())];
    let warning = |(what, expression): (&str, Option<&str>)| {
        let expression = expression?;
        Some(format!(
            "the regular expression `{expression}` also matches texts that only contain such an {what}; begin it with `^`, \
             end it with `$`, and put alternatives in a group, to match whole texts"
        ))
    };
    unanchored.into_iter().filter_map(warning).collect()
}

/// Trust in what a policy demands of a signature: its options stand for the flags, and the trust root is that of the run.
pub(crate) struct PolicyTrust {
    pub(crate) relocation: Relocation,
    pub(crate) mode: Mode,
    pub(crate) root: Arc<LazyTrustRoot>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(subject: &str, expression: &str) -> TrustRequest {
        let identity = Identity {
            subject: subject.to_owned(),
            subject_reg_exp: expression.to_owned(),
            issuer: "https://issuer.example".to_owned(),
            issuer_reg_exp: String::new(),
        };
        TrustRequest {
            signer: SignerRequest::Identity(identity),
            log: LogPolicy::Required,
            certificate_log: CertificateLogPolicy::Required,
            relocation: Relocation::Refused,
        }
    }

    #[test]
    fn an_expression_that_also_matches_longer_texts_is_reported() {
        for (subject, expression, count) in [("me", "", 0), ("", "^me$", 0), ("", ".*", 1), ("", "^a|b$", 1)] {
            assert_eq!(warnings(&request(subject, expression), Mode::Native).len(), count, "{expression}");
        }
        assert!(warnings(&request("", ".*"), Mode::EcCompat).is_empty());
    }

    #[test]
    fn an_identity_needs_both_parts_and_expressions_that_are_some() {
        let root = LazyTrustRoot::new(crate::trust_root::TrustRootSettings::default());
        let error = |request| build_trust(&request, Mode::Native, &root).unwrap_err();
        assert!(error(request("", "")).message().contains("certificate identity must be provided"));
        let error = error(request("", "("));
        assert_eq!(error.kind(), RequestErrorKind::Invalid);
        assert!(error.message().contains("the expression `(` is invalid"), "{}", error.message());
        assert!(build_trust(&request("me", ""), Mode::Native, &root).unwrap().key.is_empty());
    }
}
