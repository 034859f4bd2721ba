//! Metadata of a small instance of the tests: what is forged, too old or rolled back is refused, the good one accepted.

use std::collections::BTreeMap;

use assay_model::digest::Digest;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    tuf::{self, SUCCESSORS},
    *,
};
use crate::fixture::Signer;

const NOW: &str = "2026-06-01T00:00:00Z";
const LATER: &str = "2027-06-01T00:00:00Z";
const BEFORE: &str = "2026-05-31T23:59:59Z";

/// Files by name.
#[derive(Clone, Debug, Default)]
struct Files(BTreeMap<String, Vec<u8>>);

impl TufFiles for Files {
    fn read(&self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, String> {
        let file = self.0.get(name).cloned();
        match file.as_ref().is_some_and(|file| file.len() as u64 > limit) {
            true => Err("too long".to_owned()),
            false => Ok(file),
        }
    }
}

/// An instance that changes what it is given.
struct Instance {
    root_keys: Vec<Signer>,
    online: Signer,
    threshold: usize,
    timestamp: u64,
    snapshot: u64,
    targets: u64,
    expires: BTreeMap<&'static str, &'static str>,
    trusted_root: String,
}

fn canonical(signed: &Value) -> Vec<u8> {
    sigstore_tuf::canonical_json::to_canonical_bytes(signed).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn id(key: &Signer) -> String {
    Digest::of(key.pem().as_bytes()).hex()
}

fn sign(signed: &Value, keys: &[&Signer]) -> Vec<u8> {
    let bytes = canonical(signed);
    let signature = |key: &&Signer| json!({"keyid": id(key), "sig": hex(&key.sign(&bytes))});
    json!({"signed": signed, "signatures": keys.iter().map(signature).collect::<Vec<_>>()}).to_string().into_bytes()
}

impl Instance {
    fn new() -> Self {
        Self {
            root_keys: vec![Signer::new(), Signer::new()],
            online: Signer::new(),
            threshold: 2,
            timestamp: 3,
            snapshot: 3,
            targets: 3,
            expires: BTreeMap::new(),
            trusted_root: PUBLIC_GOOD.to_owned(),
        }
    }

    fn expires(&self, role: &str) -> &'static str {
        self.expires.get(role).copied().unwrap_or(LATER)
    }

    fn root(&self, version: u64) -> Value {
        let key = |key: &Signer| {
            let scheme = json!({"keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": {"public": key.pem()}});
            (id(key), scheme)
        };
        let keys: serde_json::Map<_, _> = self.root_keys.iter().chain([&self.online]).map(key).collect();
        let online = json!({"keyids": [id(&self.online)], "threshold": 1});
        let root_ids: Vec<String> = self.root_keys.iter().map(id).collect();
        json!({
            "_type": "root", "spec_version": "1.0", "version": version, "expires": self.expires("root"),
            "consistent_snapshot": true, "keys": keys,
            "roles": {
                "root": {"keyids": root_ids, "threshold": self.threshold},
                "timestamp": online, "snapshot": online, "targets": online,
            },
        })
    }

    fn signed_root(&self, version: u64) -> Vec<u8> {
        sign(&self.root(version), &self.root_keys.iter().collect::<Vec<_>>())
    }

    fn role(&self, kind: &str, version: u64, more: &Value) -> Vec<u8> {
        let mut role = json!({
            "_type": kind, "spec_version": "1.0", "version": version, "expires": self.expires(kind),
        });
        role.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        sign(&role, &[&self.online])
    }

    /// What the mirror has, by the names of a mirror.
    fn mirror(&self) -> Files {
        let target = self.trusted_root.as_bytes();
        let digest = Digest::of(target).hex();
        let targets = json!({"targets": {"trusted_root.json": {"length": target.len(), "hashes": {"sha256": digest}}}});
        let targets = self.role("targets", self.targets, &targets);
        let snapshot =
            self.role("snapshot", self.snapshot, &json!({"meta": {"targets.json": {"version": self.targets}}}));
        let pin = json!({"version": self.snapshot, "length": snapshot.len(), "hashes": {"sha256": Digest::of(&snapshot).hex()}});
        let timestamp = self.role("timestamp", self.timestamp, &json!({"meta": {"snapshot.json": pin}}));
        Files(BTreeMap::from([
            ("timestamp.json".to_owned(), timestamp),
            (format!("{}.snapshot.json", self.snapshot), snapshot),
            (format!("{}.targets.json", self.targets), targets),
            (format!("targets/{digest}.trusted_root.json"), target.to_vec()),
        ]))
    }

    fn update(&self, mirror: &Files) -> Result<TufMetadata, TufError> {
        update(&self.signed_root(1), None, mirror, now())
    }
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// What was updated, as it is stored.
fn stored(metadata: &TufMetadata) -> Files {
    Files(BTreeMap::from([
        ("root.json".to_owned(), metadata.root.clone()),
        ("timestamp.json".to_owned(), metadata.timestamp.clone()),
        ("snapshot.json".to_owned(), metadata.snapshot.clone()),
        ("targets.json".to_owned(), metadata.targets.clone()),
        ("targets/trusted_root.json".to_owned(), metadata.trusted_root.clone().into_bytes()),
    ]))
}

#[test]
fn attack_good_metadata_is_accepted_from_a_mirror_and_from_where_it_is_stored() {
    let instance = Instance::new();
    let mut mirror = instance.mirror();
    mirror.0.insert("2.root.json".to_owned(), instance.signed_root(2));
    let metadata = instance.update(&mirror).unwrap();
    assert_eq!(metadata.trusted_root, PUBLIC_GOOD);
    assert_eq!(metadata.expires, LATER.parse().unwrap());
    assert_eq!(read_stored(&stored(&metadata), now()).unwrap().trusted_root, PUBLIC_GOOD);
}

#[test]
fn attack_metadata_below_its_threshold_or_of_other_keys_is_refused() {
    let instance = Instance::new();
    let first = &[&instance.root_keys[0]];
    let below = sign(&instance.root(1), first);
    assert!(matches!(update(&below, None, &instance.mirror(), now()), Err(TufError::Invalid { .. })));
    // The same key twice is one signature.
    let twice = sign(&instance.root(1), &[first[0], first[0]]);
    assert!(matches!(update(&twice, None, &instance.mirror(), now()), Err(TufError::Invalid { .. })));
    let mut mirror = instance.mirror();
    mirror.0.insert("2.root.json".to_owned(), sign(&instance.root(2), first));
    assert!(matches!(instance.update(&mirror), Err(TufError::Invalid { name, .. }) if name == "2.root.json"));
    // A stranger's instance under a trusted root.
    let stranger = Instance::new();
    assert!(
        matches!(instance.update(&stranger.mirror()), Err(TufError::Invalid { name, .. }) if name == "timestamp.json")
    );
    // A root of a stranger.
    let error = update(&stranger.signed_root(1), None, &instance.mirror(), now()).unwrap_err();
    assert!(matches!(error, TufError::Invalid { name, .. } if name == "timestamp.json"));
}

#[test]
fn attack_metadata_that_expired_is_refused_with_its_date() {
    for role in ["root", "timestamp", "snapshot", "targets"] {
        let mut instance = Instance::new();
        instance.expires.insert(role, BEFORE);
        let error = instance.update(&instance.mirror()).unwrap_err();
        assert_eq!(error, TufError::Expired { role: role.to_owned(), at: BEFORE.parse().unwrap() });
        assert!(error.to_string().contains(BEFORE));
    }
    let instance = Instance::new();
    let kept = stored(&instance.update(&instance.mirror()).unwrap());
    let error = read_stored(&kept, "2027-06-01T00:00:01Z".parse().unwrap()).unwrap_err();
    assert!(matches!(error, TufError::Expired { .. }), "{error}");
}

#[test]
fn attack_metadata_behind_what_is_stored_is_refused() {
    let mut instance = Instance::new();
    let kept = stored(&instance.update(&instance.mirror()).unwrap());
    let again =
        |instance: &Instance| update(&instance.signed_root(1), Some(&kept as &dyn TufFiles), &instance.mirror(), now());
    assert!(again(&instance).is_ok());
    instance.timestamp = 4;
    assert!(again(&instance).is_ok());
    instance.timestamp = 2;
    assert!(matches!(again(&instance), Err(TufError::Invalid { name, .. }) if name == "timestamp.json"));
    (instance.timestamp, instance.snapshot) = (4, 2);
    assert!(matches!(again(&instance), Err(TufError::Invalid { name, .. }) if name == "snapshot.json"));
    (instance.snapshot, instance.targets) = (4, 2);
    assert!(matches!(again(&instance), Err(TufError::Invalid { name, .. }) if name == "targets.json"));
}

#[test]
fn attack_targets_and_metadata_of_another_length_or_digest_are_refused() {
    let instance = Instance::new();
    for (name, change) in [("3.snapshot.json", " "), ("targets/", " ")] {
        let mut mirror = instance.mirror();
        let (_, file) = mirror.0.iter_mut().find(|(key, _)| key.starts_with(name)).unwrap();
        file.extend(change.as_bytes());
        assert!(matches!(instance.update(&mirror), Err(TufError::Invalid { .. })), "{name}");
    }
    let mut kept = stored(&instance.update(&instance.mirror()).unwrap());
    kept.0.insert("targets/trusted_root.json".to_owned(), PUBLIC_GOOD.replacen("sigstore", "sigst0re", 1).into_bytes());
    assert!(matches!(read_stored(&kept, now()), Err(TufError::Invalid { .. })));
    // A file of two meanings.
    let mut mirror = instance.mirror();
    let timestamp = String::from_utf8(mirror.0["timestamp.json"].clone()).unwrap();
    let twice = timestamp.replacen("{", "{\"signed\":{},", 1);
    mirror.0.insert("timestamp.json".to_owned(), twice.into_bytes());
    assert!(matches!(instance.update(&mirror), Err(TufError::Invalid { name, .. }) if name == "timestamp.json"));
}

#[test]
fn attack_a_mirror_without_end_or_with_gaps_is_refused() {
    let instance = Instance::new();
    let mut mirror = instance.mirror();
    for version in 2..SUCCESSORS + 3 {
        mirror.0.insert(format!("{version}.root.json"), instance.signed_root(version));
    }
    assert!(matches!(instance.update(&mirror), Err(TufError::Invalid { .. })));
    mirror.0.insert("timestamp.json".to_owned(), vec![b' '; 20_000]);
    mirror.0.remove("2.root.json");
    assert!(matches!(instance.update(&mirror), Err(TufError::Unread { name, .. }) if name == "timestamp.json"));
    mirror.0.remove("timestamp.json");
    assert_eq!(instance.update(&mirror).unwrap_err(), TufError::Absent("timestamp.json".to_owned()));
    // The next root must be the next one.
    let mut mirror = instance.mirror();
    mirror.0.insert("2.root.json".to_owned(), instance.signed_root(3));
    assert!(matches!(instance.update(&mirror), Err(TufError::Invalid { name, .. }) if name == "2.root.json"));
}

#[test]
fn attack_metadata_and_targets_over_their_limits_are_not_read() {
    let instance = Instance::new();
    let limits = [
        ("timestamp.json", tuf::TIMESTAMP_BYTES),
        ("3.snapshot.json", tuf::SNAPSHOT_BYTES),
        ("3.targets.json", tuf::TARGETS_BYTES),
        ("targets/", tuf::TARGET_BYTES),
    ];
    for (name, limit) in limits {
        let mut mirror = instance.mirror();
        let (key, file) = mirror.0.iter_mut().find(|(key, _)| key.starts_with(name)).unwrap();
        let key = key.clone();
        file.resize(usize::try_from(limit).unwrap() + 1, b' ');
        let error = instance.update(&mirror).unwrap_err();
        assert_eq!(error, TufError::Unread { name: key, why: "too long".to_owned() }, "{name}");
    }
    let mut kept = stored(&instance.update(&instance.mirror()).unwrap());
    kept.0.get_mut("root.json").unwrap().resize(usize::try_from(TUF_ROOT_BYTES).unwrap() + 1, b' ');
    let error = read_stored(&kept, now()).unwrap_err();
    assert_eq!(error, TufError::Unread { name: "root.json".to_owned(), why: "too long".to_owned() });
}

#[test]
fn the_root_in_this_program_is_one() {
    let error = update(PUBLIC_GOOD_TUF_ROOT, None, &Files::default(), now()).unwrap_err();
    assert_eq!(error, TufError::Absent("timestamp.json".to_owned()));
    // A change of needs another date for `assay version`.
    assert_eq!(
        (PUBLIC_GOOD_DATE, Digest::of(PUBLIC_GOOD.as_bytes()).hex()),
        ("2026-10-23", PUBLIC_GOOD_DIGEST.to_owned())
    );
}

/// The digest of the trust root in this program, whose date is beside it.
const PUBLIC_GOOD_DIGEST: &str = "6494e21ea73fa7ee769f85f57d5a3e6a08725eae1e38c755fc3517c9e6bc0b66";
