# METADATA
# title: Vulnerability scans
# description: >-
#   Reads the results of vulnerability scans: numbers by severity from the task result `SCAN_OUTPUT`, and individual
#   vulnerabilities with their dates from the reports that the task result `REPORTS` lists by image digest. If a task has a
#   report about the image, its `SCAN_OUTPUT` is ignored.
package lib.scan

severities := ["critical", "high", "medium", "low", "unknown"]

# Numbers of vulnerabilities of each scan by severity: `fixable` (with a fix), `unfixed` (without one) and `recent` (with a
# fix, but within the leeway, and not counted as `fixable`). `task` is the label of the task.
scans contains scan if {
	some task in scanning
	some _, entries in readable_reports(task)
	scan := {
		"task": data.lib.tekton.label(task),
		"fixable": tally([entry.severity | some entry in entries; entry.is_fixed; not is_recent(entry)]),
		"recent": tally([entry.severity | some entry in entries; entry.is_fixed; is_recent(entry)]),
		"unfixed": tally([entry.severity | some entry in entries; not entry.is_fixed]),
	}
}

scans contains scan if {
	some task in scanning
	count(reports(task)) == 0
	some text in data.lib.tekton.result_texts(task, "SCAN_OUTPUT")
	output := numbers(text)
	scan := object.union(output, {"task": data.lib.tekton.label(task), "recent": {}})
}

# Tasks with a scan result or report that cannot be read.
unreadable contains data.lib.tekton.label(task) if {
	some task in scanning
	some text in data.lib.tekton.result_texts(task, "SCAN_OUTPUT")
	not numbers(text)
}

unreadable contains data.lib.tekton.label(task) if {
	some task in scanning
	count(readable_reports(task)) < count(reports(task))
}

unreadable contains data.lib.tekton.label(task) if {
	some task in scanning
	some text in data.lib.tekton.result_texts(task, "REPORTS")
	not list_of_reports(text)
}

scanning contains task if {
	some task in data.lib.tekton.tasks
	some result in task.results
	result.name in {"SCAN_OUTPUT", "REPORTS"}
}

# The numbers of a `SCAN_OUTPUT`. Other severities count as unknown. Undefined if it cannot be read.
numbers(text) := {"fixable": fixable, "unfixed": unfixed} if {
	json.is_valid(text)
	output := json.unmarshal(text)
	count(output.vulnerabilities) > 0
	fixable := by_severity(output.vulnerabilities)
	unfixed := by_severity(object.get(output, "unpatched_vulnerabilities", {}))
}

by_severity(found) := numbers if {
	is_object(found)
	every _, number in found {
		is_number(number)
		number >= 0
	}
	numbers := {severity: number |
		some severity in severities
		number := sum([number | some name, number in found; severity_of(name) == severity])
	}
}

severity_of(name) := lower(name) if {
	lower(name) in severities
} else := "unknown"

tally(names) := {severity: number |
	some severity in severities
	number := count([name | some name in names; name == severity])
}

# The digests of the reports of the task about the image.
reports(task) := {digest |
	some text in data.lib.tekton.result_texts(task, "REPORTS")
	digest := list_of_reports(text)[image_parts[1]]
}

list_of_reports(text) := list if {
	json.is_valid(text)
	list := json.unmarshal(text)
	is_object(list)
}

image_parts := split(input.image.ref, "@")

readable_reports(task) := {digest: entries |
	some digest in reports(task)
	entries := entries_of(ec.oci.blob(sprintf("%s@%s", [image_parts[0], digest])))
}

# The vulnerabilities of a report in the format of Quay and Clair.
entries_of(text) := [entry | some item in found; entry := entry_of(item)] if {
	json.is_valid(text)
	found := json.unmarshal(text).vulnerabilities
	is_collection(found)
}

is_collection(value) if is_object(value)

is_collection(value) if is_array(value)

entry_of(item) := {
	"severity": severity_of(text_in(item, "normalized_severity")),
	"is_fixed": text_in(item, "fixed_in_version") != "",
	"issued": text_in(item, "issued"),
}

text_in(item, key) := text if {
	text := item[key]
	is_string(text)
} else := ""

# Whether a vulnerability was published within the leeway of its severity. One without a date, or with a date in the
# future, was not.
is_recent(entry) if {
	days := data.lib.rule_data.object("cve_leeway")[entry.severity]
	is_number(days)
	regex.match(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`, entry.issued)
	age := data.config.policy.when_ns - time.parse_rfc3339_ns(entry.issued)
	age >= 0
	age < ((days * 24) * 3600) * 1000000000
}
