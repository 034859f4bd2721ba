# METADATA
# title: Software bills of materials
# description: >-
#   Reads the common parts of SBOMs in CycloneDX and SPDX 2, so that rules do not depend on the format. The input contains
#   verified attestations only.
package lib.sbom

# The SBOMs: `format` is `CycloneDX` or `SPDX`, `document` is the predicate.
sboms := [sbom |
	some attestation in data.lib.slsa.attestations
	sbom := {
		"format": format(attestation.statement.predicateType),
		"document": document(object.get(attestation.statement, "predicate", null)),
	}
]

# A predicate type can end in a version: `https://spdx.dev/Document/v2.3`.
format(type) := "CycloneDX" if {
	regex.match(`^https://cyclonedx\.org/bom(/|$)`, type)
} else := "SPDX" if {
	regex.match(`^https://spdx\.dev/Document(/|$)`, type)
}

# Some tools attest the document as a string.
document(predicate) := json.unmarshal(predicate) if {
	is_string(predicate)
	json.is_valid(predicate)
} else := predicate

# Whether the document has the format that its predicate type states.
is_readable(sbom) if {
	sbom.format == "CycloneDX"
	sbom.document.bomFormat == "CycloneDX"
	is_array(object.get(sbom.document, "components", []))
}

is_readable(sbom) if {
	sbom.format == "SPDX"
	startswith(sbom.document.spdxVersion, "SPDX-2.")
	is_array(object.get(sbom.document, "packages", []))
}

# The packages of an SBOM: `name`, `version` and `purl`, each empty if absent, and `attributes` with `name` and `value`.
# Entries that are not packages, such as files or the image itself, are excluded.
packages(sbom) := [package_of(component) | some component in components(sbom.document); is_package(component)] if {
	sbom.format == "CycloneDX"
} else := [package_of(item) | some item in sbom.document.packages; is_package(item)] if {
	sbom.format == "SPDX"
} else := []

# All components, including nested ones.
components(document) := array.concat(document.components, inner) if {
	inner := [component |
		some outer in document.components
		is_array(outer.components)
		walk({"components": outer.components}, [path, component])
		path[count(path) - 2] == "components"
	]
} else := []

# What CycloneDX (`type`) and SPDX (`primaryPackagePurpose`) call the things that no package manager brought in.
is_package(item) if {
	not object.get(item, "type", "") in {"container", "file", "operating-system", "device", "data"}
	not object.get(item, "primaryPackagePurpose", "") in {"CONTAINER", "FILE", "OPERATING-SYSTEM", "DEVICE", "SOURCE"}
}

package_of(item) := {
	"name": first_text([text | text := item.name]),
	"version": first_text([text | some key in ["version", "versionInfo"]; text := item[key]]),
	"purl": first_text(array.concat(
		[text | text := item.purl],
		[reference.referenceLocator | some reference in item.externalRefs; reference.referenceType == "purl"],
	)),
	"attributes": array.concat(
		[property | some property in item.properties; is_string(property.name)],
		[attribute |
			some annotation in item.annotations
			json.is_valid(annotation.comment)
			attribute := json.unmarshal(annotation.comment)
			is_string(attribute.name)
		],
	),
}

first_text(values) := text if {
	texts := [value | some value in values; is_string(value); not value in {"", "NOASSERTION"}]
	text := texts[0]
} else := ""

# The name of a package for messages.
label(package_) := package_.purl if {
	package_.purl != ""
} else := sprintf("%s@%s", [package_.name, package_.version])

# A package URL without version, qualifiers and subpath.
base_purl(purl) := regex.replace(regex.replace(purl, `[?#].*$`, ""), `@[^@/]*$`, "")
