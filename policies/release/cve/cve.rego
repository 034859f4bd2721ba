# METADATA
# title: Known vulnerabilities
# description: >-
#   An image ships only when a scan of it is on record and found no more than the allowed number of vulnerabilities. The
#   numbers come from the results of scan tasks, or from the reports those name.
# custom:
#   rule_data:
#     allowed_cves: >-
#       How many vulnerabilities that have a fix an image may have, by severity (`critical`, `high`, `medium`, `low`,
#       `unknown`): a number, or `any`. Absent: 0.
#     allowed_unfixed_cves: >-
#       The same for vulnerabilities that have no fix yet; more of them warn. Absent: 0.
#     cve_leeway: >-
#       For how many days after it became known a vulnerability only warns, by severity. Only a report tells the date;
#       numbers alone have no leeway. Absent: 0.
package cve

# METADATA
# title: Image was scanned
# description: >-
#   At least one task of the build has the result `SCAN_OUTPUT`, or the result `REPORTS` with a report about the image.
# custom:
#   short_name: results_found
#   failure_msg: >-
#     No task of the build tells which vulnerabilities the image has
#   solution: >-
#     Add a task to the pipeline that scans the image for vulnerabilities, and see that no condition skips it.
#   collections:
#   - minimal
#   - release
#   depends_on:
#   - tasks.named
deny contains result if {
	count(data.lib.scan.scans) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Results of scans are understood
# description: >-
#   Each `SCAN_OUTPUT` holds numbers by severity, and each report about the image can be fetched and read.
# custom:
#   short_name: results_readable
#   failure_msg: >-
#     What the task `%s` found in the image cannot be read
#   solution: >-
#     Look at the task's results: `SCAN_OUTPUT` is JSON such as `{"vulnerabilities":{"critical":0,"high":0}}`, and
#     `REPORTS` names reports by digest that are stored beside the image.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some task in data.lib.scan.unreadable
	result := data.lib.result.about(task, rego.metadata.chain(), [task])
}

# METADATA
# title: Vulnerabilities that have a fix
# description: >-
#   No scan found more vulnerabilities that have a fix than `allowed_cves` of the rule data allows for their severity.
# custom:
#   short_name: fixed_allowed
#   failure_msg: >-
#     The task `%s` found %v vulnerabilities of severity %s that have a fix; %v are allowed
#   solution: >-
#     Update the packages that the scan names and build again, or raise the number in `allowed_cves`.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some scan in data.lib.scan.scans
	some severity, number in scan.fixable
	allowed := limit("allowed_cves", severity)
	number > allowed
	result := data.lib.result.about(severity, rego.metadata.chain(), [scan.task, number, severity, allowed])
}

# METADATA
# title: Vulnerabilities without a fix
# description: >-
#   No scan found more vulnerabilities without a fix than `allowed_unfixed_cves` of the rule data allows for their
#   severity.
# custom:
#   short_name: unfixed_allowed
#   failure_msg: >-
#     The task `%s` found %v vulnerabilities of severity %s without a fix; %v are allowed
#   solution: >-
#     See whether the vulnerable package can be left out, or raise the number in `allowed_unfixed_cves`.
#   collections:
#   - release
warn contains result if {
	some scan in data.lib.scan.scans
	some severity, number in scan.unfixed
	allowed := limit("allowed_unfixed_cves", severity)
	number > allowed
	result := data.lib.result.about(severity, rego.metadata.chain(), [scan.task, number, severity, allowed])
}

# METADATA
# title: Vulnerabilities within the leeway
# description: >-
#   No scan found vulnerabilities that have a fix and are so new that the leeway of the rule data, `cve_leeway`, covers
#   them. They count once the leeway has passed.
# custom:
#   short_name: recent
#   failure_msg: >-
#     The task `%s` found %v vulnerabilities of severity %s that have a fix and count after the leeway of %v days
#   solution: >-
#     Update the packages that the scan names and build again before the leeway ends.
#   collections:
#   - release
warn contains result if {
	some scan in data.lib.scan.scans
	some severity, number in scan.recent
	number > 0
	leeway := data.lib.rule_data.object("cve_leeway")[severity]
	result := data.lib.result.about(severity, rego.metadata.chain(), [scan.task, number, severity, leeway])
}

# How many are allowed. Undefined where any number is.
limit(key, severity) := allowed if {
	allowed := data.lib.rule_data.object(key)[severity]
	is_number(allowed)
} else := 0 if {
	object.get(data.lib.rule_data.object(key), severity, 0) != "any"
}
