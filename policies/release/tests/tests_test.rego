package tests_test

test_a_test_that_passed_passes_in_either_form if {
	shown(outcome("SUCCESS"), {}) == set()
	run := data.lib.sample_test.run_telling(
		data.lib.sample_test.task_run("unit", {"taskRef": {"name": "unit"}}, {}, "True"),
		"TEST_OUTPUT",
		`{"result":"SUCCESS"}`,
	)
	shown(data.lib.sample_test.input_of([data.lib.sample_test.v1([data.lib.sample_test.carrying(run)])]), {}) == set()
}

test_a_build_without_tests_is_denied if {
	shown(data.lib.sample_test.good_v0_2, {}) == {"tests.found:"}
	shown(data.lib.sample_test.good_v1, {}) == {"tests.found:"}
	shown(data.lib.sample_test.input_of([]), {}) == {"tests.found:"}
}

test_each_bad_outcome_is_denied_by_its_rule if {
	every word, code in {"FAILURE": "tests.passed:scan", "ERROR": "tests.completed:scan", "SKIPPED": "tests.not_skipped:scan"} {
		shown(outcome(word), {}) == {code}
		warned(outcome(word)) == set()
	}
}

test_a_warning_warns if {
	shown(outcome("WARNING"), {}) == set()
	warned(outcome("WARNING")) == {"tests.no_warnings:scan"}
	warned(outcome("SUCCESS")) == set()
}

test_a_note_is_told if {
	denied := data.tests.deny with input as telling(`{"result":"FAILURE","note":"two doors are open"}`)
	{result.msg | some result in denied} == {"The test `scan` failed: two doors are open"}
}

test_a_result_without_outcome_is_denied if {
	every text in ["", "SUCCESS", "[]", "{}", `{"result":null}`, `{"result":"success"}`, `{"result":["SUCCESS"]}`] {
		shown(telling(text), {}) == {"tests.readable:scan"}
	}
}

test_only_listed_tests_may_be_skipped if {
	every list in [[], ["unit"], null, "scan"] {
		shown(outcome("SKIPPED"), {"allowed_skipped_tests": list}) == {"tests.not_skipped:scan"}
	}
	every list in [["scan"], ["*"]] {
		shown(outcome("SKIPPED"), {"allowed_skipped_tests": list}) == set()
	}
}

test_a_required_test_goes_by_its_definition if {
	task := data.lib.sample_test.telling(data.lib.sample_test.build_task, "TEST_OUTPUT", `{"result":"SUCCESS"}`)
	document := data.lib.sample_test.input_of([data.lib.sample_test.v0_2([task])])
	shown(document, {"required_tests": ["build"]}) == set()
	shown(document, {"required_tests": ["build-container", "fuzz"]}) == {
		"tests.required:build-container",
		"tests.required:fuzz",
	}
}

outcome(word) := telling(json.marshal({"result": word}))

telling(text) := data.lib.sample_test.input_of([data.lib.sample_test.v0_2([
	data.lib.sample_test.telling(data.lib.sample_test.scan_task, "TEST_OUTPUT", text),
])])

shown(document, settings) := result if {
	result := data.lib.sample_test.shown(data.tests.deny) with input as document with data.rule_data as settings
}

warned(document) := data.lib.sample_test.shown(found) if {
	found := data.tests.warn with input as document
}
