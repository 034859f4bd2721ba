# A first policy: `assay validate image` and `assay validate input` evaluate every rule named `deny` or `warn`.
package main

# METADATA
# title: Name label is not empty
# description: An image that has the label `name` says something with it.
# custom:
#   short_name: name_label
#   failure_msg: The label `name` of the image is empty
#   solution: Give the label a value, or leave it out.
#   collections:
#   - minimal
deny contains result if {
	input.image.config.Labels.name == ""
	result := {
		"code": "main.name_label",
		"msg": "The label `name` of the image is empty",
	}
}
