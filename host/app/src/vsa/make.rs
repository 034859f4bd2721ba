//! [`make_vsas`]: the VSAs of a run, as `ec` makes them: a predicate for each image, and with a key a statement about the image
//! in a signed envelope (DSSE), and one about all of them.

use std::{collections::BTreeSet, fmt};

use assay_evidence::SigningKey;
use assay_gocompat::json;
use assay_model::{
    digest::Digest,
    event::{RunFinished, RunStarted},
    policy::Identity,
    vsa::{PredicateContext, VSA_PREDICATE_TYPE},
};
use serde_json::{Value, json};

use crate::{
    error::{RequestError, RequestErrorKind},
    mode::Mode,
    trust::KeyText,
};

/// The longest part of a file's name that comes from a component; systems allow 255 bytes for all of it.
const NAME_BYTES: usize = 200;
/// What the statement about a Snapshot is about if it has no name, as in `ec`.
const SNAPSHOT: &str = "application-snapshot";

/// How VSAs are made.
pub struct VsaSettings {
    /// Whose behavior it is.
    pub mode: Mode,
    /// Where the policy configuration was, as it was given.
    pub policy_source: String,
    /// Whose signatures counted, where it was not a key.
    pub identity: Option<Identity>,
    /// Whether rules were chosen by the kind of pipeline they are meant for, too.
    pub by_intention: bool,
    /// What signs; none where predicates alone are wanted.
    pub signing_key: Option<SigningKey>,
}

impl fmt::Debug for VsaSettings {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.debug_struct("VsaSettings").field("policy_source", &self.policy_source).finish_non_exhaustive()
    }
}

/// What was made of a run.
#[derive(Clone, Debug, Default)]
pub struct MadeVsas {
    /// One for each component, in the report's order.
    pub components: Vec<MadeVsa>,
    /// That of all components together; only where it is signed.
    pub snapshot: Option<MadeVsa>,
    /// The components that there is none for, since nobody knows whether they pass.
    pub left_out: Vec<String>,
}

/// A VSA.
#[derive(Clone, Debug)]
pub struct MadeVsa {
    /// The name of the predicate's file: `vsa-COMPONENT.json`. That of the envelope has `.intoto.jsonl` after it.
    pub file: String,
    /// The predicate as JSON.
    pub predicate: String,
    /// The signed envelope, if something signs.
    pub envelope: Option<String>,
}

/// Reads the private key that signs VSAs.
///
/// # Errors
/// It cannot be used.
pub fn read_signing_key(key: &KeyText, password: &[u8]) -> Result<SigningKey, RequestError> {
    SigningKey::from_pem(&key.pem, password).map_err(|error| {
        RequestError::of(RequestErrorKind::Key, format!("{error} ({})", key.origin)).hint(error.hint())
    })
}

/// Makes the VSAs of a run that has ended.
///
/// # Errors
/// Something could not be signed.
pub fn make_vsas(settings: &VsaSettings, head: &RunStarted, end: &RunFinished) -> Result<MadeVsas, RequestError> {
    let context = PredicateContext {
        head,
        end,
        policy_source: &settings.policy_source,
        identity: settings.identity.as_ref(),
        filter_type: settings.by_intention.then_some("ec-policy"),
        verifier: if settings.mode.is_ec() { "conforma" } else { "assay" },
    };
    let internal = |error: serde_json::Error| RequestError::of(RequestErrorKind::Internal, error.to_string());
    let mut made = MadeVsas::default();
    let mut names = BTreeSet::new();
    for outcome in &end.outcomes {
        let (Some(predicate), Some(image)) = (context.component(outcome), &outcome.image) else {
            made.left_out.push(outcome.component.name.clone());
            continue;
        };
        let document = serde_json::to_value(&predicate).map_err(internal)?;
        let predicate = json::indented(&json::to_string(&predicate).map_err(internal)?);
        let subject = (image.repository.to_string(), &image.digest);
        let envelope = sign(settings, subject, &document)?;
        let file = unused(&mut names, &file_name(&outcome.component.name));
        made.components.push(MadeVsa { file: format!("vsa-{file}.json"), predicate, envelope });
    }
    if settings.signing_key.is_some() {
        let predicate = context.snapshot();
        let document = serde_json::to_value(&predicate).map_err(internal)?;
        let predicate = json::indented(&json::to_string(&predicate).map_err(internal)?);
        let name = if head.snapshot.is_empty() { SNAPSHOT } else { &head.snapshot };
        // As in `ec`: a Snapshot has no digest, so that of what is said about it stands there.
        let envelope = sign(settings, (name.to_owned(), &Digest::of(predicate.as_bytes())), &document)?;
        made.snapshot = Some(MadeVsa { file: "application-snapshot-vsa.json".to_owned(), predicate, envelope });
    }
    Ok(made)
}

fn sign(
    settings: &VsaSettings,
    (name, digest): (String, &Digest),
    predicate: &Value,
) -> Result<Option<String>, RequestError> {
    let Some(key) = &settings.signing_key else { return Ok(None) };
    let statement = json::sorted(&json!({
        "_type": "https://in-toto.io/Statement/v0.1",
        "predicateType": VSA_PREDICATE_TYPE,
        "subject": [{"name": name, "digest": {"sha256": digest.hex()}}],
        "predicate": predicate,
    }));
    let statement =
        json::to_string(&statement).map_err(|error| RequestError::of(RequestErrorKind::Internal, error.to_string()))?;
    let envelope = key.sign_statement(statement.as_bytes());
    envelope
        .map(Some)
        .map_err(|error| RequestError::from_error(&error).hint(error.hint()).with_kind(RequestErrorKind::Key))
}

/// A component's name as part of a file's name: a Snapshot may not choose the folder.
fn file_name(component: &str) -> String {
    let is_kept = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.' | ':');
    let name = component.chars().take(NAME_BYTES).map(|one| if is_kept(one) { one } else { '_' }).collect::<String>();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

/// The name, or it with a number if another component has it, too.
fn unused(names: &mut BTreeSet<String>, name: &str) -> String {
    let numbered = std::iter::once(name.to_owned()).chain((2_u64..).map(|number| format!("{name}-{number}")));
    let mut free = numbered.filter(|name| !names.contains(name));
    let name = free.next().unwrap_or_default();
    names.insert(name.clone());
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_chooses_no_folder_and_takes_no_other_ones_file() {
        for (component, want) in [
            ("cart", "cart"),
            ("cart-sha256:ab-amd64", "cart-sha256:ab-amd64"),
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("", "unknown"),
            ("a\0b\nc é", "a_b_c__"),
        ] {
            assert_eq!(file_name(component), want);
        }
        assert_eq!(file_name(&"x".repeat(NAME_BYTES + 1)).len(), NAME_BYTES);
        let mut names = BTreeSet::new();
        let all = ["a", "a", "a-2", "a"].map(|name| unused(&mut names, name));
        assert_eq!(all, ["a", "a-2", "a-2-2", "a-3"]);
    }
}
