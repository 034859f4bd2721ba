package sbom_test

cyclonedx := {
	"predicateType": "https://cyclonedx.org/bom",
	"predicate": {
		"bomFormat": "CycloneDX",
		"specVersion": "1.6",
		"components": [{
			"type": "library",
			"name": "left-pad",
			"version": "1.3.0",
			"purl": "pkg:npm/left-pad@1.3.0",
			"properties": [{"name": "build:source", "value": "mirror"}],
		}],
	},
}

spdx := {
	"predicateType": "https://spdx.dev/Document/v2.3",
	"predicate": {
		"spdxVersion": "SPDX-2.3",
		"packages": [{
			"name": "left-pad",
			"versionInfo": "1.3.0",
			"externalRefs": [
				{"referenceType": "cpe23Type", "referenceLocator": "cpe:2.3:a:left-pad"},
				{"referenceType": "purl", "referenceLocator": "pkg:npm/left-pad@1.3.0"},
			],
			"annotations": [
				{"comment": "seen by hand"},
				{"comment": `{"name":"build:source","value":"mirror"}`},
			],
		}],
	},
}

component := "predicate/components/0"

item := "predicate/packages/0"

test_a_complete_sbom_passes_in_both_formats if {
	every statements in [[cyclonedx], [spdx], [cyclonedx, spdx]] {
		shown(statements, {}) == set()
	}
}

test_a_document_that_is_attested_as_a_string_is_read if {
	every statement in [cyclonedx, spdx] {
		text := object.union(statement, {"predicate": json.marshal(statement.predicate)})
		shown([text], {"disallowed_packages": [{"purl": "pkg:npm/left-pad"}]}) == {"sbom.packages_allowed:pkg:npm/left-pad@1.3.0"}
	}
}

test_an_image_without_sbom_is_denied if {
	every statements in [[], [data.lib.sample_test.v0_2([])], [{"predicateType": "https://cyclonedx.org/bomb", "predicate": {}}]] {
		shown(statements, {}) == {"sbom.found:"}
	}
}

test_a_document_of_another_format_is_denied if {
	every predicate in [null, "text", [], {}, {"bomFormat": "SPDX"}, {"spdxVersion": "SPDX-3.0"}] {
		denied := shown([patched(statement, "replace", "predicate", predicate) | some statement in [cyclonedx, spdx]], {})
		{"sbom.readable:CycloneDX", "sbom.readable:SPDX"} - denied == set()
	}
	shown([patched(cyclonedx, "replace", "predicate/components", {})], {}) == {"sbom.readable:CycloneDX", "sbom.not_empty:CycloneDX"}
}

test_an_sbom_without_packages_is_denied if {
	every list in [[], [{"type": "file", "name": "a"}], [{"type": "operating-system", "name": "shop"}]] {
		shown([patched(cyclonedx, "replace", "predicate/components", list)], {}) == {"sbom.not_empty:CycloneDX"}
	}
	every list in [[], [{"name": "image", "primaryPackagePurpose": "CONTAINER"}]] {
		shown([patched(spdx, "replace", "predicate/packages", list)], {}) == {"sbom.not_empty:SPDX"}
	}
	shown([patched(cyclonedx, "remove", "predicate/components", null)], {}) == {"sbom.not_empty:CycloneDX"}
}

test_a_package_without_purl_is_denied if {
	want := {"sbom.purls_given:left-pad@1.3.0"}
	shown([patched(cyclonedx, "remove", sprintf("%s/purl", [component]), null)], {}) == want
	shown([patched(spdx, "remove", sprintf("%s/externalRefs", [item]), null)], {}) == want
	shown([patched(spdx, "remove", sprintf("%s/externalRefs/1", [item]), null)], {}) == want
	shown([patched(cyclonedx, "replace", component, {})], {}) == {"sbom.purls_given:@", "sbom.versions_given:@"}
}

