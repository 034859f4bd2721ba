# METADATA
# title: Software bill of materials
# description: >-
#   An image ships only when a signed SBOM, in CycloneDX or SPDX 2, tells what is in it: each package with its version and
#   its package URL, and none that is disallowed.
# custom:
#   rule_data:
#     disallowed_packages: >-
#       Packages that no image may hold: objects with `purl` (without version), and perhaps `min` and `max`, the first and
#       the last disallowed version (semantic versions), `reason` and `effective_on`. A version that cannot be compared is
#       disallowed, too. Absent: none.
#     disallowed_attributes: >-
#       Properties of CycloneDX components, or annotations of SPDX packages, that no package may have: objects with
#       `name`, and perhaps `value`, `reason` and `effective_on`. Absent: none.
package sbom

# METADATA
# title: SBOM is present
# description: At least one verified attestation is an SBOM, CycloneDX or SPDX.
# custom:
#   short_name: found
#   failure_msg: >-
#     No verified attestation is an SBOM in CycloneDX or SPDX
#   solution: >-
#     Let the build write an SBOM and attest it: `cosign attest --type cyclonedx --predicate sbom.json IMAGE`.
#   collections:
#   - release
deny contains result if {
	count(sboms) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: SBOM is understood
# description: Each SBOM is a CycloneDX or an SPDX 2 document, as the type of its attestation says.
# custom:
#   short_name: readable
#   failure_msg: >-
#     An attestation says that it is %s, but its predicate is not
#   solution: >-
#     Attest the document as JSON, with the predicate type that fits it.
#   collections:
#   - release
deny contains result if {
	some sbom in sboms
	not data.lib.sbom.is_readable(sbom)
	result := data.lib.result.about(sbom.format, rego.metadata.chain(), [sbom.format])
}

# METADATA
# title: SBOM is not empty
# description: Each SBOM lists at least one package.
# custom:
#   short_name: not_empty
#   failure_msg: >-
#     The %s SBOM lists no package
#   solution: >-
#     See that the tool that writes the SBOM is given the image that was built, and knows its package managers. An image
#     that holds no packages at all is one to exclude from this rule.
#   collections:
#   - release
#   depends_on:
#   - sbom.readable
deny contains result if {
	some sbom in sboms
	count(data.lib.sbom.packages(sbom)) == 0
	result := data.lib.result.about(sbom.format, rego.metadata.chain(), [sbom.format])
}

# METADATA
# title: Packages have a package URL
# description: Each package of each SBOM has a package URL, by which advisories and rules know it.
# custom:
#   short_name: purls_given
#   failure_msg: >-
#     The SBOM gives no package URL of the package `%s`
#   solution: >-
#     Use a tool that writes package URLs for this kind of package.
#   collections:
#   - release
deny contains result if {
	some package_ in packages
	not startswith(package_.purl, "pkg:")
	label := data.lib.sbom.label(package_)
	result := data.lib.result.about(label, rego.metadata.chain(), [label])
}

# METADATA
# title: Packages have a version
# description: Each package of each SBOM has a version.
# custom:
#   short_name: versions_given
#   failure_msg: >-
#     The SBOM gives no version of the package `%s`
#   solution: >-
#     Use a tool that writes versions for this kind of package; give modules that are built from source a version.
#   collections:
#   - release
deny contains result if {
	some package_ in packages
	package_.version == ""
	label := data.lib.sbom.label(package_)
	result := data.lib.result.about(label, rego.metadata.chain(), [label])
}

# METADATA
# title: No disallowed packages
# description: No package of an SBOM is in the list `disallowed_packages` of the rule data.
# custom:
#   short_name: packages_allowed
#   failure_msg: >-
#     The package `%s` is disallowed%s
#   solution: >-
#     Update the package to a version that is not disallowed, or do without it.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some entry in data.lib.rule_data.list("disallowed_packages")
	some package_ in packages
	data.lib.sbom.base_purl(package_.purl) == entry.purl
	is_in_range(package_.version, entry)
	label := data.lib.sbom.label(package_)
	result := data.lib.result.since(entry, label, rego.metadata.chain(), [label, reason(entry)])
}

# METADATA
# title: No disallowed attributes
# description: >-
#   No package of an SBOM has an attribute of the list `disallowed_attributes` of the rule data: a property of a CycloneDX
#   component, or an annotation of an SPDX package whose comment is JSON with `name` and `value`.
# custom:
#   short_name: attributes_allowed
#   failure_msg: >-
#     The package `%s` has the disallowed attribute `%s`%s
#   solution: >-
#     Change the build so that the package comes in without that attribute.
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
	result := data.lib.result.since(entry, entry.name, rego.metadata.chain(), [label, entry.name, reason(entry)])
}

sboms := data.lib.sbom.sboms

packages contains package_ if {
	some sbom in sboms
	some package_ in data.lib.sbom.packages(sbom)
}

# Whether a version is one of those that the entry disallows.
is_in_range(version, entry) if {
	not is_below(version, entry)
	not is_above(version, entry)
}

is_below(version, entry) if compared(version, entry.min) < 0

is_above(version, entry) if compared(version, entry.max) > 0

# Undefined for versions that are not semantic ones. Go writes a `v` in front of its versions.
compared(version, other) := semver.compare(plain, other_plain) if {
	plain := trim_prefix(version, "v")
	other_plain := trim_prefix(other, "v")
	semver.is_valid(plain)
	semver.is_valid(other_plain)
}

has_value(_, entry) if not "value" in object.keys(entry)

has_value(attribute, entry) if attribute.value == entry.value

reason(entry) := sprintf(": %s", [entry.reason]) if {
	is_string(entry.reason)
} else := ""
