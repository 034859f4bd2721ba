# METADATA
# title: Results
# description: >-
#   Creates the result of a rule: the code is the package and the `short_name` of the rule's METADATA, the message is its
#   `failure_msg` formatted with the values. A rule whose METADATA lacks either still has a result.
package lib.result

# The result of the rule that passes `rego.metadata.chain()`.
of(chain, values) := {"code": code(chain), "msg": message(chain, values)}

# The same with a term, by which the result can be excluded: `exclude: [package.short_name:term]`.
with_term(term, chain, values) := object.union(of(chain, values), {"term": term})

# The same for an entry of rule data that can have an effective date.
with_effective_date(entry, term, chain, values) := object.union(with_term(term, chain, values), {"effective_on": entry.effective_on}) if {
	is_string(entry.effective_on)
} else := with_term(term, chain, values)

code(chain) := concat(".", array.concat(array.slice(path, 0, count(path) - 1), [name])) if {
	path := chain[0].path
	name := object.get(chain[0], ["annotations", "custom", "short_name"], path[count(path) - 1])
}

message(chain, values) := sprintf(format, values) if {
	format := chain[0].annotations.custom.failure_msg
} else := sprintf("%s is violated: %v", [code(chain), values])
