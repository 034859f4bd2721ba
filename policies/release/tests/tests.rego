# METADATA
# title: Results of tests
# description: >-
#   An image ships only when the tests of its build are on record and passed. A test is a task with the result
#   `TEST_OUTPUT`, whose `result` is SUCCESS, WARNING, SKIPPED, FAILURE or ERROR. A test goes by its task's name in the
#   pipeline.
# custom:
#   rule_data:
#     required_tests: >-
#       Names of task definitions that must have given the result `TEST_OUTPUT`. Absent: any one test will do.
#     allowed_skipped_tests: >-
#       Names of tasks in the pipeline that may skip their test, or `*` for all. Absent: none.
package tests

# METADATA
# title: Tests are on record
# description: At least one task of the build has the result `TEST_OUTPUT`.
# custom:
#   short_name: found
#   failure_msg: >-
#     No task of the build has the result TEST_OUTPUT
#   solution: >-
#     Add a task to the pipeline that tests the image and tells the outcome by its result `TEST_OUTPUT`.
#   collections:
#   - release
#   depends_on:
#   - tasks.named
deny contains result if {
	count(outputs) == 0
	result := data.lib.result.of(rego.metadata.chain(), [])
}

# METADATA
# title: Required tests are on record
# description: >-
#   Each task of the list `required_tests` of the rule data has the result `TEST_OUTPUT`. A task goes by the name of its
#   definition here, not by the one the pipeline gave it.
# custom:
#   short_name: required
#   failure_msg: >-
#     The required test `%s` has no result TEST_OUTPUT
#   solution: >-
#     Add the test to the pipeline, and see that no condition skips it.
#   collections:
#   - release
#   depends_on:
#   - tests.found
deny contains result if {
	some name in data.lib.rule_data.list("required_tests")
	not name in {output.task | some output in outputs}
	result := data.lib.result.about(name, rego.metadata.chain(), [name])
}

# METADATA
# title: Results of tests are understood
# description: Each `TEST_OUTPUT` is JSON whose `result` is one of the five known words.
# custom:
#   short_name: readable
#   failure_msg: >-
#     The result TEST_OUTPUT of the task `%s` tells no outcome
#   solution: >-
#     Let the task write JSON such as `{"result":"SUCCESS","successes":1,"failures":0,"warnings":0}`.
#   collections:
#   - release
deny contains result if {
	some output in outputs
	not output.outcome in outcomes
	result := data.lib.result.about(output.name, rego.metadata.chain(), [output.name])
}

# METADATA
# title: Tests passed
# description: No test has the outcome FAILURE.
# custom:
#   short_name: passed
#   failure_msg: >-
#     The test `%s` failed%s
#   solution: >-
#     Read the log of the task, mend what it found and build again.
#   collections:
#   - release
deny contains result if {
	some output in outputs
	output.outcome == "FAILURE"
	result := data.lib.result.about(output.name, rego.metadata.chain(), [output.name, output.note])
}

# METADATA
# title: Tests ran to their end
# description: No test has the outcome ERROR.
# custom:
#   short_name: completed
#   failure_msg: >-
#     The test `%s` ended with an error%s
#   solution: >-
#     Read the log of the task, mend the test or its surroundings and build again.
#   collections:
#   - release
deny contains result if {
	some output in outputs
	output.outcome == "ERROR"
	result := data.lib.result.about(output.name, rego.metadata.chain(), [output.name, output.note])
}

# METADATA
# title: Tests were not skipped
# description: >-
#   No test has the outcome SKIPPED, but for those of the list `allowed_skipped_tests` of the rule data.
# custom:
#   short_name: not_skipped
#   failure_msg: >-
#     The test `%s` was skipped%s
#   solution: >-
#     Give the test what it needs to run, or add its task to `allowed_skipped_tests`.
#   collections:
#   - release
deny contains result if {
	some output in outputs
	output.outcome == "SKIPPED"
	count({"*", output.name} & {name | some name in data.lib.rule_data.list("allowed_skipped_tests")}) == 0
	result := data.lib.result.about(output.name, rego.metadata.chain(), [output.name, output.note])
}

# METADATA
# title: Tests passed without warnings
# description: No test has the outcome WARNING.
# custom:
#   short_name: no_warnings
#   failure_msg: >-
#     The test `%s` passed with warnings%s
#   solution: >-
#     Read the log of the task and mend what it warns of.
#   collections:
#   - release
warn contains result if {
	some output in outputs
	output.outcome == "WARNING"
	result := data.lib.result.about(output.name, rego.metadata.chain(), [output.name, output.note])
}

outcomes := {"SUCCESS", "WARNING", "SKIPPED", "FAILURE", "ERROR"}

# What each test tells: `name` in the pipeline, `task` as the definition is called, `outcome`, and a `note` for messages.
outputs contains output if {
	some task in data.lib.tekton.tasks
	some text in data.lib.tekton.result_texts(task, "TEST_OUTPUT")
	output := {
		"name": data.lib.tekton.label(task),
		"task": task.task,
		"outcome": field(text, "result"),
		"note": noted(field(text, "note")),
	}
}

# A field of a TEST_OUTPUT; empty where it is not told.
field(text, key) := value if {
	json.is_valid(text)
	value := json.unmarshal(text)[key]
	is_string(value)
} else := ""

noted(note) := "" if {
	note == ""
} else := sprintf(": %s", [note])
