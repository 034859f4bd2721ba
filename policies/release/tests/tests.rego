# METADATA
# title: Test results
# description: >-
#   The provenance must record the tests of the build, and they must have passed. A test is a task with the result
#   `TEST_OUTPUT`, whose `result` is SUCCESS, WARNING, SKIPPED, FAILURE or ERROR. A test is identified by the name of its
#   task in the pipeline.
# custom:
#   rule_data:
#     required_tests: >-
#       Names of task definitions that must have the result `TEST_OUTPUT`. Absent: at least one test of any name.
#     allowed_skipped_tests: >-
#       Names of tasks in the pipeline whose test may be skipped, or `*` for all. Absent: none.
package tests

# METADATA
# title: Build must have test results
# description: At least one task of the build must have the result `TEST_OUTPUT`.
# custom:
#   short_name: found
#   failure_msg: >-
#     No task of the build has the result TEST_OUTPUT
#   solution: >-
#     Add a task to the pipeline that tests the image and emits the result `TEST_OUTPUT`.
#   collections:
#   - release
#   depends_on:
#   - tasks.named
deny contains result if {
	count(outputs) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Required tests must have results
# description: >-
#   Each task of the list `required_tests` of the rule data must have the result `TEST_OUTPUT`. Here a task is identified by
#   the name of its definition, not by its name in the pipeline.
# custom:
#   short_name: required
#   failure_msg: >-
#     The required test `%s` has no result TEST_OUTPUT
#   solution: >-
#     Add the test to the pipeline, and make sure that no condition skips it.
#   collections:
#   - release
#   depends_on:
#   - tests.found
deny contains result if {
	some name in data.lib.rule_data.list("required_tests")
	not name in {output.task | some output in outputs}
	result := data.lib.result.with_term(name, rego.metadata.chain(), [name])
}

# METADATA
# title: Test results must be readable
# description: Each `TEST_OUTPUT` must be JSON whose `result` is SUCCESS, WARNING, SKIPPED, FAILURE or ERROR.
# custom:
#   short_name: readable
#   failure_msg: >-
#     The result TEST_OUTPUT of the task `%s` contains no known outcome
#   solution: >-
#     Emit JSON such as `{"result":"SUCCESS","successes":1,"failures":0,"warnings":0}`.
#   collections:
#   - release
deny contains result if {
	some output in outputs
	not output.outcome in outcomes
	result := data.lib.result.with_term(output.name, rego.metadata.chain(), [output.name])
}

# METADATA
# title: Tests must pass
# description: No test may have the outcome FAILURE.
# custom:
#   short_name: passed
#   failure_msg: >-
#     The test `%s` failed%s
#   solution: >-
#     Fix the failures shown in the log of the task, then rebuild the image.
#   collections:
#   - release
deny contains result if {
	some output in outputs
	output.outcome == "FAILURE"
	result := data.lib.result.with_term(output.name, rego.metadata.chain(), [output.name, output.note])
}

# METADATA
# title: Tests must complete
# description: No test may have the outcome ERROR.
# custom:
#   short_name: completed
#   failure_msg: >-
#     The test `%s` ended with an error%s
#   solution: >-
#     Fix the error shown in the log of the task, then rebuild the image.
#   collections:
#   - release
deny contains result if {
	some output in outputs
	output.outcome == "ERROR"
	result := data.lib.result.with_term(output.name, rego.metadata.chain(), [output.name, output.note])
}

# METADATA
# title: Tests must not be skipped
# description: >-
#   No test may have the outcome SKIPPED, except those of the list `allowed_skipped_tests` of the rule data.
# custom:
#   short_name: not_skipped
#   failure_msg: >-
#     The test `%s` was skipped%s
#   solution: >-
#     Provide what the test needs to run, or add its task to `allowed_skipped_tests`.
#   collections:
#   - release
deny contains result if {
	some output in outputs
	output.outcome == "SKIPPED"
	count({"*", output.name} & {name | some name in data.lib.rule_data.list("allowed_skipped_tests")}) == 0
	result := data.lib.result.with_term(output.name, rego.metadata.chain(), [output.name, output.note])
}

# METADATA
# title: Tests must pass without warnings
# description: No test may have the outcome WARNING.
# custom:
#   short_name: no_warnings
#   failure_msg: >-
#     The test `%s` passed with warnings%s
#   solution: >-
#     Fix the warnings shown in the log of the task.
#   collections:
#   - release
warn contains result if {
	some output in outputs
	output.outcome == "WARNING"
	result := data.lib.result.with_term(output.name, rego.metadata.chain(), [output.name, output.note])
}

outcomes := {"SUCCESS", "WARNING", "SKIPPED", "FAILURE", "ERROR"}

# The test results: `name` of the task in the pipeline, `task` (name of the definition), `outcome`, and `note` for messages.
outputs contains output if {
	some task in data.lib.tekton.tasks
	some text in data.lib.tekton.result_texts(task, "TEST_OUTPUT")
	output := {
		"name": data.lib.tekton.label(task),
		"task": task.task,
		"outcome": field(text, "result"),
		"note": note_text(field(text, "note")),
	}
}

# A field of a TEST_OUTPUT; empty if absent.
field(text, key) := value if {
	json.is_valid(text)
	value := json.unmarshal(text)[key]
	is_string(value)
} else := ""

note_text(note) := "" if {
	note == ""
} else := sprintf(": %s", [note])
