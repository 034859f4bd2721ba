package lib.result_test

# METADATA
# custom:
#   short_name: told
#   failure_msg: The cart holds %d things, not %d
told := [
	data.lib.result.of(rego.metadata.chain(), [2, 3]),
	data.lib.result.about("cart", rego.metadata.chain(), [2, 3]),
	data.lib.result.since({"effective_on": "2030-01-01T00:00:00Z"}, "cart", rego.metadata.chain(), [2, 3]),
	data.lib.result.since({}, "cart", rego.metadata.chain(), [2, 3]),
]

untold := data.lib.result.of(rego.metadata.chain(), [2, 3])

test_code_and_message_come_from_the_metadata if {
	plain := {"code": "lib.result_test.told", "msg": "The cart holds 2 things, not 3"}
	termed := object.union(plain, {"term": "cart"})
	told == [plain, termed, object.union(termed, {"effective_on": "2030-01-01T00:00:00Z"}), termed]
}

test_a_rule_without_metadata_still_says_something if {
	untold == {"code": "lib.result_test.untold", "msg": "lib.result_test.untold does not hold: [2, 3]"}
}
