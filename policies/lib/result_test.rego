package lib.result_test

# METADATA
# custom:
#   short_name: annotated
#   failure_msg: The cart holds %d things, not %d
annotated := [
	data.lib.result.of(rego.metadata.chain(), [2, 3]),
	data.lib.result.with_term("cart", rego.metadata.chain(), [2, 3]),
	data.lib.result.with_effective_date({"effective_on": "2030-01-01T00:00:00Z"}, "cart", rego.metadata.chain(), [2, 3]),
	data.lib.result.with_effective_date({}, "cart", rego.metadata.chain(), [2, 3]),
]

unannotated := data.lib.result.of(rego.metadata.chain(), [2, 3])

test_code_and_message_come_from_the_metadata if {
	plain := {"code": "lib.result_test.annotated", "msg": "The cart holds 2 things, not 3"}
	termed := object.union(plain, {"term": "cart"})
	annotated == [plain, termed, object.union(termed, {"effective_on": "2030-01-01T00:00:00Z"}), termed]
}

test_a_rule_without_metadata_still_has_a_message if {
	unannotated == {"code": "lib.result_test.unannotated", "msg": "lib.result_test.unannotated is violated: [2, 3]"}
}
