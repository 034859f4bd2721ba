# METADATA
# title: Signature and provenance
# description: >-
#   The image must be signed, and signed SLSA provenance must record the commit that it was built from.
package provenance

# METADATA
# title: Image must be signed
# description: The image must have at least one verified signature.
# custom:
#   short_name: image_signed
#   failure_msg: >-
#     The image has no verified signature
#   solution: >-
#     Sign the image by digest with the key that the policy names, after pushing it.
#   collections:
#   - minimal
#   - release
deny contains result if {
	count(signatures) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Image must have SLSA provenance
# description: At least one verified attestation must be SLSA provenance, v0.2 or v1.
# custom:
#   short_name: present
#   failure_msg: >-
#     No verified attestation is SLSA provenance (found %s)
#   solution: >-
#     Build the image in a pipeline that Tekton Chains observes, and configure Chains to store attestations in the registry.
#   collections:
#   - minimal
#   - release
deny contains result if {
	count(data.lib.slsa.provenances) == 0
	types := sort({type |
		some attestation in data.lib.slsa.attestations
		type := attestation.statement.predicateType
	})
	result := data.lib.result.of(rego.metadata.chain(), [listed(types)])
}

# METADATA
# title: Provenance subject must match the image
# description: The subjects of each provenance must contain the digest of the image.
# custom:
#   short_name: subject_matches
#   failure_msg: >-
#     No subject of the provenance has the digest of %s
#   solution: >-
#     Attach provenance only to the image that it describes; do not copy attestations between images.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some statement in data.lib.slsa.provenances
	digests := {subject.digest.sha256 | some subject in statement.subject}
	not image_hex in digests
	result := data.lib.result.of(rego.metadata.chain(), [input.image.ref])
}

# METADATA
# title: Provenance must record the source commit
# description: The provenance must contain a git commit among the materials of the build.
# custom:
#   short_name: commit_recorded
#   failure_msg: >-
#     The provenance contains no git commit that the image was built from
#   solution: >-
#     Fetch the source in the pipeline with a task that emits the results `CHAINS-GIT_URL` and `CHAINS-GIT_COMMIT`.
#   collections:
#   - release
#   depends_on:
#   - provenance.present
deny contains result if {
	count(data.lib.slsa.commits) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Source commit must match the Snapshot
# description: >-
#   If the Snapshot states the source repository and commit of a component, the provenance must contain the same ones.
# custom:
#   short_name: source_matches
#   failure_msg: >-
#     The Snapshot states the source %s, which is not in the provenance
#   solution: >-
#     Create the Snapshot from the results of the build that produced the image. If the repository has moved, state the URL
#     that the build fetched.
#   collections:
#   - release
#   depends_on:
#   - provenance.commit_recorded
#   effective_on: 2026-01-01T00:00:00Z
deny contains result if {
	stated_source != {}
	not stated_source_is_recorded
	result := data.lib.result.with_term(stated_source_text, rego.metadata.chain(), [stated_source_text])
}

default signatures := []

signatures := input.image.signatures if is_array(input.image.signatures)

default image_hex := ""

image_hex := trim_prefix(split(input.image.ref, "@")[1], "sha256:")

# The source of the component as stated in the Snapshot: `url` and `commit`, if present.
stated_source[field] := value if {
	some field, value in {
		"url": data.lib.slsa.normalized_url(object.get(input.image, ["source", "git", "url"], "")),
		"commit": object.get(input.image, ["source", "git", "revision"], ""),
	}
	value != ""
}

stated_source_is_recorded if {
	some recorded in data.lib.slsa.commits
	every field, value in stated_source {
		recorded[field] == value
	}
}

stated_source_text := concat("@", [text | some field in ["url", "commit"]; text := stated_source[field]])

listed(types) := "none" if {
	count(types) == 0
} else := concat(", ", types)
