package vet_test

good := {
	"plugin": {"name": "jenkins", "version": "1.1.0", "license": "Apache-2.0"},
	"component": {"size": 1000},
	"permissions": [
		{"kind": "http", "name": "ci.example.com", "options": {"methods": "GET,POST"}, "reason": "starts jobs"},
		{"kind": "secret", "name": "jenkins", "options": {}, "reason": "logs in"},
		{"kind": "checkpoint", "name": "", "options": {}, "reason": "keeps the job"},
	],
	"signers": [{"trust": "acme"}],
	"attestations": [{"predicate_type": "https://slsa.dev/provenance/v1"}],
	"sbom": {"packages": [{"name": "left-pad", "license": "WTFPL"}]},
	"grants": {"http": [{"host": "ci.example.com", "methods": ["get", "POST"]}], "secrets": {"jenkins": {"host": "ci.example.com"}}},
	"previous": null,
	"describe": {"stable": true},
}

denied(document, settings) := {result.code | some result in found} if {
	found := data.vet.deny with input as document with data.rule_data as settings
}

warned(document, settings) := {result.code | some result in found} if {
	found := data.vet.warn with input as document with data.rule_data as settings
}

with_field(name, value) := object.union(object.remove(good, [name]), {name: value})

test_a_good_plugin_is_accepted if {
	denied(good, {}) == set()
	warned(good, {}) == set()
}

test_a_signer_is_needed if {
	denied(with_field("signers", []), {}) == {"vet.signed"}
}

test_hosts_methods_and_secrets_must_be_granted if {
	denied(with_field("grants", null), {}) == {"vet.granted"}
	fewer := {"http": [{"host": "ci.example.com", "methods": ["GET"]}], "secrets": {"jenkins": {}}}
	denied(with_field("grants", fewer), {}) == {"vet.granted"}
	stats := {"kind": "http", "name": "stats.example.com", "options": {}, "reason": "usage statistics"}
	found := data.vet.deny with input as with_field("permissions", [stats])
	{[result.code, result.term] | some result in found} == {["vet.granted", "stats.example.com"]}
	param := {"kind": "http", "name": "{url}", "options": {"methods": "POST"}, "reason": "the user's server"}
	denied(with_field("permissions", [param]), {}) == set()
}

test_what_is_new_is_a_warning if {
	before := {"version": "1.0.0", "permissions": [good.permissions[1]], "imports": []}
	found := data.vet.warn with input as with_field("previous", before)
	{result.term | some result in found} == {"ci.example.com", ""}
	same := {"version": "1.0.0", "permissions": good.permissions, "imports": []}
	warned(with_field("previous", same), {}) == set()
}

test_a_description_that_changes_is_denied if {
	denied(with_field("describe", {"stable": false}), {}) == {"vet.stable"}
}

test_size_and_licenses_follow_the_rule_data if {
	denied(good, {"max_component_bytes": 999}) == {"vet.size"}
	found := data.vet.deny with input as good with data.rule_data as {"allowed_licenses": ["Apache-2.0"]}
	{[result.code, result.term] | some result in found} == {["vet.license", "left-pad"]}
	denied(good, {"allowed_licenses": ["Apache-2.0", "WTFPL"]}) == set()
}

test_provenance_and_an_sbom_are_required_where_the_rule_data_says_so if {
	bare := object.union(with_field("attestations", []), {"sbom": null})
	denied(bare, {}) == set()
	warned(bare, {}) == {"vet.provenance", "vet.sbom"}
	denied(bare, {"require_provenance": true, "require_sbom": true}) == {"vet.provenance_required", "vet.sbom_required"}
	warned(bare, {"require_provenance": true, "require_sbom": true}) == set()
}
