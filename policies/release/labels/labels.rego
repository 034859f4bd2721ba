# METADATA
# title: Image labels
# description: >-
#   Labels tell people and catalogues what an image is. An image ships only with the labels that everyone must set, and
#   without those that no one may set. An index has no labels of its own: its images are judged one by one.
# custom:
#   rule_data:
#     required_labels: >-
#       Labels that an image must have: objects with `name`, and perhaps `values` (the only ones allowed), `description`
#       and `effective_on`. Absent: none.
#     deprecated_labels: >-
#       Labels that are going away: objects with `name`, and perhaps `replacement`. Absent: none.
#     disallowed_labels: >-
#       Labels that no image may have: objects with `name`, and perhaps `reason` and `effective_on`. Absent: none.
#     disallowed_inherited_labels: >-
#       Labels that an image must not have from its base: objects with `name`, and perhaps `effective_on`. Absent: none.
package labels

# METADATA
# title: Required labels are set
# description: The image has each label of the list `required_labels` of the rule data, and it is not empty.
# custom:
#   short_name: required
#   failure_msg: >-
#     The image has no label `%s`%s
#   solution: >-
#     Set the label in the Containerfile (`LABEL name="…"`) or by the build (`--label`).
#   collections:
#   - release
deny contains result if {
	is_image
	some entry in data.lib.rule_data.list("required_labels")
	trim_space(object.get(labels, entry.name, "")) == ""
	result := data.lib.result.since(entry, entry.name, rego.metadata.chain(), [entry.name, described(entry)])
}

# METADATA
# title: Required labels have allowed values
# description: Where an entry of the list `required_labels` has `values`, the label is one of them.
# custom:
#   short_name: value_allowed
#   failure_msg: >-
#     The label `%s` is `%s`, and must be one of %s
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
	result := data.lib.result.since(entry, entry.name, rego.metadata.chain(), [entry.name, value, values])
}

# METADATA
# title: Deprecated labels are not set
# description: The image has no label of the list `deprecated_labels` of the rule data.
# custom:
#   short_name: deprecated
#   failure_msg: >-
#     The label `%s` is deprecated%s
#   solution: >-
#     Set the label that replaces it, and take this one out when nothing reads it any more.
#   collections:
#   - release
warn contains result if {
	some entry in data.lib.rule_data.list("deprecated_labels")
	labels[entry.name]
	result := data.lib.result.about(entry.name, rego.metadata.chain(), [entry.name, replaced(entry)])
}

# METADATA
# title: Disallowed labels are not set
# description: The image has no label of the list `disallowed_labels` of the rule data.
# custom:
#   short_name: disallowed
#   failure_msg: >-
#     The label `%s` is not allowed%s
#   solution: >-
#     Take the label out of the Containerfile. One that comes from the base image can only be set to another value: ask
#     the keepers of the base.
#   collections:
#   - release
deny contains result if {
	some entry in data.lib.rule_data.list("disallowed_labels")
	labels[entry.name]
	result := data.lib.result.since(entry, entry.name, rego.metadata.chain(), [entry.name, reasoned(entry)])
}

# METADATA
# title: Labels are the image's own
# description: >-
#   No label of the list `disallowed_inherited_labels` of the rule data has the value that it has on the base image: an
#   image takes over the labels of its base unless it sets them itself.
# custom:
#   short_name: own
#   failure_msg: >-
#     The label `%s` is that of the base image, `%s`
#   solution: >-
#     Set the label to a value of the image's own.
#   collections:
#   - release
deny contains result if {
	some entry in data.lib.rule_data.list("disallowed_inherited_labels")
	value := labels[entry.name]
	value == input.image.parent.config.Labels[entry.name]
	result := data.lib.result.since(entry, entry.name, rego.metadata.chain(), [entry.name, value])
}

is_image if is_object(input.image.config)

default labels := {}

labels := input.image.config.Labels if is_object(input.image.config.Labels)

described(entry) := sprintf(" (%s)", [entry.description]) if {
	is_string(entry.description)
} else := ""

replaced(entry) := sprintf(": use `%s`", [entry.replacement]) if {
	is_string(entry.replacement)
} else := ""

reasoned(entry) := sprintf(": %s", [entry.reason]) if {
	is_string(entry.reason)
} else := ""
