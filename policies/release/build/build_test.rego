package build_test

good := data.lib.sample_test.good_v0_2

rule_data := data.lib.sample_test.rule_data

trusted := data.lib.sample_test.trusted_tasks

build_key := "oci://registry.example/tasks/build:0.2"

test_a_build_of_trusted_tasks_passes_in_both_provenance_versions if {
	every document in [good, data.lib.sample_test.good_v1] {
		denied(document, rule_data, trusted) == set()
		warned(document, rule_data, trusted) == set()
	}
}

test_another_builder_is_denied if {
	other := json.patch(good, [{"op": "replace", "path": "attestations/0/statement/predicate/builder/id", "value": "https://evil.example"}])
	denied(other, rule_data, trusted) == {"build.builder_allowed:https://evil.example"}
	path := "attestations/0/statement/predicate/runDetails/builder/id"
	other_v1 := json.patch(data.lib.sample_test.good_v1, [{"op": "replace", "path": path, "value": "https://evil.example"}])
	denied(other_v1, rule_data, trusted) == {"build.builder_allowed:https://evil.example"}
}

test_a_provenance_without_builder_is_denied if {
	none := json.patch(good, [{"op": "remove", "path": "attestations/0/statement/predicate/builder"}])
	denied(none, rule_data, trusted) == {"build.builder_allowed:"}
}

test_a_second_provenance_of_another_builder_is_denied if {
	second := object.union(data.lib.sample_test.v0_2([]), {"predicate": {"builder": {"id": "https://evil.example"}}})
	document := data.lib.sample_test.input_of([data.lib.sample_test.v0_2([data.lib.sample_test.build_task]), second])
	denied(document, rule_data, trusted) == {"build.builder_allowed:https://evil.example"}
}

test_without_rule_data_nothing_is_allowed if {
	expected := {
		"build.builder_allowed:https://tekton.example/chains/v2",
		"build.build_type_allowed:tekton.dev/v1beta1/PipelineRun",
	}
	denied(good, {}, trusted) == expected
	denied(good, {"allowed_builder_ids": "https://tekton.example/chains/v2", "allowed_build_types": null}, trusted) == expected
}

test_rule_data_of_the_configuration_takes_precedence_over_data_sources if {
	denied(good, rule_data, trusted) == set() with data.rule_data__configuration__ as {"other": []}
	configured := denied(good, rule_data, trusted) with data.rule_data__configuration__ as {"allowed_builder_ids": ["x"]}
	configured == {"build.builder_allowed:https://tekton.example/chains/v2"}
}

test_another_build_type_is_denied if {
	other := json.patch(good, [{"op": "replace", "path": "attestations/0/statement/predicate/buildType", "value": "by-hand"}])
	denied(other, rule_data, trusted) == {"build.build_type_allowed:by-hand"}
}

test_provenance_without_tasks_is_denied if {
	empty := {"build.tasks_recorded:"}
	denied(data.lib.sample_test.input_of([data.lib.sample_test.v0_2([])]), rule_data, trusted) == empty
	denied(data.lib.sample_test.input_of([data.lib.sample_test.v1([])]), rule_data, trusted) == empty
	denied(data.lib.sample_test.input_of([]), rule_data, trusted) == empty
}

test_an_embedded_task_is_denied_in_both_provenance_versions if {
	every reference in [{}, {"name": "local", "kind": "Task"}] {
		denied(with_task(data.lib.sample_test.task("inline", reference, {})), rule_data, trusted) == {"build.task_referenced:inline"}
	}
	every spec in [{"taskSpec": {}}, {"taskRef": {"name": "local", "kind": "Task"}}] {
		run := data.lib.sample_test.dependency_of(data.lib.sample_test.task_run("inline", spec, {}, "True"))
		document := data.lib.sample_test.input_of([data.lib.sample_test.v1([run])])
		denied(document, rule_data, trusted) == {"build.task_referenced:inline"}
	}
}

test_unreadable_content_is_not_a_trusted_task if {
	every content in ["%", "bm90IGpzb24=", "W10="] {
		document := data.lib.sample_test.input_of([data.lib.sample_test.v1([{"name": "task", "content": content}])])
		denied(document, rule_data, trusted) == {"build.task_referenced:an embedded definition"}
	}
}

test_a_bundle_without_digest_is_denied if {
	reference := data.lib.sample_test.bundle_reference("registry.example/tasks/build:0.2", "build")
	origin := {"uri": "registry.example/tasks/build", "digest": {"sha256": trim_prefix(data.lib.sample_test.bundle_digest, "sha256:")}}
	denied(with_task(data.lib.sample_test.task("build", reference, origin)), rule_data, trusted) == {"build.task_pinned:build"}
	denied(with_task(data.lib.sample_test.task("build", reference, {})), rule_data, trusted) == {"build.task_pinned:build", "build.task_trusted:build"}
}

