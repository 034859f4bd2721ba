package tests_test

test_a_passed_test_passes_in_both_provenance_versions if {
	shown(with_outcome("SUCCESS"), {}) == set()
	run := data.lib.sample_test.task_run_with_result(
		data.lib.sample_test.task_run("unit", {"taskRef": {"name": "unit"}}, {}, "True"),
		"TEST_OUTPUT",
		`{"result":"SUCCESS"}`,
	)
	shown(data.lib.sample_test.input_of([data.lib.sample_test.v1([data.lib.sample_test.dependency_of(run)])]), {}) == set()
}

test_a_build_without_tests_is_denied if {
	shown(data.lib.sample_test.good_v0_2, {}) == {"tests.found:"}
	shown(data.lib.sample_test.good_v1, {}) == {"tests.found:"}
	shown(data.lib.sample_test.input_of([]), {}) == {"tests.found:"}
}

test_each_bad_outcome_is_denied_by_its_rule if {
	every outcome, code in {"FAILURE": "tests.passed:scan", "ERROR": "tests.completed:scan", "SKIPPED": "tests.not_skipped:scan"} {
		shown(with_outcome(outcome), {}) == {code}
		warned(with_outcome(outcome)) == set()
	}
}

test_the_outcome_warning_is_a_warning if {
	shown(with_outcome("WARNING"), {}) == set()
	warned(with_outcome("WARNING")) == {"tests.no_warnings:scan"}
	warned(with_outcome("SUCCESS")) == set()
}

test_a_note_is_part_of_the_message if {
	denied := data.tests.deny with input as input_with_result(`{"result":"FAILURE","note":"two ports are open"}`)
	{result.msg | some result in denied} == {"The test `scan` failed: two ports are open"}
}

test_a_result_without_outcome_is_denied if {
	every text in ["", "SUCCESS", "[]", "{}", `{"result":null}`, `{"result":"success"}`, `{"result":["SUCCESS"]}`] {
		shown(input_with_result(text), {}) == {"tests.readable:scan"}
	}
}

test_only_listed_tests_may_be_skipped if {
	every list in [[], ["unit"], null, "scan"] {
		shown(with_outcome("SKIPPED"), {"allowed_skipped_tests": list}) == {"tests.not_skipped:scan"}
	}
	every list in [["scan"], ["*"]] {
		shown(with_outcome("SKIPPED"), {"allowed_skipped_tests": list}) == set()
	}
}

test_a_required_test_is_identified_by_its_definition if {
	task := data.lib.sample_test.with_result(data.lib.sample_test.build_task, "TEST_OUTPUT", `{"result":"SUCCESS"}`)
	document := data.lib.sample_test.input_of([data.lib.sample_test.v0_2([task])])
	shown(document, {"required_tests": ["build"]}) == set()
	shown(document, {"required_tests": ["build-container", "fuzz"]}) == {
		"tests.required:build-container",
		"tests.required:fuzz",
	}
}

with_outcome(outcome) := input_with_result(json.marshal({"result": outcome}))

input_with_result(text) := data.lib.sample_test.input_of([data.lib.sample_test.v0_2([data.lib.sample_test.with_result(data.lib.sample_test.scan_task, "TEST_OUTPUT", text)])])

shown(document, settings) := result if {
	result := data.lib.sample_test.shown(data.tests.deny) with input as document with data.rule_data as settings
}

warned(document) := data.lib.sample_test.shown(found) if {
	found := data.tests.warn with input as document
}
