//! The catalog of attacks on signatures and attestations, with the tests of each. A test holds that every number has its
//! tests and that they name the code.
//!
//! Most are tests of this crate, whose names begin with `attack_`. Those of registries and digests stand where the content
//! is read.

use std::path::{Path, PathBuf};

/// What comes of a case.
enum Verdict {
    /// The evidence does not count, with this code.
    Refused(&'static str),
    /// The evidence counts, since what was changed says nothing.
    Counts,
    /// The key, the trust root or the expression is not accepted in the first place.
    Invalid,
    /// The content is not read: an error of the component.
    Unread(&'static str),
}

use Verdict::{Counts, Invalid, Refused, Unread};

/// A number, what is tried, what comes of it, and the tests: names in this crate, or `FILE::NAME` in another one.
type Case = (u16, &'static str, Verdict, &'static [&'static str]);

const KEYS: &str = "attack_signatures_that_are_not_the_keys_do_not_count";
const CLAIMS: &str = "attack_every_claim_of_a_payload_must_hold";
const OWN_ENTRY: &str = "attack_a_signature_without_its_own_log_entry_does_not_count";
const PROMISE: &str = "attack_log_entries_that_their_log_did_not_sign_do_not_count";
const KINDS: &str = "attack_log_entries_of_other_kinds_do_not_count";
const LOG_WINDOW: &str = "attack_entries_outside_the_window_of_their_log_do_not_count";
const TWO_LOGS: &str = "attack_of_two_logs_each_counts_and_one_that_is_there_twice_is_no_root";
const ENVELOPE_ENTRY: &str = "attack_envelopes_in_entries_of_other_envelopes_do_not_count";
const ENVELOPES: &str = "attack_envelopes_that_the_key_did_not_sign_as_statements_do_not_count";
const STATEMENTS: &str = "attack_statements_about_something_else_do_not_count";
const SECOND_SIGNATURE: &str = "attack_a_second_signature_suffices_and_the_keyid_decides_nothing";
const CERTIFICATE_TIME: &str = "attack_a_certificate_counts_only_while_it_and_its_authority_are_valid";
const CERTIFICATE_LOG: &str = "attack_certificates_that_no_trusted_log_has_seen_do_not_count";
const AUTHORITY: &str = "attack_certificates_of_another_authority_purpose_or_kind_do_not_count";
const IDENTITY: &str = "attack_a_good_keyless_signature_counts_for_its_identity_alone";
const EXPRESSIONS: &str = "attack_identities_match_as_in_go_and_no_further";
const LOOK_ALIKES: &str = "attack_names_that_look_like_the_wanted_one_do_not_count_but_an_open_expression_lets_them_in";
const NAMES: &str = "attack_any_name_of_a_certificate_counts_and_a_text_and_an_expression_must_both_match";
const PLACE: &str = "attack_entries_without_proof_promise_or_place_do_not_count";
const BUNDLE_ENTRY: &str = "attack_entries_of_other_statements_signatures_and_keys_do_not_count";
const TWO_MEANINGS: &str = "attack_bundles_of_two_meanings_are_malformed";
const FIELDS: &str = "attack_fields_that_are_unknown_twice_or_in_another_case_are_malformed";
const BUNDLE_KINDS: &str = "attack_bundles_with_entries_of_kinds_that_do_not_bind_the_signature_do_not_count";
const NO_LOG: &str = "attack_a_keyless_signature_without_a_log_needs_a_timestamp_of_a_known_authority";
const TYPES: &str = "attack_statements_of_another_type_than_the_wanted_one_do_not_count";
const METADATA_KEYS: &str = "attack_metadata_below_its_threshold_or_of_other_keys_is_refused";

const CASES: [Case; 106] = [
    (1, "the signature of another key", Refused("signature"), &[KEYS]),
    (2, "a payload with the digest of another image", Refused("subject"), &[CLAIMS]),
    (3, "a payload changed after it was signed", Refused("signature"), &[KEYS]),
    (4, "a signature that is empty, cut short or not base64", Refused("malformed"), &[KEYS]),
    (5, "a signature of two zeros", Refused("signature"), &[KEYS]),
    (
        6,
        "the tag of signatures moved to another image",
        Refused("subject"),
        &["attack_a_moved_signature_tag_binds_nothing"],
    ),
    (7, "a payload of another type or repository; cosign does not look at them", Refused("unsupported"), &[CLAIMS]),
    (
        8,
        "a good layer behind a forged one",
        Counts,
        &["attack_one_good_layer_among_forged_ones_suffices_and_is_all_that_is_listed"],
    ),
    (9, "a layer without the annotation that is needed", Refused("malformed"), &[KEYS]),
    (
        10,
        "a key's signature beside a certificate of another key",
        Refused("certificate"),
        &["attack_a_certificate_beside_a_keys_signature_must_be_of_that_key"],
    ),
    (
        11,
        "a P-384 key with either hash; called `ec`, with SHA-256 alone",
        Counts,
        &["attack_a_p384_key_verifies_with_both_hashes_and_for_ec_with_sha256_alone"],
    ),
    (
        12,
        "an RSA signature with the other padding",
        Refused("signature"),
        &["attack_every_kind_of_key_verifies_its_own_signatures"],
    ),
    (
        13,
        "an Ed25519 signature of the message's hash",
        Refused("signature"),
        &["attack_signatures_of_a_hash_do_not_count_under_a_key_that_signs_the_message"],
    ),
    (
        14,
        "a short RSA key, a point off the curve, a certificate as a key",
        Invalid,
        &[
            "attack_short_rsa_keys_and_other_algorithms_are_refused",
            "attack_a_point_off_the_curve_is_refused",
            "attack_what_is_no_public_key_is_named",
        ],
    ),
    (
        15,
        "a signature after the key's end",
        Refused("certificate-time"),
        &["attack_a_key_with_an_end_signs_nothing_after_it"],
    ),
    (16, "no log entry where one is needed", Refused("log-entry"), &[OWN_ENTRY]),
    (17, "the entry of something else that the key signed", Refused("log-entry"), &[OWN_ENTRY]),
    (18, "the entry of a second signature of the same", Refused("log-entry"), &[OWN_ENTRY]),
    (19, "a promise with another body", Refused("log-entry"), &[PROMISE]),
    (20, "a promise with another time", Refused("log-entry"), &[PROMISE]),
    (21, "a promise with another place in the log", Refused("log-entry"), &[PROMISE]),
    (22, "a promise of an unknown log", Refused("log-entry"), &[PROMISE]),
    (23, "an unknown key under the identifier of a known log", Refused("log-entry"), &[PROMISE]),
    (24, "an entry that another signer made", Refused("log-entry"), &[OWN_ENTRY]),
    (25, "an entry of an unknown kind or version", Refused("log-entry"), &[KINDS]),
    (26, "an entry with another hash than SHA-256", Refused("log-entry"), &[KINDS]),
    (
        27,
        "an entry outside the window of its log; a key file gives a log no window",
        Refused("log-entry"),
        &[LOG_WINDOW],
    ),
    (28, "an entry of the second of two logs", Counts, &[TWO_LOGS]),
    (29, "a trust root with the same log twice", Invalid, &[TWO_LOGS]),
    (30, "a body that is no text, and several keys in one entry", Refused("log-entry"), &[PROMISE, OWN_ENTRY]),
    (31, "an entry with several signatures", Refused("log-entry"), &[ENVELOPE_ENTRY]),
    (32, "an entry of the same payload in another envelope", Refused("log-entry"), &[ENVELOPE_ENTRY]),
    (
        33,
        "a signature beside an attestation's envelope",
        Refused("malformed"),
        &["attack_an_attestation_has_no_signature_beside_its_envelope_whatever_its_entry_is", ENVELOPE_ENTRY],
    ),
    (34, "a bundle whose entry is of another digest, signature or key", Refused("log-entry"), &[BUNDLE_ENTRY]),
    (35, "an envelope of another payload type", Refused("unsupported"), &[ENVELOPES]),
    (36, "a payload signed under another type and relabelled", Refused("signature"), &[ENVELOPES]),
    (37, "a payload signed without its type", Refused("signature"), &[ENVELOPES]),
    (38, "a second signature that counts; bundles have one", Counts, &[SECOND_SIGNATURE, TWO_MEANINGS]),
    (39, "a key identifier that is not the key's: `ec` was seen to take it", Counts, &[SECOND_SIGNATURE]),
    (40, "an envelope without signatures", Refused("signature"), &[ENVELOPES]),
    (41, "a statement about another image", Refused("subject"), &[STATEMENTS]),
    (42, "no subject, or a digest written in another way", Refused("subject"), &[STATEMENTS]),
    (
        43,
        "the image as the second subject",
        Counts,
        &["attack_the_second_subject_and_either_version_of_a_statement_count"],
    ),
    (44, "a statement of another predicate type", Refused("predicate-type"), &[TYPES]),
    (45, "a statement of an unknown version", Refused("unsupported"), &[STATEMENTS]),
    (46, "a key of the statement that is there twice", Refused("malformed"), &[STATEMENTS]),
    (47, "a key of the statement in another case", Refused("malformed"), &[STATEMENTS]),
    (48, "JSON without end to its depth", Refused("malformed"), &[STATEMENTS, ENVELOPES]),
    (49, "numbers and text that JSON does not have", Refused("malformed"), &[STATEMENTS]),
    (
        50,
        "an attestation as a signature, and a signature as an attestation",
        Refused("signature"),
        &["attack_nothing_and_layers_of_other_kinds_are_no_signature"],
    ),
    (51, "logged after the certificate's end", Refused("certificate-time"), &[CERTIFICATE_TIME]),
    (52, "logged before the certificate's begin", Refused("certificate-time"), &[CERTIFICATE_TIME]),
    (53, "no log, no timestamp", Refused("timestamp"), &[NO_LOG]),
    (54, "a certificate without a certificate log's timestamp", Refused("sct"), &[CERTIFICATE_LOG]),
    (55, "a certificate of an unknown certificate log", Refused("sct"), &[CERTIFICATE_LOG]),
    (56, "the certificate log's timestamp of another certificate", Refused("sct"), &[CERTIFICATE_LOG]),
    (
        57,
        "a certificate log outside its window",
        Refused("sct"),
        &["attack_certificates_logged_outside_the_window_of_their_log_do_not_count"],
    ),
    (58, "a certificate for another purpose", Refused("certificate"), &[AUTHORITY]),
    (
        59,
        "another authority of the same name, also in the chain beside the signature",
        Refused("certificate"),
        &["attack_an_authority_in_a_chain_beside_the_signature_is_not_trusted", AUTHORITY],
    ),
    (
        60,
        "an authority outside its window, beside one inside",
        Refused("certificate-time"),
        &["attack_an_authority_outside_its_window_does_not_count_nor_does_anothers_window_help"],
    ),
    (61, "the certificate of an authority as the signer's", Refused("certificate"), &[AUTHORITY]),
    (
        62,
        "another certificate of the same signer",
        Refused("log-entry"),
        &[
            "attack_another_certificate_of_the_same_identity_does_not_count",
            "attack_bundles_with_a_certificate_that_was_not_logged_with_them_do_not_count",
        ],
    ),
    (63, "no certificate", Refused("certificate"), &["attack_a_signature_of_an_identity_needs_a_certificate"]),
    (
        64,
        "an authority that ended before the signature",
        Refused("certificate-time"),
        &["attack_authorities_that_ended_before_the_signature_do_not_count"],
    ),
    (
        65,
        "a critical extension that nobody knows",
        Refused("certificate"),
        &["attack_a_critical_extension_is_unknown_unless_it_has_the_names_of_the_signer"],
    ),
    (
        66,
        "another signer or issuer, a part of the name, another case, a look-alike",
        Refused("identity"),
        &[IDENTITY, LOOK_ALIKES, EXPRESSIONS],
    ),
    (67, "an expression that is not anchored: a warning", Counts, &[LOOK_ALIKES, EXPRESSIONS]),
    (68, "a dot that matches anything", Counts, &[LOOK_ALIKES]),
    (69, "characters that only Unicode takes for those of a word", Refused("identity"), &[LOOK_ALIKES]),
    (70, "two issuers, or none", Refused("issuer"), &["attack_two_issuers_and_none_do_not_count"]),
    (71, "the second name of a certificate", Counts, &[NAMES]),
    (72, "a text and an expression of which one matches", Refused("identity"), &[NAMES]),
    (73, "a bundle without entry, proof or promise", Refused("inclusion"), &[PLACE]),
    (74, "a proof for another place, size or state of the log", Refused("inclusion"), &[PLACE]),
    (
        75,
        "a state that no known log signed",
        Refused("checkpoint"),
        &["attack_states_that_the_log_did_not_sign_do_not_count"],
    ),
    (76, "a bundle with the entry of another one", Refused("log-entry"), &[BUNDLE_ENTRY]),
    (
        77,
        "a bundle with another payload, type, certificate or kind",
        Refused("signature"),
        &["attack_changed_statements_and_other_subjects_do_not_count"],
    ),
    (78, "a bundle with two contents or two signers", Refused("malformed"), &[TWO_MEANINGS]),
    (79, "a field that is there twice", Refused("malformed"), &[FIELDS]),
    (80, "a field that nobody knows", Refused("malformed"), &[FIELDS]),
    (
        81,
        "no media type, or that of an older version",
        Refused("malformed"),
        &[
            "attack_media_types_that_are_missing_or_unknown_are_refused",
            "attack_a_bundle_before_0_3_does_not_count_in_a_registry",
        ],
    ),
    (
        82,
        "the same entry twice",
        Refused("malformed"),
        &["attack_log_entries_that_are_there_twice_or_without_proof_are_refused"],
    ),
    (83, "a chain where one certificate must be", Refused("malformed"), &[TWO_MEANINGS]),
    (84, "a forged entry behind a good one", Refused("checkpoint"), &[BUNDLE_ENTRY]),
    (
        85,
        "a timestamp that is empty, of something else, of an unknown authority or out of time",
        Refused("timestamp"),
        &[
            "attack_timestamps_in_a_bundle_must_each_be_of_its_signature_and_of_a_known_authority",
            "attack_timestamps_that_are_empty_garbage_or_too_long_do_not_count",
        ],
    ),
    (
        86,
        "an entry without a time and no timestamp",
        Refused("timestamp"),
        &["attack_entries_of_a_log_without_times_need_a_timestamp"],
    ),
    (
        87,
        "a key's bundle for an identity, and the other way round",
        Refused("certificate"),
        &["attack_a_key_does_not_stand_for_an_identity_nor_for_another_key"],
    ),
    (88, "bytes behind the bundle", Refused("malformed"), &[BUNDLE_KINDS]),
    (89, "a bundle with the oldest kind of entry", Refused("malformed"), &[BUNDLE_KINDS]),
    (
        90,
        "a blob of another digest or size, a link, a path, another hash",
        Unread("DigestMismatch"),
        &[
            "host/oci/src/store/tests/image_layout.rs::a_changed_byte_is_found_with_both_digests",
            "host/oci/src/store/tests/image_layout.rs::a_wrong_size_is_a_mismatch_in_either_direction",
            "host/oci/src/store/tests/image_layout.rs::symbolic_links_are_not_followed",
            "host/model/src/digest.rs::only_lower_case_sha256_is_a_digest",
        ],
    ),
    (
        91,
        "the signature of an index for an image of it, and the other way round",
        Refused("subject"),
        &["attack_a_signature_of_an_index_signs_none_of_its_images_nor_theirs_the_index"],
    ),
    (
        92,
        "a saved layout with two images",
        Invalid,
        &[
            "host/oci/src/store/tests/image_layout.rs::what_cosign_saved_is_found_by_digest_with_its_signatures_and_attestations",
        ],
    ),
    (
        93,
        "a referrer of another image",
        Refused("subject"),
        &["attack_a_referrer_that_is_listed_under_an_image_to_which_it_does_not_refer_does_not_count"],
    ),
    (
        94,
        "too many layers, too large ones, a body without end",
        Unread("TooLarge"),
        &[
            "attack_too_many_or_too_large_layers_are_an_error",
            "host/oci/src/store/tests/registry.rs::bodies_without_end_are_left_at_the_limit",
        ],
    ),
    (
        95,
        "a referrer with two layers, or with a layer of another kind",
        Refused("malformed"),
        &["attack_bundles_beside_another_layer_or_of_another_media_type_do_not_count"],
    ),
    (
        96,
        "a stranger's bundle beside good signatures under tags",
        Counts,
        &[
            "attack_a_strangers_bundle_does_not_keep_the_tags_from_being_read",
            "attack_a_strangers_bundle_neither_passes_nor_blocks",
        ],
    ),
    (
        97,
        "a list of referrers that fails: named, and an error if nothing else counts",
        Counts,
        &["attack_one_way_that_fails_does_not_lose_what_the_other_has_and_is_named"],
    ),
    (
        98,
        "an image that has provenance alone",
        Refused("predicate-type"),
        &[TYPES, "attack_provenance_alone_signs_no_image"],
    ),
    (
        99,
        "a key of a log given beside a trust root: it stands for the root's logs",
        Refused("log-entry"),
        &["attack_a_given_key_of_a_log_stands_for_the_logs_of_the_root"],
    ),
    (100, "a timestamp beside a signature under a tag", Counts, &[NO_LOG]),
    (
        101,
        "a tag that moves during a run",
        Counts,
        &[
            "attack_a_tag_that_moves_between_its_resolution_and_its_signatures_does_not_pass_another_image",
            "host/oci/src/store/tests/registry.rs::a_tag_that_moves_stays_where_it_was_first_seen",
        ],
    ),
    (102, "a root's metadata below its threshold", Invalid, &[METADATA_KEYS]),
    (
        103,
        "metadata of an older version than what is stored",
        Invalid,
        &["attack_metadata_behind_what_is_stored_is_refused"],
    ),
    (104, "metadata that has expired", Invalid, &["attack_metadata_that_expired_is_refused_with_its_date"]),
    (
        105,
        "targets of another length or digest",
        Invalid,
        &["attack_targets_and_metadata_of_another_length_or_digest_are_refused"],
    ),
    (106, "metadata of another root", Invalid, &[METADATA_KEYS]),
];

/// The text of every source file of this crate.
fn sources(folder: &Path, found: &mut String) {
    for entry in fs_err::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|kind| kind == "rs") {
            found.push_str(&fs_err::read_to_string(&path).unwrap());
        }
    }
}

/// The text of a test, from its name to the end of its function.
fn test<'a>(sources: &'a str, name: &str) -> Option<&'a str> {
    let (before, text) = sources.split_once(&format!("fn {name}() {{"))?;
    let indent = before.lines().last().unwrap_or_default().len();
    assert!(before.trim_end().ends_with("#[test]"), "{name} is no test");
    let end = text.find(&format!("\n{}}}\n", " ".repeat(indent))).unwrap_or(text.len());
    text.get(..end)
}

#[test]
fn attack_every_case_has_tests_that_name_its_code() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let mut own = String::new();
    sources(&root.join("src"), &mut own);
    for (at, (number, what, verdict, tests)) in CASES.iter().enumerate() {
        assert_eq!(usize::from(*number), at + 1, "the numbers are in a row");
        assert!(!what.is_empty() && !tests.is_empty(), "{number} has no test");
        let mut named = String::new();
        for name in *tests {
            let text = match name.split_once("::") {
                Some((file, name)) => {
                    let source = fs_err::read_to_string(root.join("../..").join(file)).unwrap();
                    test(&source, name).map(str::to_owned)
                }
                None => {
                    assert!(name.starts_with("attack_"), "{number}: {name}");
                    test(&own, name).map(str::to_owned)
                }
            };
            named.push_str(&text.unwrap_or_else(|| panic!("the case {number} has no test {name}")));
        }
        let code = match verdict {
            Refused(code) => format!("\"{code}\""),
            Unread(code) => format!("ErrorCode::{code}"),
            Counts | Invalid => continue,
        };
        assert!(named.contains(&code), "no test of the case {number} ({what}) has the code {code}");
    }
}
