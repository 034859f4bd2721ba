# METADATA
# title: Tekton tasks
# description: >-
#   Reads the tasks that ran from provenance of Tekton Chains: `buildConfig.tasks` of SLSA v0.2, and the resolved
#   dependencies of SLSA v1, which contain the whole TaskRun with the build type `slsa-tekton`, and only the source of the
#   task definition with the build type `slsa`.
package lib.tekton

# The tasks of all provenances. `name` is the name of the task in the pipeline, `task` the name of its definition, `status`
# is `Succeeded` or `Failed`; each is empty if not recorded. `source` is where the definition comes from, see package
# lib.reference. `images` are the images of the steps, one for each step, empty if not recorded. `results` have `name` and
# `value`.
tasks contains task if {
	some statement in data.lib.slsa.provenances
	statement.predicateType == data.lib.slsa.v0_2
	runs := statement.predicate.buildConfig.tasks
	is_array(runs)
	some run in runs
	reference := object.get(run, "ref", {})
	task := {
		"name": object.get(run, "name", ""),
		"task": definition_name(reference, object.get(run, ["invocation", "environment", "labels"], {})),
		"status": object.get(run, "status", ""),
		"source": data.lib.reference.source(reference, object.get(run, ["invocation", "configSource"], {})),
		"images": [image | some step in listed(run, "steps"); image := image_of(step)],
		"results": listed(run, "results"),
	}
}

tasks contains task if {
	some dependency in task_dependencies
	run := task_run(dependency)
	reference := object.get(run, ["spec", "taskRef"], {})
	labels := object.get(run, ["metadata", "labels"], {})
	task := {
		"name": object.get(labels, "tekton.dev/pipelineTask", ""),
		"task": definition_name(reference, labels),
		"status": status(object.get(run, ["status", "conditions"], [])),
		"source": data.lib.reference.source(reference, object.get(run, ["status", "provenance", "refSource"], {})),
		"images": [image | some step in listed(object.get(run, "status", {}), "steps"); image := image_of(step)],
		"results": array.concat(
			listed(object.get(run, "status", {}), "results"),
			listed(object.get(run, "status", {}), "taskResults"),
		),
	}
}

tasks contains task if {
	some dependency in task_dependencies
	not task_run(dependency)
	task := {
		"name": "",
		"task": "",
		"status": "",
		"source": data.lib.reference.resolved(dependency),
		"images": [],
		"results": [],
	}
}

task_dependencies contains dependency if {
	some statement in data.lib.slsa.provenances
	statement.predicateType == data.lib.slsa.v1
	some dependency in data.lib.slsa.dependencies(statement)
	dependency.name in {"task", "pipelineTask"}
}

# The TaskRun that the dependency contains. Undefined if it contains none that can be parsed.
task_run(dependency) := run if {
	content := dependency.content
	base64.is_valid(content)
	text := base64.decode(content)
	json.is_valid(text)
	run := json.unmarshal(text)
	is_object(run)
}

# The image that a step ran in: v0.2 records it in the environment of the step, a TaskRun as image ID. It can begin with a
# scheme, as in `oci://registry.example/tools/git@sha256:…`.
image_of(step) := regex.replace(image, `^[a-z-]+://`, "") if {
	image := step.environment.image
	is_string(image)
} else := regex.replace(image, `^[a-z-]+://`, "") if {
	image := step.imageID
	is_string(image)
} else := ""

# The values of the results of this name as strings. Other values are serialized as JSON.
result_texts(task, name) := [text |
	some result in task.results
	result.name == name
	text := text_of(result.value)
]

text_of(value) := value if {
	is_string(value)
} else := json.marshal(value)

listed(run, key) := list if {
	list := run[key]
	is_array(list)
} else := []

# The name of a task for messages.
label(task) := task.name if {
	task.name != ""
} else := task.source.text

# The same with the source of its definition.
described(task) := sprintf("`%s` (%s)", [task.name, task.source.text]) if {
	task.name != ""
} else := sprintf("`%s`", [task.source.text])

# The name of a task definition. The label counts only with a resolver, because the author of a pipeline can set any label
# on an embedded task.
definition_name(reference, labels) := name if {
	name := data.lib.reference.parameter(reference, "name")
} else := name if {
	name := reference.name
} else := name if {
	reference.resolver
	name := labels["tekton.dev/task"]
} else := ""

# The status of a run according to its conditions.
status(conditions) := "Succeeded" if {
	outcome(conditions, "True")
} else := "Failed" if {
	outcome(conditions, "False")
} else := ""

outcome(conditions, status) if {
	is_array(conditions)
	some condition in conditions
	condition.type == "Succeeded"
	condition.status == status
}
