# METADATA
# title: Rule data
# description: >-
#   Reads the settings of rules. A key given in the policy configuration (`ruleData`) hides the same key of a data
#   source (`rule_data`). What is absent or of another type is an empty list, which no rule takes for a permission.
package lib.rule_data

# A list of rule data, or an empty list.
list(key) := value if {
	value := given(key)
	is_array(value)
} else := []

# A map of rule data, or an empty map.
object(key) := value if {
	value := given(key)
	is_object(value)
} else := {}

# A number of rule data. Text is read as a number, since the command line gives text only.
number(key, fallback) := value if {
	value := given(key)
	is_number(value)
} else := value if {
	text := given(key)
	is_string(text)
	regex.match(`^[0-9]{1,9}$`, text)
	value := to_number(text)
} else := fallback

given(key) := value if {
	value := data.rule_data__configuration__[key]
} else := value if {
	value := data.rule_data[key]
}
