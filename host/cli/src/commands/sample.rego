# A first rule: `assay validate image` and `assay validate input` evaluate every rule named `deny` or `warn`.
package main

# METADATA
# title: Image label `name` must not be empty
# description: If an image has the label `name`, the label must have a value.
# custom:
#   short_name: name_label
#   failure_msg: The label `name` of the image is empty
#   solution: Give the label a value, or remove it.
#   collections:
#   - minimal
deny contains result if {
	input.image.config.Labels.name == ""
	result := {
		"code": "main.name_label",
		"msg": "The label `name` of the image is empty",
	}
}
