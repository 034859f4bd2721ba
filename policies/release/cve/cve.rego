# METADATA
# title: Known vulnerabilities
# description: >-
#   The image must have been scanned, and the scan must not have found more than the allowed number of vulnerabilities.
#   The numbers come from the results of scan tasks, or from the reports that these reference.
# custom:
#   rule_data:
#     allowed_cves: >-
#       Allowed number of vulnerabilities with a fix, by severity (`critical`, `high`, `medium`, `low`, `unknown`): a
#       number, or `any`. Absent: 0.
#     allowed_unfixed_cves: >-
#       The same for vulnerabilities without a fix; exceeding it is a warning. Absent: 0.
#     cve_leeway: >-
#       Number of days after its publication in which a vulnerability is only a warning, by severity. Only reports contain
#       the date; it has no effect on numbers without a report. Absent: 0.
package cve

# METADATA
# title: Image must be scanned for vulnerabilities
# description: >-
#   At least one task of the build must have the result `SCAN_OUTPUT`, or the result `REPORTS` with a report about the
#   image.
# custom:
#   short_name: results_found
#   failure_msg: >-
#     No task of the build has a vulnerability scan result for the image
#   solution: >-
#     Add a task to the pipeline that scans the image for vulnerabilities, and make sure that no condition skips it.
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
# title: Scan results must be readable
# description: >-
#   Each `SCAN_OUTPUT` must contain numbers by severity, and it must be possible to fetch and parse each report about the
#   image.
# custom:
#   short_name: results_readable
#   failure_msg: >-
#     The scan result of the task `%s` cannot be read
#   solution: >-
#     Check the results of the task: `SCAN_OUTPUT` must be JSON such as `{"vulnerabilities":{"critical":0,"high":0}}`, and
#     `REPORTS` must reference reports by digest in the repository of the image.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some task in data.lib.scan.unreadable
	result := data.lib.result.with_term(task, rego.metadata.chain(), [task])
}

# METADATA
# title: Vulnerabilities with a fix must not exceed the limit
# description: >-
#   No scan may find more vulnerabilities with a fix than `allowed_cves` of the rule data allows for their severity.
# custom:
#   short_name: fixed_allowed
#   failure_msg: >-
#     The task `%s` found %v vulnerabilities of severity %s with a fix; %v are allowed
#   solution: >-
#     Update the affected packages and rebuild the image, or raise the number in `allowed_cves`.
#   collections:
#   - minimal
#   - release
deny contains result if {
	some scan in data.lib.scan.scans
	some severity, number in scan.fixable
	allowed := limit("allowed_cves", severity)
	number > allowed
	result := data.lib.result.with_term(severity, rego.metadata.chain(), [scan.task, number, severity, allowed])
}

# METADATA
# title: Vulnerabilities without a fix must not exceed the limit
# description: >-
#   No scan may find more vulnerabilities without a fix than `allowed_unfixed_cves` of the rule data allows for their
#   severity.
# custom:
#   short_name: unfixed_allowed
#   failure_msg: >-
#     The task `%s` found %v vulnerabilities of severity %s without a fix; %v are allowed
#   solution: >-
#     Remove the affected package if it is not needed, or raise the number in `allowed_unfixed_cves`.
#   collections:
#   - release
warn contains result if {
	some scan in data.lib.scan.scans
	some severity, number in scan.unfixed
	allowed := limit("allowed_unfixed_cves", severity)
	number > allowed
	result := data.lib.result.with_term(severity, rego.metadata.chain(), [scan.task, number, severity, allowed])
}

# METADATA
# title: Recent vulnerabilities must be fixed before the leeway ends
# description: >-
#   No scan may find vulnerabilities with a fix, even those published within the leeway (`cve_leeway` of the rule data).
#   They become violations when the leeway has passed.
# custom:
#   short_name: recent
#   failure_msg: >-
#     The task `%s` found %v vulnerabilities of severity %s with a fix within the leeway of %v days
#   solution: >-
#     Update the affected packages and rebuild the image before the leeway ends.
#   collections:
#   - release
warn contains result if {
	some scan in data.lib.scan.scans
	some severity, number in scan.recent
	number > 0
	leeway := data.lib.rule_data.object("cve_leeway")[severity]
	result := data.lib.result.with_term(severity, rego.metadata.chain(), [scan.task, number, severity, leeway])
}

# The allowed number. Undefined if any number is allowed.
limit(key, severity) := allowed if {
	allowed := data.lib.rule_data.object(key)[severity]
	is_number(allowed)
} else := 0 if {
	object.get(data.lib.rule_data.object(key), severity, 0) != "any"
}
