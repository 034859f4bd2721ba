# METADATA
# title: Signature and provenance
# description: >-
#   An image ships only when it is signed and when signed SLSA provenance tells from which commit it was built.
package provenance

# METADATA
# title: Image is signed
# description: The image has at least one verified signature.
# custom:
#   short_name: image_signed
#   failure_msg: >-
#     The image has no verified signature
#   solution: >-
#     Sign the image with the key that the policy names, after it is pushed and by its digest.
#   collections:
#   - minimal
#   - release
deny contains result if {
	count(signatures) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Provenance is present
# description: At least one verified attestation is SLSA provenance, v0.2 or v1.
# custom:
#   short_name: present
#   failure_msg: >-
#     No verified attestation is SLSA provenance (found %s)
#   solution: >-
#     Build the image in a pipeline that Tekton Chains observes, and let Chains store its attestations beside the image.
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
# title: Provenance is about this image
# description: The subjects of each provenance hold the digest of the image.
# custom:
#   short_name: subject_matches
#   failure_msg: >-
#     No subject of the provenance has the digest of %s
#   solution: >-
#     Attach provenance only to the image it was made for; do not copy attestations between images.
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
# title: Commit is recorded
# description: The provenance names a git commit among the materials of the build.
# custom:
#   short_name: commit_recorded
#   failure_msg: >-
#     The provenance names no git commit that the image was built from
#   solution: >-
#     Let the pipeline fetch its source with a task that emits the results `CHAINS-GIT_URL` and `CHAINS-GIT_COMMIT`.
#   collections:
#   - release
#   depends_on:
#   - provenance.present
deny contains result if {
	count(data.lib.slsa.commits) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Commit is the one of the Snapshot
# description: >-
#   Where the Snapshot says from which repository and commit a component was built, the provenance says the same.
# custom:
#   short_name: source_matches
#   failure_msg: >-
#     The Snapshot says the image was built from %s, which is not in its provenance
#   solution: >-
#     Make the Snapshot from the results of the build whose image it names. If the repository has moved, state its
#     address as the build fetched it.
#   collections:
#   - release
#   depends_on:
#   - provenance.commit_recorded
#   effective_on: 2026-01-01T00:00:00Z
deny contains result if {
	wanted != {}
	not wanted_is_recorded
	result := data.lib.result.about(wanted_text, rego.metadata.chain(), [wanted_text])
}

default signatures := []

signatures := input.image.signatures if is_array(input.image.signatures)

default image_hex := ""

image_hex := trim_prefix(split(input.image.ref, "@")[1], "sha256:")

# What the Snapshot says about the component's source: `url` and `commit`, where it is stated.
wanted[field] := value if {
	some field, value in {
		"url": data.lib.slsa.normal_url(object.get(input.image, ["source", "git", "url"], "")),
		"commit": object.get(input.image, ["source", "git", "revision"], ""),
	}
	value != ""
}

wanted_is_recorded if {
	some recorded in data.lib.slsa.commits
	every field, value in wanted {
		recorded[field] == value
	}
}

wanted_text := concat("@", [text | some field in ["url", "commit"]; text := wanted[field]])

listed(types) := "none" if {
	count(types) == 0
} else := concat(", ", types)
