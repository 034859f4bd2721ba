# METADATA
# title: Required tasks and base image
# description: >-
#   An image ships only when the tasks that everyone must run have run and succeeded, and when it is built on an image
#   from an allowed place.
# custom:
#   rule_data:
#     required_tasks: >-
#       The names of task definitions that must have run and succeeded. Absent: denied.
#     allowed_registry_prefixes: >-
#       Registries, folders, repositories or whole images that an image may be built on, and `scratch` for none. A prefix
#       ends where a part of the name ends. Absent: none.
package tasks

# METADATA
# title: Tasks are named
# description: >-
#   The provenance names at least one task that succeeded. Provenance with the build type `slsa` of Tekton Chains does
#   not; `slsa-tekton` and SLSA v0.2 do.
# custom:
#   short_name: named
#   failure_msg: >-
#     The provenance names no task that succeeded
#   solution: >-
#     Let Tekton Chains write provenance with the build type `slsa-tekton`, or SLSA v0.2 of the PipelineRun.
#   collections:
#   - release
#   depends_on:
#   - build.tasks_recorded
deny contains result if {
	count(succeeded) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Tasks succeeded
# description: No task of the build failed.
# custom:
#   short_name: successful
#   failure_msg: >-
#     The task `%s` did not succeed: its status is %s
#   solution: >-
#     Read the log of the failed task and build again.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some task in data.lib.tekton.tasks
	not task.status in {"Succeeded", ""}
	label := data.lib.tekton.label(task)
	result := data.lib.result.about(label, rego.metadata.chain(), [label, task.status])
}

# METADATA
# title: List of required tasks is given
# description: The rule data hold `required_tasks`, and it is not empty.
# custom:
#   short_name: required_list_given
#   failure_msg: >-
#     The rule data hold no list of required tasks
#   solution: >-
#     Add the list `required_tasks`, names of task definitions, to the rule data.
#   collections:
#   - minimal
#   - release
deny contains result if {
	count(required) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Required tasks ran
# description: >-
#   Each task of the list `required_tasks` of the rule data ran and succeeded. A task goes by the name of its
#   definition, not by the one the pipeline gave it.
# custom:
#   short_name: required
#   failure_msg: >-
#     The required task `%s` did not run, or did not succeed
#   solution: >-
#     Add the task to the pipeline, and see that no condition skips it.
#   collections:
#   - minimal
#   - release
#   depends_on:
#   - tasks.named
deny contains result if {
	some name in required
	not name in succeeded
	result := data.lib.result.about(name, rego.metadata.chain(), [name])
}

# METADATA
# title: Base image is known
# description: >-
#   The image names the one it is built on, by the annotation `org.opencontainers.image.base.name`, and that one can be
#   read. An index has no base image of its own: its images are judged one by one. Where `scratch` is among the allowed
#   registries, an image may be built on nothing.
# custom:
#   short_name: base_image_named
#   failure_msg: >-
#     The image does not name the image it is built on, or that one cannot be read
#   solution: >-
#     Let the build set the annotations `org.opencontainers.image.base.name` and `org.opencontainers.image.base.digest`.
#   collections:
#   - release
deny contains result if {
	is_object(input.image.config)
	base_image == ""
	not "scratch" in allowed_prefixes
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Base image is allowed
# description: >-
#   The base image is in one of the registries or repositories of the list `allowed_registry_prefixes` of the rule data.
# custom:
#   short_name: base_image_allowed
#   failure_msg: >-
#     The base image `%s` is not from an allowed registry
#   solution: >-
#     Build on an image from an allowed registry, or add the registry to `allowed_registry_prefixes`.
#   collections:
#   - minimal
#   - release
deny contains result if {
	base_image != ""
	not data.lib.registry.allows(allowed_prefixes, base_image)
	result := data.lib.result.about(base_image, rego.metadata.chain(), [base_image])
}

required := data.lib.rule_data.list("required_tasks")

# The names of the definitions of tasks that succeeded.
succeeded contains task.task if {
	some task in data.lib.tekton.tasks
	task.status == "Succeeded"
	task.task != ""
}

allowed_prefixes := data.lib.rule_data.list("allowed_registry_prefixes")

# Labels are no witness: an image inherits those of its base.
default base_image := ""

base_image := input.image.parent.ref
