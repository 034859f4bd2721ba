# METADATA
# title: Trusted tasks
# description: >-
#   Looks a task's definition up in the list of trusted tasks, `data.trusted_tasks`: a map from `oci://repository:tag`
#   or `git+url//path` to records, the newest first, each with a `ref` (digest or commit) and perhaps `expires_on`.
package lib.trust

default list := {}

list := data.trusted_tasks if is_object(data.trusted_tasks)

# The records of the list that name this very definition.
records(source) := [record |
	source.ref != ""
	some key in keys(source)
	found := list[key]
	is_array(found)
	some record in found
	record.ref == source.ref
]

# The keys under which the definition may be listed. Provenance that keeps neither tag nor path could mean any of its
# repository's.
keys(source) := {sprintf("oci://%s:%s", [source.repository, source.tag])} if {
	source.kind == "bundle"
	source.tag != ""
} else := {key | some key, _ in list; startswith(key, sprintf("oci://%s:", [source.repository]))} if {
	source.kind == "bundle"
} else := {key |
	some key, _ in list
	parts := split(trim_prefix(key, "git+"), "//")
	path := parts[count(parts) - 1]
	path_fits(source, path)
	data.lib.slsa.normal_url(trim_suffix(key, sprintf("//%s", [path]))) == source.repository
} if {
	source.kind == "git"
} else := set()

path_fits(source, path) if source.path == path

path_fits(source, _) if source.path == ""

# Whether a record still holds at the time of judging. An `expires_on` that is no RFC 3339 date-time never holds.
current(record) if object.get(record, "expires_on", "") == ""

current(record) if expiry_ns(record) > data.config.policy.when_ns

# Whether a record holds now and ends within so many days.
expiring(record, days) if {
	expiry := expiry_ns(record)
	expiry > data.config.policy.when_ns
	expiry <= data.config.policy.when_ns + (((days * 24) * 3600) * 1000000000)
}

expiry_ns(record) := ns if {
	is_string(record.expires_on)
	regex.match(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`, record.expires_on)
	ns := time.parse_rfc3339_ns(record.expires_on)
}