test_a_branch_is_not_pinned if {
	task := data.lib.sample_test.task("scan", data.lib.sample_test.git_reference("main"), data.lib.sample_test.git_origin)
	denied(with_task(task), rule_data, trusted) == {"build.task_pinned:scan"}
}

test_without_a_list_nothing_is_trusted if {
	expected := {"build.trusted_tasks_given:", "build.task_trusted:build-container", "build.task_trusted:scan"}
	denied(good, rule_data, {}) == expected
	denied(good, rule_data, null) == expected
}

test_a_bundle_is_trusted_only_under_its_own_name_and_digest if {
	every list in [
		{build_key: [{"ref": "sha256:9999999999999999999999999999999999999999999999999999999999999999"}]},
		{"oci://registry.example/tasks/build:0.3": [{"ref": data.lib.sample_test.bundle_digest}]},
		{"oci://registry.example/tasks/build": [{"ref": data.lib.sample_test.bundle_digest}]},
		{"oci://evil.example/tasks/build:0.2": [{"ref": data.lib.sample_test.bundle_digest}]},
		{build_key: []},
		{build_key: null},
	] {
		denied(with_task(data.lib.sample_test.build_task), rule_data, list) == {"build.task_trusted:build-container"}
	}
}

test_a_file_in_git_is_trusted_only_under_its_own_name_and_commit if {
	every list in [
		{"git+https://git.example/tasks.git//scan/scan.yaml": [{"ref": data.lib.sample_test.commit}]},
		{"git+https://git.example/tasks.git//scan/other.yaml": [{"ref": data.lib.sample_test.task_commit}]},
		{"git+https://git.example/other.git//scan/scan.yaml": [{"ref": data.lib.sample_test.task_commit}]},
	] {
		denied(with_task(data.lib.sample_test.scan_task), rule_data, list) == {"build.task_trusted:scan"}
	}
	without_suffix := {"git+https://git.example/tasks//scan/scan.yaml": [{"ref": data.lib.sample_test.task_commit}]}
	denied(with_task(data.lib.sample_test.scan_task), rule_data, without_suffix) == set()
}

test_a_source_without_tag_or_path_matches_any_key_of_its_repository if {
	bundle := {
		"name": "pipelineTask",
		"uri": "oci://registry.example/tasks/build",
		"digest": {"sha256": trim_prefix(data.lib.sample_test.bundle_digest, "sha256:")},
	}
	file := {"name": "pipelineTask", "uri": "git+https://git.example/tasks.git", "digest": {"sha1": data.lib.sample_test.task_commit}}
	document := data.lib.sample_test.input_of([data.lib.sample_test.v1([bundle, file])])
	denied(document, rule_data, trusted) == set()
	other := object.union(trusted, {build_key: [{"ref": "sha256:99"}]})
	untrusted := sprintf("build.task_trusted:registry.example/tasks/build@%s", [data.lib.sample_test.bundle_digest])
	denied(document, rule_data, other) == {untrusted}
}

test_trust_ends_at_its_expiry if {
	every expiry in ["2025-05-31T00:00:00Z", "2025-06-01T00:00:00Z", "2025-06-01T02:00:00+02:00", "soon", 5] {
		list := object.union(trusted, {build_key: [{"ref": data.lib.sample_test.bundle_digest, "expires_on": expiry}]})
		denied(good, rule_data, list) == {"build.task_current:build-container"}
		warned(good, rule_data, list) == set()
	}
}

test_a_current_record_takes_precedence_over_an_expired_one if {
	list := object.union(trusted, {build_key: [
		{"ref": data.lib.sample_test.bundle_digest},
		{"ref": data.lib.sample_test.bundle_digest, "expires_on": "2025-01-01T00:00:00Z"},
	]})
	denied(good, rule_data, list) == set()
}

test_trust_that_expires_soon_is_a_warning if {
	list := object.union(trusted, {build_key: [{"ref": data.lib.sample_test.bundle_digest, "expires_on": "2025-06-20T00:00:00Z"}]})
	denied(good, rule_data, list) == set()
	warned(good, rule_data, list) == {"build.task_lasting:build-container"}
	every days in [10, "10"] {
		warned(good, object.union(rule_data, {"task_expiry_warning_days": days}), list) == set()
	}
	warned(good, object.union(rule_data, {"task_expiry_warning_days": "ten"}), list) == {"build.task_lasting:build-container"}
}

with_task(task) := data.lib.sample_test.input_of([data.lib.sample_test.v0_2([task])])

denied(document, settings, list) := result if {
	result := data.lib.sample_test.shown(data.build.deny) with input as document
		with data.rule_data as settings
		with data.trusted_tasks as list
		with data.config as data.lib.sample_test.config
}

warned(document, settings, list) := result if {
	result := data.lib.sample_test.shown(data.build.warn) with input as document
		with data.rule_data as settings
		with data.trusted_tasks as list
		with data.config as data.lib.sample_test.config
}
