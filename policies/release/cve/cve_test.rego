package cve_test

zero := {"vulnerabilities": {"critical": 0, "high": 0, "medium": 0, "low": 0}}

test_a_scan_without_vulnerabilities_passes_in_both_provenance_versions if {
	shown(counted(zero), {}) == set()
	run := data.lib.sample_test.task_run_with_result(
		data.lib.sample_test.task_run("scan", {"taskRef": {"name": "scan"}}, {}, "True"),
		"SCAN_OUTPUT",
		json.marshal(zero),
	)
	shown(data.lib.sample_test.input_of([data.lib.sample_test.v1([data.lib.sample_test.dependency_of(run)])]), {}) == set()
}

test_an_image_that_was_not_scanned_is_denied if {
	shown(data.lib.sample_test.good_v0_2, {}) == {"cve.results_found:"}
	shown(data.lib.sample_test.good_v1, {}) == {"cve.results_found:"}
	shown(input_with_result("TEST_OUTPUT", json.marshal(zero)), {}) == {"cve.results_found:"}
}

test_an_unreadable_result_is_denied if {
	every text in [
		"",
		"none",
		"[]",
		"{}",
		`{"vulnerabilities":{}}`,
		`{"vulnerabilities":[]}`,
		`{"vulnerabilities":{"critical":"0"}}`,
		`{"vulnerabilities":{"critical":-1}}`,
		`{"vulnerabilities":{"critical":0},"unpatched_vulnerabilities":7}`,
	] {
		shown(input_with_result("SCAN_OUTPUT", text), {}) == {"cve.results_found:", "cve.results_readable:scan"}
	}
}

test_more_than_the_allowed_number_is_denied if {
	document := counted({"vulnerabilities": {"critical": 1, "high": 2, "medium": 3}})
	every row in [
		{"allowed": {}, "want": {"cve.fixed_allowed:critical", "cve.fixed_allowed:high", "cve.fixed_allowed:medium"}},
		{"allowed": {"critical": 1, "high": 1, "medium": "any"}, "want": {"cve.fixed_allowed:high"}},
		{"allowed": {"critical": "many", "high": 2, "medium": 3}, "want": {"cve.fixed_allowed:critical"}},
		{"allowed": {"critical": 1, "high": 2, "medium": 3}, "want": set()},
		{"allowed": {"critical": "any", "high": "any", "medium": "any"}, "want": set()},
		{"allowed": 7, "want": {"cve.fixed_allowed:critical", "cve.fixed_allowed:high", "cve.fixed_allowed:medium"}},
	] {
		shown(document, {"allowed_cves": row.allowed}) == row.want
	}
}

test_a_severity_of_another_name_is_unknown if {
	document := counted({"vulnerabilities": {"Critical": 1, "dire": 2, "unknown": 1}})
	found := data.cve.deny with input as document
	{[result.term, result.msg] | some result in found} == {
		["critical", "The task `scan` found 1 vulnerabilities of severity critical with a fix; 0 are allowed"],
		["unknown", "The task `scan` found 3 vulnerabilities of severity unknown with a fix; 0 are allowed"],
	}
}

test_vulnerabilities_without_a_fix_only_warn if {
	document := counted(object.union(zero, {"unpatched_vulnerabilities": {"critical": 2, "low": 9}}))
	shown(document, {}) == set()
	warned(document, {}) == {"cve.unfixed_allowed:critical", "cve.unfixed_allowed:low"}
	warned(document, {"allowed_unfixed_cves": {"critical": 2, "low": "any"}}) == set()
}

test_each_of_two_scans_is_evaluated if {
	second := data.lib.sample_test.with_result(data.lib.sample_test.build_task, "SCAN_OUTPUT", `{"vulnerabilities":{"low":1}}`)
	first := data.lib.sample_test.with_result(data.lib.sample_test.scan_task, "SCAN_OUTPUT", json.marshal(zero))
	document := data.lib.sample_test.input_of([data.lib.sample_test.v0_2([first, second])])
	shown(document, {}) == {"cve.fixed_allowed:low"}
}

