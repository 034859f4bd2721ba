# METADATA
# title: Results
# description: >-
#   Writes what a rule found: the code is the package with the `short_name` of the rule's METADATA, the message is its
#   `failure_msg` with the values put in. METADATA that lack either never make a finding vanish.
package lib.result

# The result of the rule that calls it with `rego.metadata.chain()`.
of(chain, values) := {"code": code(chain), "msg": message(chain, values)}

# The same about one of several things, by which the finding can be excluded: `exclude: [package.short_name:term]`.
about(term, chain, values) := object.union(of(chain, values), {"term": term})

# The same for an entry of rule data that may say from when on it counts.
since(entry, term, chain, values) := object.union(about(term, chain, values), {"effective_on": entry.effective_on}) if {
	is_string(entry.effective_on)
} else := about(term, chain, values)

code(chain) := concat(".", array.concat(array.slice(path, 0, count(path) - 1), [name])) if {
	path := chain[0].path
	name := object.get(chain[0], ["annotations", "custom", "short_name"], path[count(path) - 1])
}

message(chain, values) := sprintf(format, values) if {
	format := chain[0].annotations.custom.failure_msg
} else := sprintf("%s does not hold: %v", [code(chain), values])