test_a_package_without_version_is_denied if {
	want := {"sbom.versions_given:pkg:npm/left-pad@1.3.0"}
	every version in ["", null, 1] {
		shown([patched(cyclonedx, "replace", sprintf("%s/version", [component]), version)], {}) == want
	}
	shown([patched(spdx, "replace", sprintf("%s/versionInfo", [item]), "NOASSERTION")], {}) == want
}

test_nested_components_are_evaluated if {
	inner := {"name": "inner", "version": "2.0.0", "components": [{"name": "innermost", "version": "1"}]}
	document := patched(cyclonedx, "add", sprintf("%s/components", [component]), [inner])
	shown([document], {}) == {"sbom.purls_given:inner@2.0.0", "sbom.purls_given:innermost@1"}
}

test_a_disallowed_package_is_denied_by_its_version if {
	want := {"sbom.packages_allowed:pkg:npm/left-pad@1.3.0"}
	every range in [{}, {"min": "1.0.0"}, {"max": "1.3.0"}, {"min": "1.3.0", "max": "1.3.0"}, {"min": "v1.2.9"}, {"min": "new"}] {
		every statement in [cyclonedx, spdx] {
			shown([statement], {"disallowed_packages": [object.union({"purl": "pkg:npm/left-pad"}, range)]}) == want
		}
	}
	every range in [{"min": "1.3.1"}, {"max": "1.2.9"}, {"min": "1.0.0", "max": "1.2.9"}] {
		shown([cyclonedx], {"disallowed_packages": [object.union({"purl": "pkg:npm/left-pad"}, range)]}) == set()
	}
	shown([cyclonedx], {"disallowed_packages": [{"purl": "pkg:npm/left"}, {}]}) == set()
}

test_a_version_that_cannot_be_compared_is_disallowed if {
	unparsable := patched(cyclonedx, "replace", sprintf("%s/version", [component]), "final")
	shown([unparsable], {"disallowed_packages": [{"purl": "pkg:npm/left-pad", "max": "1.0.0"}]}) == {"sbom.packages_allowed:pkg:npm/left-pad@1.3.0"}
}

test_qualifiers_and_scopes_do_not_hide_a_package if {
	every purl in ["pkg:npm/@a/b@1.0.0?x=y", "pkg:npm/@a/b@1.0.0#c", "pkg:npm/@a/b"] {
		document := patched(cyclonedx, "replace", sprintf("%s/purl", [component]), purl)
		shown([document], {"disallowed_packages": [{"purl": "pkg:npm/@a/b"}]}) == {sprintf("sbom.packages_allowed:%s", [purl])}
	}
}

test_a_disallowed_attribute_is_denied if {
	want := {"sbom.attributes_allowed:build:source"}
	every entry in [{"name": "build:source"}, {"name": "build:source", "value": "mirror"}] {
		every statement in [cyclonedx, spdx] {
			shown([statement], {"disallowed_attributes": [entry]}) == want
		}
	}
	every entry in [{"name": "build"}, {"name": "build:source", "value": "origin"}, {}] {
		shown([cyclonedx], {"disallowed_attributes": [entry]}) == set()
	}
}

test_an_entry_can_have_a_reason_and_an_effective_date if {
	settings := {"disallowed_packages": [{"purl": "pkg:npm/left-pad", "reason": "gone", "effective_on": "2030-01-01T00:00:00Z"}]}
	denied := data.sbom.deny with input as data.lib.sample_test.input_of([cyclonedx]) with data.rule_data as settings
	denied == {{
		"code": "sbom.packages_allowed",
		"effective_on": "2030-01-01T00:00:00Z",
		"msg": "The package `pkg:npm/left-pad@1.3.0` is disallowed: gone",
		"term": "pkg:npm/left-pad@1.3.0",
	}}
}

patched(statement, op, path, value) := json.patch(statement, [{"op": op, "path": path, "value": value}]) if {
	op != "remove"
} else := json.patch(statement, [{"op": op, "path": path}])

shown(statements, settings) := result if {
	result := data.lib.sample_test.shown(data.sbom.deny) with input as data.lib.sample_test.input_of(statements)
		with data.rule_data as settings
}
