# The tests of `sample.rego`: every rule named `test_…` must be true.
package main_test

import data.main

test_an_empty_name_is_denied if {
	results := main.deny with input as {"image": {"config": {"Labels": {"name": ""}}}}
	{result.code | some result in results} == {"main.name_label"}
}

test_a_name_and_its_absence_pass if {
	count(main.deny) == 0 with input as {"image": {"config": {"Labels": {"name": "shop/cart"}}}}
	count(main.deny) == 0 with input as {"image": {"config": {}}}
}
