//! [`open_statement`]: the statement in a file that is a DSSE envelope, such as a verification summary attestation (VSA).

use std::collections::BTreeSet;

use assay_model::{
    digest::Digest,
    limits,
    memory::Memory,
    strict::{self, Shape, StrictObject, array, string},
};

use crate::{
    cosign::open_envelope,
    error::VerificationError,
    key::PublicKey,
    trust::{Relocation, Trust},
};

/// What a statement in a file takes once it is read. VSAs have some kilobytes, and the rule data of their policies.
const STATEMENT_MEMORY: u64 = limits::POLICY_MEMORY;

/// Subjects of one statement that are looked at.
const SUBJECTS: usize = 1_024;

/// A statement that was signed, or that nobody verified because the caller did not want it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedStatement {
    /// The type of its predicate.
    pub predicate_type: String,
    /// The digests of what it is about.
    pub subjects: BTreeSet<Digest>,
    /// The predicate as JSON, without ambiguity.
    pub predicate: String,
}

/// Opens an envelope that must be signed by this key; without a key, by anyone or nobody.
///
/// # Errors
/// Why it does not count.
pub fn open_statement(envelope: &[u8], key: Option<&PublicKey>) -> Result<SignedStatement, VerificationError> {
    let trust = key.map(|key| Trust::in_key(key.clone(), Relocation::Allowed));
    let payload = open_envelope(envelope, trust.as_ref())?;
    let memory = Memory::of(STATEMENT_MEMORY);
    let statement = strict::check(&payload, &Shape::Any, &memory).map_err(VerificationError::UnreadableStatement)?;
    let fields = StrictObject::read(statement)?;
    let statement_type = string(fields.required("_type")?)?;
    if !crate::cosign::STATEMENTS.contains(&statement_type.as_str()) {
        return Err(VerificationError::StatementType(format!(
            "the signed statement is of the type `{}`, which is not known",
            crate::error::shown(&statement_type)
        )));
    }
    let given = array(fields.required("subject")?)?;
    if given.len() > SUBJECTS {
        return Err(VerificationError::Malformed(format!("the statement has more than {SUBJECTS} subjects")));
    }
    let mut subjects = BTreeSet::new();
    for subject in given {
        let digest = StrictObject::read(subject)?.get("digest")?.filter(|digest| *digest != "null");
        let Some(digest) = digest else { continue };
        let Some(sha256) = StrictObject::read(digest)?.get("sha256")? else { continue };
        subjects.extend(format!("sha256:{}", string(sha256)?).parse::<Digest>().ok());
    }
    let predicate = fields.required("predicate")?;
    if !predicate.starts_with('{') {
        return Err("the `predicate` of the signed statement is not an object".to_owned().into());
    }
    Ok(SignedStatement {
        predicate_type: string(fields.required("predicateType")?)?,
        subjects,
        predicate: predicate.to_owned(),
    })
}

#[cfg(test)]
mod tests;
