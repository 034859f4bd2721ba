# METADATA
# title: Required tasks and base image
# description: >-
#   An image ships only when the tasks that everyone must run have run and succeeded, and when it is built on an image
#   from an allowed place.
package tasks

# METADATA
# title: Tasks are named
# description: >-
#   The provenance names at least one task that succeeded. Provenance with the build type `slsa` of Tekton Chains does
#   not; `slsa-tekton` and SLSA v0.2 do.
# custom:
#   short_name: named
#   solution: >-
#     Let Tekton Chains write provenance with the build type `slsa-tekton`, or SLSA v0.2 of the PipelineRun.
#   collections:
#   - release
#   depends_on:
#   - build.tasks_recorded
deny contains result if {
	count(succeeded) == 0
	result := {
		"code": "tasks.named",
		"msg": "The provenance names no task that succeeded",
	}
}

# METADATA
# title: Tasks succeeded
# description: No task of the build failed.
# custom:
#   short_name: successful
#   solution: >-
#     Read the log of the failed task and build again.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some task in data.lib.tekton.tasks
	not task.status in {"Succeeded", ""}
	label := data.lib.tekton.label(task)
	result := {
		"code": "tasks.successful",
		"msg": sprintf("The task `%s` did not succeed: its status is %s", [label, task.status]),
		"term": label,
	}
}

# METADATA
# title: List of required tasks is given
# description: The rule data hold `required_tasks`, and it is not empty.
# custom:
#   short_name: required_list_given
#   solution: >-
#     Add the list `required_tasks`, names of task definitions, to the rule data.
#   collections:
#   - minimal
#   - release
deny contains result if {
	count(required) == 0
	result := {
		"code": "tasks.required_list_given",
		"msg": "The rule data hold no list of required tasks",
	}
}

# METADATA
# title: Required tasks ran
# description: >-
#   Each task of the list `required_tasks` of the rule data ran and succeeded. A task goes by the name of its
#   definition, not by the one the pipeline gave it.
# custom:
#   short_name: required
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
	result := {
		"code": "tasks.required",
		"msg": sprintf("The required task `%s` did not run, or did not succeed", [name]),
		"term": name,
	}
}

# METADATA
# title: Base image is known
# description: >-
#   The image names the one it is built on, by the annotation `org.opencontainers.image.base.name`, and that one can be
#   read. An index has no base image of its own: its images are judged one by one. Where `scratch` is among the allowed
#   registries, an image may be built on nothing.
# custom:
#   short_name: base_image_named
#   solution: >-
#     Let the build set the annotations `org.opencontainers.image.base.name` and `org.opencontainers.image.base.digest`.
#   collections:
#   - release
deny contains result if {
	is_object(input.image.config)
	base_image == ""
	not "scratch" in allowed_prefixes
	result := {
		"code": "tasks.base_image_named",
		"msg": "The image does not name the image it is built on, or that one cannot be read",
	}
}

# METADATA
# title: Base image is allowed
# description: >-
#   The base image is in one of the registries or repositories of the list `allowed_registry_prefixes` of the rule data.
# custom:
#   short_name: base_image_allowed
#   solution: >-
#     Build on an image from an allowed registry, or add the registry to `allowed_registry_prefixes`.
#   collections:
#   - minimal
#   - release
deny contains result if {
	base_image != ""
	not is_allowed(base_image)
	result := {
		"code": "tasks.base_image_allowed",
		"msg": sprintf("The base image `%s` is not from an allowed registry", [base_image]),
		"term": base_image,
	}
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

# A prefix ends where a part of the reference ends: `example.com` does not allow `example.com.evil.net`.
is_allowed(image) if {
	some prefix in allowed_prefixes
	whole := trim_suffix(prefix, "/")
	some separator in ["/", ":", "@"]
	startswith(image, sprintf("%s%s", [whole, separator]))
}

is_allowed(image) if image in allowed_prefixes
