# METADATA
# title: Step images
# description: >-
#   The images of its steps determine what a task does. Each step of the build must run in an image that is referenced by
#   digest and comes from an allowed registry.
# custom:
#   rule_data:
#     allowed_step_image_registry_prefixes: >-
#       Allowed registries, namespaces, repositories or images of steps. A prefix matches whole path segments only. Absent:
#       none.
package step_images

# METADATA
# title: Provenance must record step images
# description: The provenance must record the image that each step of each task ran in.
# custom:
#   short_name: recorded
#   failure_msg: >-
#     The provenance does not record the image of each step of the task `%s`
#   solution: >-
#     Configure Tekton Chains to write provenance with the build type `slsa-tekton`, or SLSA v0.2 of the PipelineRun.
#   collections:
#   - release
#   depends_on:
#   - tasks.named
deny contains result if {
	some task in data.lib.tekton.tasks
	not all_recorded(task)
	label := data.lib.tekton.label(task)
	result := data.lib.result.with_term(label, rego.metadata.chain(), [label])
}

# METADATA
# title: Step images must be pinned
# description: The image of each step must be referenced by digest, which identifies the code that ran.
# custom:
#   short_name: pinned
#   failure_msg: >-
#     A step of the task `%s` ran in the image `%s`, which is referenced without a digest
#   solution: >-
#     Add the digest to the image in the definition of the task (`image: repository@sha256:…`).
#   collections:
#   - release
deny contains result if {
	some [task, image] in images
	not regex.match(`@sha256:[0-9a-f]{64}$`, image)
	result := data.lib.result.with_term(image, rego.metadata.chain(), [task, image])
}

# METADATA
# title: List of allowed step image registries must be provided
# description: The rule data must contain `allowed_step_image_registry_prefixes`, and it must not be empty.
# custom:
#   short_name: allowed_list_given
#   failure_msg: >-
#     The rule data contains no list of allowed step image registries
#   solution: >-
#     Add the list `allowed_step_image_registry_prefixes` to the rule data.
#   collections:
#   - release
deny contains result if {
	count(prefixes) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Step images must come from an allowed registry
# description: >-
#   The image of each step must be in one of the registries or repositories of the list
#   `allowed_step_image_registry_prefixes` of the rule data.
# custom:
#   short_name: allowed
#   failure_msg: >-
#     A step of the task `%s` ran in the image `%s`, which is not from an allowed registry
#   solution: >-
#     Use a task whose step images come from an allowed registry, or add the registry to
#     `allowed_step_image_registry_prefixes`.
#   collections:
#   - release
#   depends_on:
#   - step_images.allowed_list_given
deny contains result if {
	some [task, image] in images
	not data.lib.registry.allows(prefixes, image)
	result := data.lib.result.with_term(image, rego.metadata.chain(), [task, image])
}

prefixes := data.lib.rule_data.list("allowed_step_image_registry_prefixes")

all_recorded(task) if {
	count(task.images) > 0
	not "" in task.images
}

# Pairs of a task and an image that one of its steps ran in.
images contains pair if {
	some task in data.lib.tekton.tasks
	some image in task.images
	image != ""
	pair := [data.lib.tekton.label(task), image]
}
