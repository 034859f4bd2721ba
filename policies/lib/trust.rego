# METADATA
# title: Trusted tasks
# description: >-
#   Looks up a task definition in the list of trusted tasks, `data.trusted_tasks`: a map from `oci://repository:tag` or
#   `git+url//path` to records, the newest first, each with a `ref` (digest or commit) and optionally `expires_on`.
package lib.trust

default list := {}

list := data.trusted_tasks if is_object(data.trusted_tasks)

# The records of the list for this definition.
records(source) := [record |
	source.ref != ""
	some key in keys(source)
	found := list[key]
	is_array(found)
	some record in found
	record.ref == source.ref
]

# The keys that match the definition. If the provenance records neither tag nor path, all keys of the repository match.
keys(source) := {sprintf("oci://%s:%s", [source.repository, source.tag])} if {
	source.kind == "bundle"
	source.tag != ""
} else := {key | some key, _ in list; startswith(key, sprintf("oci://%s:", [source.repository]))} if {
	source.kind == "bundle"
} else := {key |
	some key, _ in list
	parts := split(trim_prefix(key, "git+"), "//")
	path := parts[count(parts) - 1]
	path_matches(source, path)
	data.lib.slsa.normalized_url(trim_suffix(key, sprintf("//%s", [path]))) == source.repository
} if {
	source.kind == "git"
} else := set()

path_matches(source, path) if source.path == path

path_matches(source, _) if source.path == ""

# Whether a record is valid at the effective time. A record whose `expires_on` is not an RFC 3339 date-time is not.
current(record) if object.get(record, "expires_on", "") == ""

current(record) if expiry_ns(record) > data.config.policy.when_ns

# Whether a record is valid at the effective time and expires within this number of days.
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
