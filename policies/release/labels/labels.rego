# METADATA
# title: Image labels
# description: >-
#   Labels describe the image for people and catalogs. The image must set the required labels and must not set disallowed
#   ones. An image index has no labels; each of its images is evaluated separately.
# custom:
#   rule_data:
#     required_labels: >-
#       Labels that an image must set: objects with `name` and optionally `values` (the allowed values), `description` and
#       `effective_on`. Absent: none.
#     deprecated_labels: >-
#       Deprecated labels: objects with `name` and optionally `replacement`. Absent: none.
#     disallowed_labels: >-
#       Labels that an image must not set: objects with `name` and optionally `reason` and `effective_on`. Absent: none.
#     disallowed_inherited_labels: >-
#       Labels that an image must not inherit from its base image: objects with `name` and optionally `effective_on`.
#       Absent: none.
package labels

# METADATA
# title: Image must set required labels
# description: The image must set each label of the list `required_labels` of the rule data to a value that is not empty.
# custom:
#   short_name: required
#   failure_msg: >-
#     The image has no label `%s`%s
#   solution: >-
#     Set the label in the Containerfile (`LABEL name="…"`) or with the build option `--label`.
#   collections:
#   - release
deny contains result if {
	is_image
	some entry in data.lib.rule_data.list("required_labels")
	trim_space(object.get(labels, entry.name, "")) == ""
	result := data.lib.result.with_effective_date(entry, entry.name, rego.metadata.chain(), [entry.name, description_text(entry)])
}

# METADATA
# title: Required labels must have allowed values
# description: If an entry of the list `required_labels` has `values`, the value of the label must be one of them.
# custom:
#   short_name: value_allowed
#   failure_msg: >-
#     The label `%s` has the value `%s`, which is not one of %s
#   solution: >-
#     Set the label to one of the allowed values.
#   collections:
#   - release
#   depends_on:
#   - labels.required
deny contains result if {
	is_image
	some entry in data.lib.rule_data.list("required_labels")
	is_array(entry.values)
	value := labels[entry.name]
	not value in entry.values
	values := concat(", ", [text | some allowed in entry.values; text := sprintf("`%v`", [allowed])])
	result := data.lib.result.with_effective_date(entry, entry.name, rego.metadata.chain(), [entry.name, value, values])
}

# METADATA
# title: Image must not set deprecated labels
# description: The image must not set any label of the list `deprecated_labels` of the rule data.
# custom:
#   short_name: deprecated
#   failure_msg: >-
#     The label `%s` is deprecated%s
#   solution: >-
#     Set the replacement label, and remove the deprecated one when nothing reads it any longer.
#   collections:
#   - release
warn contains result if {
	some entry in data.lib.rule_data.list("deprecated_labels")
	labels[entry.name]
	result := data.lib.result.with_term(entry.name, rego.metadata.chain(), [entry.name, replacement_text(entry)])
}

# METADATA
# title: Image must not set disallowed labels
# description: The image must not set any label of the list `disallowed_labels` of the rule data.
# custom:
#   short_name: disallowed
#   failure_msg: >-
#     The label `%s` is not allowed%s
#   solution: >-
#     Remove the label from the Containerfile. A label of the base image cannot be removed, only set to another value: ask
#     the maintainers of the base image to remove it.
#   collections:
#   - release
deny contains result if {
	some entry in data.lib.rule_data.list("disallowed_labels")
	labels[entry.name]
	result := data.lib.result.with_effective_date(entry, entry.name, rego.metadata.chain(), [entry.name, reason_text(entry)])
}

# METADATA
# title: Image must not inherit disallowed labels
# description: >-
#   No label of the list `disallowed_inherited_labels` of the rule data may have the value that it has on the base image. An
#   image inherits the labels of its base image unless it sets them itself.
# custom:
#   short_name: own
#   failure_msg: >-
#     The label `%s` is inherited from the base image: `%s`
#   solution: >-
#     Set the label in the Containerfile to a value of this image.
#   collections:
#   - release
deny contains result if {
	some entry in data.lib.rule_data.list("disallowed_inherited_labels")
	value := labels[entry.name]
	value == input.image.parent.config.Labels[entry.name]
	result := data.lib.result.with_effective_date(entry, entry.name, rego.metadata.chain(), [entry.name, value])
}

is_image if is_object(input.image.config)

default labels := {}

labels := input.image.config.Labels if is_object(input.image.config.Labels)

description_text(entry) := sprintf(" (%s)", [entry.description]) if {
	is_string(entry.description)
} else := ""

replacement_text(entry) := sprintf(": use `%s`", [entry.replacement]) if {
	is_string(entry.replacement)
} else := ""

reason_text(entry) := sprintf(": %s", [entry.reason]) if {
	is_string(entry.reason)
} else := ""