test_two_results_of_one_task_are_both_evaluated if {
	task := data.lib.sample_test.with_result(data.lib.sample_test.scan_task, "SCAN_OUTPUT", json.marshal(zero))
	document := data.lib.sample_test.input_of([data.lib.sample_test.v0_2([data.lib.sample_test.with_result(task, "SCAN_OUTPUT", `{"vulnerabilities":{"low":1}}`)])])
	shown(document, {}) == {"cve.fixed_allowed:low"}
}

report_digest := "sha256:7777777777777777777777777777777777777777777777777777777777777777"

reporting := input_with_result("REPORTS", json.marshal({sprintf("sha256:%s", [data.lib.sample_test.digest]): report_digest}))

# The effective time of the test data is 2025-06-01.
report := {"vulnerabilities": {
	"1": {"normalized_severity": "Critical", "fixed_in_version": "1.2", "issued": "2025-05-29T00:00:00Z"},
	"2": {"normalized_severity": "High", "fixed_in_version": "1.2", "issued": "2025-01-01T00:00:00Z"},
	"3": {"normalized_severity": "High", "fixed_in_version": "", "issued": "2025-01-01T00:00:00Z"},
	"4": {"normalized_severity": "Low", "fixed_in_version": "3", "issued": "2026-01-01T00:00:00Z"},
	"5": {"normalized_severity": "Low", "fixed_in_version": "3"},
	"6": {},
}}

blob("registry.example/shop/cart@sha256:7777777777777777777777777777777777777777777777777777777777777777") := json.marshal(report)

test_a_report_about_the_image_tells_fixed_from_unfixed_vulnerabilities if {
	denied := {"cve.fixed_allowed:critical", "cve.fixed_allowed:high", "cve.fixed_allowed:low"}
	unfixed := {"cve.unfixed_allowed:high", "cve.unfixed_allowed:unknown"}
	shown(reporting, {}) == denied with ec.oci.blob as blob
	warned(reporting, {}) == unfixed with ec.oci.blob as blob
}

test_a_recent_vulnerability_is_a_warning_within_the_leeway if {
	settings := {"cve_leeway": {"critical": 4, "high": 30, "low": 1000}}
	shown(reporting, settings) == {"cve.fixed_allowed:high", "cve.fixed_allowed:low"} with ec.oci.blob as blob
	"cve.recent:critical" in warned(reporting, settings) with ec.oci.blob as blob
	shorter := {"cve_leeway": {"critical": 3}}
	"cve.fixed_allowed:critical" in shown(reporting, shorter) with ec.oci.blob as blob
	not "cve.recent:critical" in warned(reporting, shorter) with ec.oci.blob as blob
}

test_a_report_replaces_the_numbers_of_its_task_only_if_it_is_about_the_image if {
	numbers := {"name": "SCAN_OUTPUT", "value": `{"vulnerabilities":{"medium":5}}`}
	both := json.patch(reporting, [{"op": "add", "path": results_path, "value": numbers}])
	not "cve.fixed_allowed:medium" in shown(both, {}) with ec.oci.blob as blob
	other := json.patch(both, [{"op": "replace", "path": "image/ref", "value": sprintf("registry.example/shop/cart@%s", [report_digest])}])
	shown(other, {}) == {"cve.fixed_allowed:medium"} with ec.oci.blob as blob
}

empty_blob(_) := "{}"

test_an_unreadable_report_is_denied if {
	shown(reporting, {}) == {"cve.results_found:", "cve.results_readable:scan"} with ec.oci.blob as empty_blob
	shown(input_with_result("REPORTS", "[]"), {}) == {"cve.results_found:", "cve.results_readable:scan"}
}

results_path := "attestations/0/statement/predicate/buildConfig/tasks/0/results/-"

counted(output) := input_with_result("SCAN_OUTPUT", json.marshal(output))

input_with_result(name, text) := data.lib.sample_test.input_of([data.lib.sample_test.v0_2([data.lib.sample_test.with_result(data.lib.sample_test.scan_task, name, text)])])

shown(document, settings) := result if {
	result := data.lib.sample_test.shown(data.cve.deny) with input as document
		with data.rule_data as settings
		with data.config as data.lib.sample_test.config
}

warned(document, settings) := result if {
	result := data.lib.sample_test.shown(data.cve.warn) with input as document
		with data.rule_data as settings
		with data.config as data.lib.sample_test.config
}
