# METADATA
# title: Rule data
# description: >-
#   Reads the rule data. A key of the policy configuration (`ruleData`) takes precedence over the same key of a data source
#   (`rule_data`). A list that is absent or of another type is empty, which never allows anything.
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

# A number of rule data. A string is converted, because the command line provides strings only.
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
