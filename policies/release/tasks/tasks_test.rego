package tasks_test

good := data.lib.sample_test.good_v0_2

rule_data := data.lib.sample_test.rule_data

test_a_build_with_all_tasks_and_an_allowed_base_image_passes_in_both_provenance_versions if {
	every document in [good, data.lib.sample_test.good_v1] {
		shown(document, rule_data) == set()
	}
}

test_a_required_task_that_did_not_run_is_denied if {
	settings := object.union(rule_data, {"required_tasks": ["build", "virus-scan"]})
	every document in [good, data.lib.sample_test.good_v1] {
		shown(document, settings) == {"tasks.required:virus-scan"}
	}
}

test_the_name_in_the_pipeline_does_not_count if {
	settings := object.union(rule_data, {"required_tasks": ["build-container"]})
	shown(good, settings) == {"tasks.required:build-container"}
}

test_a_label_on_an_embedded_task_does_not_count if {
	inline := data.lib.sample_test.task("inline", {}, {})
	document := data.lib.sample_test.input_of([data.lib.sample_test.v0_2([data.lib.sample_test.build_task, inline])])
	shown(document, rule_data) == {"tasks.required:by-label"}
}

test_a_required_task_that_failed_did_not_run if {
	failed := json.patch(good, [{
		"op": "replace",
		"path": "attestations/0/statement/predicate/buildConfig/tasks/0/status",
		"value": "Failed",
	}])
	shown(failed, rule_data) == {"tasks.successful:build-container", "tasks.required:build"}
	without_status := json.patch(good, [{"op": "remove", "path": "attestations/0/statement/predicate/buildConfig/tasks/0/status"}])
	shown(without_status, rule_data) == {"tasks.required:build"}
}

test_a_task_run_that_failed_did_not_run if {
	run := data.lib.sample_test.task_run("build-container", {"taskRef": {"name": "build"}}, {}, "False")
	document := data.lib.sample_test.input_of([data.lib.sample_test.v1([
		data.lib.sample_test.dependency_of(run),
		data.lib.sample_test.scan_dependency,
	])])
	shown(document, rule_data) == {"tasks.successful:build-container", "tasks.required:build"}
}

test_provenance_that_names_no_task_is_denied if {
	dependency := {"name": "pipelineTask", "uri": "git+https://git.example/tasks.git", "digest": {"sha1": data.lib.sample_test.commit}}
	expected := {"tasks.named:", "tasks.required:build", "tasks.required:by-label"}
	every statements in [[], [data.lib.sample_test.v0_2([])], [data.lib.sample_test.v1([dependency])]] {
		shown(data.lib.sample_test.input_of(statements), rule_data) == expected
	}
}

test_a_missing_list_of_required_tasks_is_denied if {
	every list in [[], null, "build"] {
		shown(good, object.union(rule_data, {"required_tasks": list})) == {"tasks.required_list_given:"}
	}
}

test_a_base_image_from_another_registry_is_denied if {
	every base in [
		"evil.example/base/micro:9",
		"registry.example/base.evil/micro:9",
		"registry.example/basement/micro:9",
		"registry.example",
	] {
		document := json.patch(good, [{"op": "replace", "path": "image/parent/ref", "value": base}])
		shown(document, rule_data) == {sprintf("tasks.base_image_allowed:%s", [base])}
	}
}

test_a_prefix_can_be_a_registry_a_namespace_or_a_repository if {
	every prefix in [
		"registry.example",
		"registry.example/",
		"registry.example/base",
		"registry.example/base/micro",
		"registry.example/base/micro:9",
	] {
		shown(good, object.union(rule_data, {"allowed_registry_prefixes": [prefix]})) == set()
	}
}

test_without_a_list_no_base_image_is_allowed if {
	shown(good, object.remove(rule_data, ["allowed_registry_prefixes"])) == {"tasks.base_image_allowed:registry.example/base/micro:9"}
}

test_an_image_without_a_base_image_is_denied_unless_scratch_is_allowed if {
	document := json.patch(good, [{"op": "remove", "path": "image/parent"}])
	shown(document, rule_data) == {"tasks.base_image_named:"}
	shown(document, object.union(rule_data, {"allowed_registry_prefixes": ["scratch"]})) == set()
}

test_an_index_has_no_base_image if {
	document := json.patch(good, [{"op": "remove", "path": "image/parent"}, {"op": "remove", "path": "image/config"}])
	shown(document, rule_data) == set()
}

shown(document, settings) := result if {
	result := data.lib.sample_test.shown(data.tasks.deny) with input as document
		with data.rule_data as settings
		with data.config as data.lib.sample_test.config
}
