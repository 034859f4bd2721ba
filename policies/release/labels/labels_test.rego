package labels_test

test_without_lists_nothing_is_required if {
	shown({}, {}) == set()
	shown({"name": "cart"}, {"required_labels": "name"}) == set()
}

test_a_required_label_that_is_absent_or_empty_is_denied if {
	settings := {"required_labels": [{"name": "name"}, {"name": "vendor"}]}
	shown({"name": "cart", "vendor": "shop"}, settings) == set()
	shown({"name": "cart"}, settings) == {"labels.required:vendor"}
	shown({"name": " ", "vendor": "shop"}, settings) == {"labels.required:name"}
	shown(null, settings) == {"labels.required:name", "labels.required:vendor"}
}

test_a_required_label_must_have_a_listed_value if {
	settings := {"required_labels": [{"name": "channel", "values": ["stable", "beta"]}]}
	shown({"channel": "beta"}, settings) == set()
	shown({"channel": "nightly"}, settings) == {"labels.value_allowed:channel"}
}

test_a_deprecated_label_is_a_warning if {
	settings := {"deprecated_labels": [{"name": "INSTALL", "replacement": "install"}]}
	shown({"INSTALL": ""}, settings) == set()
	document := image({"INSTALL": ""}, {})
	found := data.labels.warn with input as document with data.rule_data as settings
	{result.msg | some result in found} == {"The label `INSTALL` is deprecated: use `install`"}
}

test_a_disallowed_label_is_denied_with_any_value if {
	settings := {"disallowed_labels": [{"name": "secret", "reason": "labels are public"}]}
	every value in ["", "x"] {
		shown({"secret": value}, settings) == {"labels.disallowed:secret"}
	}
	shown({"name": "cart"}, settings) == set()
}

test_an_inherited_label_is_denied if {
	settings := {"disallowed_inherited_labels": [{"name": "name"}, {"name": "version"}]}
	base := {"name": "base/micro", "version": "9"}
	every own, want in {
		"shop/cart": set(),
		"base/micro": {"labels.own:name"},
	} {
		document := image({"name": own}, base)
		denied(document, settings) == want
	}
	denied(json.patch(image({"name": "x"}, {}), [{"op": "remove", "path": "image/parent"}]), settings) == set()
}

test_an_index_has_no_labels if {
	index := json.patch(image({}, {}), [{"op": "remove", "path": "image/config"}])
	denied(index, {"required_labels": [{"name": "name"}]}) == set()
}

test_an_entry_can_have_an_effective_date if {
	settings := {"required_labels": [{"name": "vendor", "description": "who made it", "effective_on": "2030-01-01T00:00:00Z"}]}
	found := data.labels.deny with input as image({}, {}) with data.rule_data as settings
	found == {{
		"code": "labels.required",
		"effective_on": "2030-01-01T00:00:00Z",
		"msg": "The image has no label `vendor` (who made it)",
		"term": "vendor",
	}}
}

image(labels, base_labels) := json.patch(data.lib.sample_test.good_v0_2, [
	{"op": "replace", "path": "image/config/Labels", "value": labels},
	{"op": "replace", "path": "image/parent/config", "value": {"Labels": base_labels}},
])

shown(labels, settings) := denied(image(labels, {}), settings)

denied(document, settings) := result if {
	result := data.lib.sample_test.shown(data.labels.deny) with input as document with data.rule_data as settings
}
