# METADATA
# title: Software bill of materials
# description: >-
#   The image must have a signed SBOM, in CycloneDX or SPDX 2, that lists each package with its version and its package URL,
#   and no disallowed package.
# custom:
#   rule_data:
#     disallowed_packages: >-
#       Packages that an image must not contain: objects with `purl` (without version) and optionally `min` and `max`, the
#       first and the last disallowed version (semantic versions), `reason` and `effective_on`. A version that cannot be
#       compared is also disallowed. Absent: none.
#     disallowed_attributes: >-
#       Properties of CycloneDX components, or annotations of SPDX packages, that a package must not have: objects with
#       `name` and optionally `value`, `reason` and `effective_on`. Absent: none.
package sbom

# METADATA
# title: Image must have an SBOM
# description: At least one verified attestation must be an SBOM in CycloneDX or SPDX format.
# custom:
#   short_name: found
#   failure_msg: >-
#     No verified attestation is an SBOM in CycloneDX or SPDX format
#   solution: >-
#     Generate an SBOM in the build and attest it: `cosign attest --type cyclonedx --predicate sbom.json IMAGE`.
#   collections:
#   - release
deny contains result if {
	count(sboms) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: SBOM must match its predicate type
# description: Each SBOM must be a CycloneDX or SPDX 2 document, as the predicate type of its attestation states.
# custom:
#   short_name: readable
#   failure_msg: >-
#     The predicate of an attestation of type %s is not a document of that type
#   solution: >-
#     Attest the document as JSON, with the predicate type of its format.
#   collections:
#   - release
deny contains result if {
	some sbom in sboms
	not data.lib.sbom.is_readable(sbom)
	result := data.lib.result.with_term(sbom.format, rego.metadata.chain(), [sbom.format])
}

# METADATA
# title: SBOM must list packages
# description: Each SBOM must list at least one package.
# custom:
#   short_name: not_empty
#   failure_msg: >-
#     The %s SBOM lists no package
#   solution: >-
#     Make sure that the SBOM tool scans the image that was built and supports its package managers. Exclude this rule for an
#     image that contains no packages.
#   collections:
#   - release
#   depends_on:
#   - sbom.readable
deny contains result if {
	some sbom in sboms
	count(data.lib.sbom.packages(sbom)) == 0
	result := data.lib.result.with_term(sbom.format, rego.metadata.chain(), [sbom.format])
}

# METADATA
# title: Packages must have a package URL
# description: Each package of each SBOM must have a package URL, which identifies it for advisories and rules.
# custom:
#   short_name: purls_given
#   failure_msg: >-
#     The SBOM contains no package URL for the package `%s`
#   solution: >-
#     Use an SBOM tool that records package URLs for this type of package.
#   collections:
#   - release
deny contains result if {
	some package_ in packages
	not startswith(package_.purl, "pkg:")
	label := data.lib.sbom.label(package_)
	result := data.lib.result.with_term(label, rego.metadata.chain(), [label])
}

# METADATA
# title: Packages must have a version
# description: Each package of each SBOM must have a version.
# custom:
#   short_name: versions_given
#   failure_msg: >-
#     The SBOM contains no version for the package `%s`
#   solution: >-
#     Use an SBOM tool that records versions for this type of package, and assign a version to modules built from source.
#   collections:
#   - release
deny contains result if {
	some package_ in packages
	package_.version == ""
	label := data.lib.sbom.label(package_)
	result := data.lib.result.with_term(label, rego.metadata.chain(), [label])
}

# METADATA
# title: Packages must not be disallowed
# description: No package of an SBOM may be in the list `disallowed_packages` of the rule data.
# custom:
#   short_name: packages_allowed
#   failure_msg: >-
#     The package `%s` is disallowed%s
#   solution: >-
#     Update the package to a version that is not disallowed, or remove it.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some entry in data.lib.rule_data.list("disallowed_packages")
	some package_ in packages
	data.lib.sbom.base_purl(package_.purl) == entry.purl
	is_in_range(package_.version, entry)
	label := data.lib.sbom.label(package_)
	result := data.lib.result.with_effective_date(entry, label, rego.metadata.chain(), [label, reason_text(entry)])
}

# METADATA
# title: Packages must not have disallowed attributes
# description: >-
#   No package of an SBOM may have an attribute of the list `disallowed_attributes` of the rule data: a property of a
#   CycloneDX component, or an annotation of an SPDX package whose comment is JSON with `name` and `value`.
# custom:
#   short_name: attributes_allowed
#   failure_msg: >-
#     The package `%s` has the disallowed attribute `%s`%s
#   solution: >-
#     Change the build so that the package is added without this attribute.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some entry in data.lib.rule_data.list("disallowed_attributes")
	some package_ in packages
	some attribute in package_.attributes
	attribute.name == entry.name
	has_value(attribute, entry)
	label := data.lib.sbom.label(package_)
	result := data.lib.result.with_effective_date(entry, entry.name, rego.metadata.chain(), [label, entry.name, reason_text(entry)])
}

sboms := data.lib.sbom.sboms

packages contains package_ if {
	some sbom in sboms
	some package_ in data.lib.sbom.packages(sbom)
}

# Whether the entry disallows the version.
is_in_range(version, entry) if {
	not is_below(version, entry)
	not is_above(version, entry)
}

is_below(version, entry) if compared(version, entry.min) < 0

is_above(version, entry) if compared(version, entry.max) > 0

# Undefined for versions that are not semantic versions. Go versions begin with `v`.
compared(version, other) := semver.compare(plain, other_plain) if {
	plain := trim_prefix(version, "v")
	other_plain := trim_prefix(other, "v")
	semver.is_valid(plain)
	semver.is_valid(other_plain)
}

has_value(_, entry) if not "value" in object.keys(entry)

has_value(attribute, entry) if attribute.value == entry.value

reason_text(entry) := sprintf(": %s", [entry.reason]) if {
	is_string(entry.reason)
} else := ""
