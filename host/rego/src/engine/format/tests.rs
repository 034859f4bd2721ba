//! What `opa fmt` 1.15.2 makes of modules.

use super::format_module;
use crate::engine::span::Source;
use crate::format_options::{FormatLanguage, FormatOptions};

const V1: FormatOptions = FormatOptions { reads_v0: false, writes: FormatLanguage::V1, drop_v0_imports: false };
const V0: FormatOptions = FormatOptions { reads_v0: true, writes: FormatLanguage::V0, drop_v0_imports: false };
const BOTH: FormatOptions = FormatOptions { reads_v0: true, writes: FormatLanguage::Both, drop_v0_imports: false };
const DROPPED: FormatOptions = FormatOptions { drop_v0_imports: true, ..V1 };

/// Options, a module, and what OPA makes of it.
const CASES: &[(FormatOptions, &str, &str)] = &[
    (
        V1,
        r##"package  a.b # here
import data.z
import data.c as d # why

import input.x
# about x
x=5
y:={"b":1,
"a":[1,2, # two
3]}
"##,
        r##"package a.b # here

import data.c as d # why
import data.z

import input.x

# about x
x := 5
y := {
	"b": 1,
	"a": [
		1, 2, # two
		3,
	],
}
"##,
    ),
    (
        V1,
        r##"package a
p if{ input.x==1;not  input.y


	input.z }
else := 2 if input.q
else := 3
q contains x if { some x in [1,2] } # tail
r contains "m"
"##,
        r##"package a

p if {
	input.x == 1
	not input.y

	input.z
}

else := 2 if input.q

else := 3

q contains x if some x in [1, 2] # tail
r contains "m"
"##,
    ),
    (
        V1,
        r##"package a
f(x,
 y) := z if {
	z := x+y*2 with input.a as 1
		with data.b as [1]
	every k,v in {"a":1} { v>0 }
	every w in [1] { w > 0
}}
g(_) = (1+2)*3
"##,
        r##"package a

f(
	x,
	y,
) := z if {
	z := x + (y * 2) with input.a as 1
		with data.b as [1]
	every k, v in {"a": 1} { v > 0 }
	every w in [1] { w > 0 }
}

g(_) := (1 + 2) * 3
"##,
    ),
    (
        V1,
        r##"package a
x := [y | # first
	some y in input.xs # second
	y > 1 ]
z := {k: v |
	some k, v in input.o }
w := {(a | b), c}
v := {1, 1, 2}
"##,
        r##"package a

x := [y | # first
	some y in input.xs # second
	y > 1
]

z := {k: v |
	some k, v in input.o
}

w := {(a | b), c}
v := {1, 2}
"##,
    ),
    (
        V1,
        r##"package a
x := f(1, # one
	2) # two
f(a, b) := a
t := $"a {x} {{1}} {"b"} {3}"
u := `raw
  text`
s := input["a b"]["c"].d[x]
"##,
        r##"package a

x := f(
	1, # one
	2, # two
)

f(a, b) := a
t := $"a {x} {{1}} b 3"
u := `raw
  text`

s := input["a b"].c.d[x]
"##,
    ),
    (
        V1,
        r##"package a
a.b := 1 if true
c[x] := 2 if x := 3
d["k"] if input
default e := false
default f(_) := 1
"##,
        r##"package a

a["b"] := 1
c[x] := 2 if x := 3
d["k"] if input

default e := false

default f(_) := 1
"##,
    ),
    (
        V1,
        r##"package a

# one

# two
x if {
	# in
	y # beside
	# end
}
# last
"##,
        r##"package a

# one

# two
x if {
	# in
	y # beside
	# end
}

# last
"##,
    ),
    (
        V0,
        r##"package a
import future.keywords.in
p[x] { x := input.a[_] }
q = 1 { not p[1] } else = 2 { true }
r[x] = y { x := "a"; y := 1 }
f(x) { x in [1]; any([true]) }
s { p } { q }
"##,
        r##"package a

import future.keywords.in

p[x] {
	x := input.a[_]
}

q = 1 {
	not p[1]
}

else = 2

r[x] = y {
	x := "a"
	y := 1
}

f(x) {
	x in [1]
	any([true])
}

s {
	p
}

s {
	q
}
"##,
    ),
    (
        V0,
        r##"package a
import data.b
p { input.x }
q["a"]
r = true { input.y }
"##,
        r##"package a

import data.b

p {
	input.x
}

q["a"]

r {
	input.y
}
"##,
    ),
    (
        BOTH,
        r##"package a

import data.b
p { input.x }
q["a"]
r = true { input.y }
default s = 1
"##,
        r##"package a

import rego.v1

import data.b

p if input.x
q contains "a"
r if input.y

default s := 1
"##,
    ),
    (
        DROPPED,
        r##"package a
import rego.v1
import future.keywords.if
import data.x
p if x.a.if.b
"##,
        r##"package a

import data.x

p if x.a.if.b
"##,
    ),
];

fn formatted(text: &str, options: FormatOptions) -> Result<String, Vec<String>> {
    let source = Source::new("a.rego".to_owned(), text.to_owned());
    format_module(&source, options).map_err(|errors| errors.into_iter().map(|error| error.message).collect())
}

#[test]
fn modules_are_written_as_opa_writes_them() {
    for (options, text, want) in CASES {
        assert_eq!(formatted(text, *options).as_deref(), Ok(*want), "{text}");
    }
}

#[test]
fn what_is_formatted_stays_as_it_is() {
    for (options, _, want) in CASES {
        // What is written for both languages is Rego of before 1.0 with the import of v1.
        assert_eq!(formatted(want, *options).as_deref(), Ok(*want));
    }
}

#[test]
fn what_cannot_be_formatted_is_an_error() {
    let duplicate = "package a\nimport data.b\nimport data.c.b\nx := b";
    let message = "import must not shadow import data.b".to_owned();
    assert_eq!(formatted(duplicate, V1), Err(vec![message.clone()]));
    assert_eq!(formatted(duplicate, BOTH), Err(vec![message]));
    assert!(formatted(duplicate, V0).is_ok());
    for text in
        ["package a\nx := any([true])", "package a\nx if { input := 1; input }", "package a\np { true }", "x := 1"]
    {
        assert!(formatted(text, V1).is_err(), "{text}");
    }
    assert_eq!(formatted("package a\nif = 1", BOTH), Err(vec!["if keyword cannot be used for rule name".to_owned()]));
}

#[test]
fn a_long_chain_of_else_takes_no_stack() {
    let text = format!("package a\nx := 1 if input.a\n{}", "else := 2 if input.b\n".repeat(20_000));
    assert!(formatted(&text, V1).is_ok());
}
