# METADATA
# title: Images that steps run in
# description: >-
#   What a task does is what its steps' images do. An image ships only when each step of its build ran in an image that
#   is named by digest and comes from an allowed place.
# custom:
#   rule_data:
#     allowed_step_image_registry_prefixes: >-
#       Registries, folders, repositories or whole images that steps may run in. A prefix ends where a part of the name
#       ends. Absent: none.
package step_images

# METADATA
# title: Images of steps are recorded
# description: The provenance names the image that each step of each task ran in.
# custom:
#   short_name: recorded
#   failure_msg: >-
#     The provenance does not name the image of each step of the task `%s`
#   solution: >-
#     Let Tekton Chains write provenance with the build type `slsa-tekton`, or SLSA v0.2 of the PipelineRun.
#   collections:
#   - release
#   depends_on:
#   - tasks.named
deny contains result if {
	some task in data.lib.tekton.tasks
	not all_recorded(task)
	label := data.lib.tekton.label(task)
	result := data.lib.result.about(label, rego.metadata.chain(), [label])
}

# METADATA
# title: Images of steps are pinned
# description: The image of each step is named by its digest, so that it is known what ran.
# custom:
#   short_name: pinned
#   failure_msg: >-
#     A step of the task `%s` ran in the image `%s`, which is named without a digest
#   solution: >-
#     Add the digest to the image in the definition of the task (`image: repository@sha256:…`).
#   collections:
#   - release
deny contains result if {
	some [task, image] in images
	not regex.match(`@sha256:[0-9a-f]{64}$`, image)
	result := data.lib.result.about(image, rego.metadata.chain(), [task, image])
}

# METADATA
# title: List of allowed registries is given
# description: The rule data hold `allowed_step_image_registry_prefixes`, and it is not empty.
# custom:
#   short_name: allowed_list_given
#   failure_msg: >-
#     The rule data hold no list of registries that steps may run images of
#   solution: >-
#     Add the list `allowed_step_image_registry_prefixes` to the rule data.
#   collections:
#   - release
deny contains result if {
	count(prefixes) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Images of steps are allowed
# description: >-
#   The image of each step is in one of the registries or repositories of the list
#   `allowed_step_image_registry_prefixes` of the rule data.
# custom:
#   short_name: allowed
#   failure_msg: >-
#     A step of the task `%s` ran in the image `%s`, which is not from an allowed registry
#   solution: >-
#     Use a task whose steps run in images from an allowed registry, or add the registry to
#     `allowed_step_image_registry_prefixes`.
#   collections:
#   - release
#   depends_on:
#   - step_images.allowed_list_given
deny contains result if {
	some [task, image] in images
	not data.lib.registry.allows(prefixes, image)
	result := data.lib.result.about(image, rego.metadata.chain(), [task, image])
}

prefixes := data.lib.rule_data.list("allowed_step_image_registry_prefixes")

all_recorded(task) if {
	count(task.images) > 0
	not "" in task.images
}

# The images by the task that ran in them.
images contains pair if {
	some task in data.lib.tekton.tasks
	some image in task.images
	image != ""
	pair := [data.lib.tekton.label(task), image]
}
