package provenance_test

test_a_signed_image_with_provenance_of_either_version_passes if {
	every document in [data.lib.sample_test.good_v0_2, data.lib.sample_test.good_v1] {
		shown(document) == set()
	}
}

test_an_unsigned_image_is_denied if {
	good := data.lib.sample_test.good_v0_2
	unsigned := {"provenance.image_signed:"}
	shown(json.patch(good, [{"op": "remove", "path": "image/signatures"}])) == unsigned
	shown(json.patch(good, [{"op": "replace", "path": "image/signatures", "value": []}])) == unsigned
	shown(json.patch(good, [{"op": "replace", "path": "image/signatures", "value": null}])) == unsigned
}

test_an_image_without_attestations_has_no_provenance if {
	good := data.lib.sample_test.good_v0_2
	absent := {
		"provenance.present:",
		"provenance.commit_recorded:",
		"provenance.source_matches:https://git.example/shop/cart@3333333333333333333333333333333333333333",
	}
	shown(json.patch(good, [{"op": "remove", "path": "attestations"}])) == absent
	shown(json.patch(good, [{"op": "replace", "path": "attestations", "value": null}])) == absent
	shown(json.patch(good, [{"op": "replace", "path": "attestations", "value": []}])) == absent
}

test_another_predicate_type_is_not_provenance_and_is_named if {
	sbom := {"predicateType": "https://cyclonedx.org/bom", "subject": data.lib.sample_test.subjects}
	messages := {result.msg |
		some result in data.provenance.deny with input as data.lib.sample_test.input_of([sbom])
		result.code == "provenance.present"
	}
	messages == {"No verified attestation is SLSA provenance (found https://cyclonedx.org/bom)"}
}

test_provenance_of_another_image_is_denied if {
	good := data.lib.sample_test.good_v0_2
	path := "attestations/0/statement/subject/0/digest/sha256"
	other := "9999999999999999999999999999999999999999999999999999999999999999"
	shown(json.patch(good, [{"op": "replace", "path": path, "value": other}])) == {"provenance.subject_matches:"}
	shown(json.patch(good, [{"op": "replace", "path": "attestations/0/statement/subject", "value": []}])) == {"provenance.subject_matches:"}
}

test_one_of_two_provenances_of_another_image_is_denied if {
	strange := object.union(data.lib.sample_test.v0_2([]), {"subject": [{"digest": {"sha256": "99"}}]})
	document := data.lib.sample_test.input_of([data.lib.sample_test.v0_2([]), strange])
	shown(document) == {"provenance.subject_matches:"}
}

test_provenance_without_commit_is_denied if {
	good := data.lib.sample_test.good_v0_2
	path := "attestations/0/statement/predicate/materials"
	missing := {
		"provenance.commit_recorded:",
		"provenance.source_matches:https://git.example/shop/cart@3333333333333333333333333333333333333333",
	}
	every materials in [
		[],
		[{"uri": "git+https://git.example/shop/cart.git", "digest": {"sha1": "main"}}],
		[{"uri": "https://git.example/shop/cart.git", "digest": {"sha1": data.lib.sample_test.commit}}],
	] {
		shown(json.patch(good, [{"op": "replace", "path": path, "value": materials}])) == missing
	}
}

test_the_definition_of_a_task_is_not_the_source if {
	task := {"name": "pipelineTask", "uri": "git+https://git.example/shop/cart.git", "digest": {"sha1": data.lib.sample_test.commit}}
	statement := json.patch(
		data.lib.sample_test.v1([]),
		[{"op": "replace", "path": "predicate/buildDefinition/resolvedDependencies", "value": [task]}],
	)
	"provenance.commit_recorded:" in shown(data.lib.sample_test.input_of([statement]))
}

test_a_source_that_differs_from_the_snapshot_is_denied if {
	good := data.lib.sample_test.good_v0_2
	other := "5555555555555555555555555555555555555555"
	shown(json.patch(good, [{"op": "replace", "path": "image/source/git/revision", "value": other}])) == {"provenance.source_matches:https://git.example/shop/cart@5555555555555555555555555555555555555555"}
	shown(json.patch(good, [{"op": "replace", "path": "image/source/git/url", "value": "https://git.example/fork"}])) == {"provenance.source_matches:https://git.example/fork@3333333333333333333333333333333333333333"}
}

test_only_what_the_snapshot_states_is_compared if {
	good := data.lib.sample_test.good_v0_2
	every source in [
		{},
		{"git": {}},
		{"git": {"url": "https://git.example/shop/cart.git"}},
		{"git": {"revision": data.lib.sample_test.commit}},
	] {
		shown(json.patch(good, [{"op": "replace", "path": "image/source", "value": source}])) == set()
	}
}

shown(document) := result if {
	result := data.lib.sample_test.shown(data.provenance.deny) with input as document
}
