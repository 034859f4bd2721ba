# METADATA
# title: Test data
# description: Inputs and data for the tests of the other packages.
package lib.sample_test

digest := "1111111111111111111111111111111111111111111111111111111111111111"

bundle_digest := "sha256:2222222222222222222222222222222222222222222222222222222222222222"

commit := "3333333333333333333333333333333333333333"

task_commit := "4444444444444444444444444444444444444444"

# The input for an image with these attestation statements.
input_of(statements) := {
	"attestations": [{"statement": statement} | some statement in statements],
	"image": {
		"ref": sprintf("registry.example/shop/cart@sha256:%s", [digest]),
		"signatures": [{"keyid": "", "sig": "c2ln"}],
		"config": {"Labels": {}},
		"parent": {"ref": "registry.example/base/micro:9", "config": {}},
		"source": {"git": {"url": "https://git.example/shop/cart", "revision": commit}},
	},
}

subjects := [{"name": "registry.example/shop/cart", "digest": {"sha256": digest}}]

materials := [
	{"uri": "oci://registry.example/tools/builder", "digest": {"sha256": digest}},
	{"uri": "git+https://git.example/shop/cart.git", "digest": {"sha1": commit}},
]

# SLSA v0.2 provenance of these tasks.
v0_2(tasks) := {
	"_type": "https://in-toto.io/Statement/v0.1",
	"predicateType": "https://slsa.dev/provenance/v0.2",
	"subject": subjects,
	"predicate": {
		"builder": {"id": "https://tekton.example/chains/v2"},
		"buildType": "tekton.dev/v1beta1/PipelineRun",
		"buildConfig": {"tasks": tasks},
		"materials": materials,
	},
}

# SLSA v1 provenance with these dependencies and the source.
v1(dependencies) := {
	"_type": "https://in-toto.io/Statement/v1",
	"predicateType": "https://slsa.dev/provenance/v1",
	"subject": subjects,
	"predicate": {
		"buildDefinition": {
			"buildType": "https://tekton.dev/chains/v2/slsa-tekton",
			"externalParameters": {},
			"resolvedDependencies": array.concat(dependencies, [{
				"name": "inputs/result",
				"uri": "git+https://git.example/shop/cart.git",
				"digest": {"sha1": commit},
			}]),
		},
		"runDetails": {"builder": {"id": "https://tekton.example/chains/v2"}},
	},
}

# A reference for the `bundles` resolver of Tekton.
bundle_reference(text, name) := {
	"resolver": "bundles",
	"params": [
		{"name": "name", "value": name},
		{"name": "bundle", "value": text},
		{"name": "kind", "value": "task"},
	],
}

# A reference for the `git` resolver.
git_reference(revision) := {
	"resolver": "git",
	"params": [
		{"name": "url", "value": "https://git.example/tasks.git"},
		{"name": "revision", "value": revision},
		{"name": "pathInRepo", "value": "scan/scan.yaml"},
	],
}

git_origin := {
	"uri": "git+https://git.example/tasks.git",
	"digest": {"sha1": task_commit},
	"entryPoint": "scan/scan.yaml",
}

# A task as SLSA v0.2 provenance records it.
task(name, reference, origin) := {
	"name": name,
	"ref": reference,
	"status": "Succeeded",
	"invocation": {"configSource": origin, "environment": {"labels": {"tekton.dev/task": "by-label"}}},
	"steps": [{"environment": {"image": sprintf("oci://%s", [step_image])}}],
}

step_image := sprintf("registry.example/tools/builder@sha256:%s", [digest])

# The task with an additional result.
with_result(task, name, value) := object.union(task, {"results": array.concat(
	object.get(task, "results", []),
	[{"name": name, "type": "string", "value": value}],
)})

build_bundle := sprintf("registry.example/tasks/build:0.2@%s", [bundle_digest])

build_task := task("build-container", bundle_reference(build_bundle, "build"), {})

scan_task := task("scan", git_reference(task_commit), git_origin)

# A TaskRun as contained in SLSA v1 provenance.
task_run(name, spec, origin, outcome) := {
	"metadata": {"labels": {"tekton.dev/pipelineTask": name, "tekton.dev/task": "by-label"}},
	"spec": spec,
	"status": {
		"conditions": [{"type": "Succeeded", "status": outcome}],
		"provenance": {"refSource": origin},
		"steps": [{"name": "run", "imageID": step_image}],
	},
}

# The TaskRun with a result.
task_run_with_result(run, name, value) := object.union(
	run,
	{"status": object.union(run.status, {"results": [{"name": name, "type": "string", "value": value}]})},
)

# A dependency that contains a TaskRun.
dependency_of(run) := {"name": "pipelineTask", "content": base64.encode(json.marshal(run))}

build_dependency := dependency_of(task_run("build-container", {"taskRef": bundle_reference(build_bundle, "build")}, {}, "True"))

scan_dependency := dependency_of(task_run("scan", {"taskRef": git_reference(task_commit)}, git_origin, "True"))

good_v0_2 := input_of([v0_2([build_task, scan_task])])

good_v1 := input_of([v1([build_dependency, scan_dependency])])

trusted_tasks := {
	"oci://registry.example/tasks/build:0.2": [{"ref": bundle_digest}],
	"git+https://git.example/tasks.git//scan/scan.yaml": [{"ref": task_commit}],
}

rule_data := {
	"allowed_builder_ids": ["https://tekton.example/chains/v2"],
	"allowed_build_types": ["tekton.dev/v1beta1/PipelineRun", "https://tekton.dev/chains/v2/slsa-tekton"],
	"required_tasks": ["build", "by-label"],
	"allowed_registry_prefixes": ["registry.example/base/"],
	"allowed_step_image_registry_prefixes": ["registry.example/tools"],
}

# 2025-06-01T00:00:00Z
config := {"policy": {"when_ns": 1748736000000000000}}

# Codes with terms, for comparison in tests.
shown(results) := {text |
	some result in results
	text := concat(":", [result.code, object.get(result, "term", "")])
}
