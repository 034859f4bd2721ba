package step_images_test

good := data.lib.sample_test.good_v0_2

rule_data := data.lib.sample_test.rule_data

steps := "attestations/0/statement/predicate/buildConfig/tasks/0/steps"

test_steps_in_pinned_images_from_an_allowed_registry_pass_in_both_provenance_versions if {
	every document in [good, data.lib.sample_test.good_v1] {
		shown(document, rule_data) == set()
	}
}

test_a_task_without_all_step_images_is_denied if {
	every list in [
		[],
		null,
		["x"],
		[{}],
		[{"environment": {"image": ""}}],
		[{"environment": {"image": data.lib.sample_test.step_image}}, {"environment": {}}],
	] {
		shown(replaced(list), rule_data) == {"step_images.recorded:build-container"}
	}
	bare := json.patch(good, [{"op": "remove", "path": steps}])
	shown(bare, rule_data) == {"step_images.recorded:build-container"}
}

test_a_task_run_without_step_images_is_denied if {
	run := data.lib.sample_test.task_run("build-container", {"taskRef": {"name": "build"}}, {}, "True")
	waiting := json.patch(run, [{"op": "replace", "path": "status/steps/0", "value": {"name": "run"}}])
	document := data.lib.sample_test.input_of([data.lib.sample_test.v1([data.lib.sample_test.dependency_of(waiting)])])
	shown(document, rule_data) == {"step_images.recorded:build-container"}
}

test_an_image_without_digest_is_denied if {
	every image in [
		"registry.example/tools/builder",
		"registry.example/tools/builder:1",
		"registry.example/tools/builder@sha256:12",
	] {
		document := replaced([{"environment": {"image": sprintf("oci://%s", [image])}}])
		shown(document, rule_data) == {sprintf("step_images.pinned:%s", [image])}
	}
}

test_an_image_from_another_registry_is_denied if {
	every repository in ["evil.example/tools/builder", "registry.example/tools.evil/builder", "registry.example/toolshed"] {
		image := sprintf("%s@sha256:%s", [repository, data.lib.sample_test.digest])
		document := replaced([{"environment": {"image": image}}])
		shown(document, rule_data) == {sprintf("step_images.allowed:%s", [image])}
	}
}

test_without_a_list_no_image_is_allowed if {
	every list in [[], null, "registry.example"] {
		settings := object.union(rule_data, {"allowed_step_image_registry_prefixes": list})
		shown(good, settings) == {
			"step_images.allowed_list_given:",
			sprintf("step_images.allowed:%s", [data.lib.sample_test.step_image]),
		}
	}
}

replaced(list) := json.patch(good, [{"op": "replace", "path": steps, "value": list}])

shown(document, settings) := result if {
	result := data.lib.sample_test.shown(data.step_images.deny) with input as document with data.rule_data as settings
}
