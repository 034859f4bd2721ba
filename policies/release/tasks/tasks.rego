# METADATA
# title: Required tasks and base image
# description: >-
#   The required tasks must have run and succeeded, and the base image must come from an allowed registry.
# custom:
#   rule_data:
#     required_tasks: >-
#       Names of task definitions that must have run and succeeded. Absent: denied.
#     allowed_registry_prefixes: >-
#       Allowed registries, namespaces, repositories or images for the base image, and `scratch` to allow images without a
#       base image. A prefix matches whole path segments only. Absent: none.
package tasks

# METADATA
# title: Provenance must name the tasks
# description: >-
#   The provenance must name at least one task that succeeded. Provenance with the build type `slsa` of Tekton Chains names
#   no tasks; `slsa-tekton` and SLSA v0.2 do.
# custom:
#   short_name: named
#   failure_msg: >-
#     The provenance names no task that succeeded
#   solution: >-
#     Configure Tekton Chains to write provenance with the build type `slsa-tekton`, or SLSA v0.2 of the PipelineRun.
#   collections:
#   - release
#   depends_on:
#   - build.tasks_recorded
deny contains result if {
	count(succeeded) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Tasks must succeed
# description: No task of the build may fail.
# custom:
#   short_name: successful
#   failure_msg: >-
#     The task `%s` did not succeed: its status is %s
#   solution: >-
#     Fix the cause shown in the log of the task, then rebuild the image.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some task in data.lib.tekton.tasks
	not task.status in {"Succeeded", ""}
	label := data.lib.tekton.label(task)
	result := data.lib.result.with_term(label, rego.metadata.chain(), [label, task.status])
}

# METADATA
# title: List of required tasks must be provided
# description: The rule data must contain `required_tasks`, and it must not be empty.
# custom:
#   short_name: required_list_given
#   failure_msg: >-
#     The rule data contains no list of required tasks
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
# title: Required tasks must run
# description: >-
#   Each task of the list `required_tasks` of the rule data must run and succeed. A task is identified by the name of its
#   definition, not by its name in the pipeline.
# custom:
#   short_name: required
#   failure_msg: >-
#     The required task `%s` did not run, or did not succeed
#   solution: >-
#     Add the task to the pipeline, and make sure that no condition skips it.
#   collections:
#   - minimal
#   - release
#   depends_on:
#   - tasks.named
deny contains result if {
	some name in required
	not name in succeeded
	result := data.lib.result.with_term(name, rego.metadata.chain(), [name])
}

# METADATA
# title: Base image must be known
# description: >-
#   The annotation `org.opencontainers.image.base.name` must name the base image, and it must be possible to fetch it. An
#   image index has no base image; each of its images is evaluated separately. If `scratch` is among the allowed registries,
#   the image may have no base image.
# custom:
#   short_name: base_image_named
#   failure_msg: >-
#     The image does not name its base image, or the base image cannot be fetched
#   solution: >-
#     Set the annotations `org.opencontainers.image.base.name` and `org.opencontainers.image.base.digest` in the build.
#   collections:
#   - release
deny contains result if {
	is_object(input.image.config)
	base_image == ""
	not "scratch" in allowed_prefixes
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Base image must come from an allowed registry
# description: >-
#   The base image must be in one of the registries or repositories of the list `allowed_registry_prefixes` of the rule data.
# custom:
#   short_name: base_image_allowed
#   failure_msg: >-
#     The base image `%s` does not come from an allowed registry
#   solution: >-
#     Use a base image from an allowed registry, or add the registry to `allowed_registry_prefixes`.
#   collections:
#   - minimal
#   - release
deny contains result if {
	base_image != ""
	not data.lib.registry.allows(allowed_prefixes, base_image)
	result := data.lib.result.with_term(base_image, rego.metadata.chain(), [base_image])
}

required := data.lib.rule_data.list("required_tasks")

# The names of the definitions of tasks that succeeded.
succeeded contains task.task if {
	some task in data.lib.tekton.tasks
	task.status == "Succeeded"
	task.task != ""
}

allowed_prefixes := data.lib.rule_data.list("allowed_registry_prefixes")

# Labels do not identify the base image: an image inherits them.
default base_image := ""

base_image := input.image.parent.ref
