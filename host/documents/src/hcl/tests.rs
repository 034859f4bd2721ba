//! Tests of the reader of HCL; what is wanted is what conftest gave for the same text.

use serde_json::json;

use super::*;

#[test]
fn a_module_is_read_as_conftest_reads_it() {
    let text = "variable \"x\" {\n  type = string\n  default = -5\n  n = null\n  list = [1, \"a${var.b}c\", true, { k = 1.50, \"q r\" = \
                f(x)[0].z, (a.b) = 2, \"${var.k}\" = 3, c.d : 4 }]\n  t = \"${var.only}\"\n  esc = \"a\\tb\\u00e9 $${x} %%{y} \
                \\\"q\\\"\"\n  h = <<-EOT\n    line ${x}\n      two\n  EOT\n  h2 = <<EOT\nplain\nEOT\n  e = (1 + 2)\n  f = !true\n  g = \
                -x\n  for = [for a in b : a if a]\n  fl = 1e3\n  cond = a ? \"b\" : \"c\"\n  tc = \"%{ if a ~} yes %{ else }no%{ endif \
                ~} z\"\n  tf = \"%{ for k, v in m }${k}=${v}%{ endfor }\"\n  m = {}\n  l = []\n  par = foo(1, [2,\n   3]...)\n  nest = \
                f(g(x))\n  idx = a[*].b\n  at = a.*.b\n  par2 = (x)\n  neg = - 1\n  not = !x\n  s = \"x\" == \"y\"\n  tmpl = \
                \"a${1}b${true}${\"in\"}\"\n}\nresource \"a\" \"b\" { k = 1 }\nresource a c {}\nlocals {\n  // c\n  # d\n  /* e */\n  a = \
                1\n}\nlocals { b = 2 }\nx = 1\n";
    let want = json!({
        "locals": [{"a": 1}, {"b": 2}],
        "resource": {"a": {"b": [{"k": 1}], "c": [{}]}},
        "variable": {"x": [{
            "at": "${a.*.b}", "cond": "${a ? \"b\" : \"c\"}", "default": -5, "e": "${(1 + 2)}", "esc": "a\tb\u{e9} $${x} %%{y} \"q\"",
            "f": false, "fl": 1000, "for": "${[for a in b : a if a]}", "g": "${-x}", "h": "line ${x}\n  two\n", "h2": "plain\n",
            "idx": "${a[*].b}", "l": [],
            "list": [1, "a${var.b}c", true, {"${(a.b)}": 2, "${var.k}": 3, "c.d": 4, "k": 1.5, "q r": "${f(x)[0].z}"}],
            "m": {}, "n": null, "neg": -1, "nest": "${f(g(x))}", "not": "${!x}", "par": "${foo(1, [2,\n   3]...)}", "par2": "${(x)}",
            "s": "${\"x\" == \"y\"}", "t": "${var.only}", "tc": "%{if a}yes %{else}no%{endif}z",
            "tf": "%{for k, v in m}${k}=${v}%{endfor}", "tmpl": "a1btruein", "type": "${string}",
        }]},
        "x": 1,
    });
    assert_eq!(read(text).unwrap(), want);
}

#[test]
fn expressions_and_texts_are_read_as_conftest_reads_them() {
    let text = "a = <<-E\n    x\n\n      y\n  \n    z ${a ? 1 : 2} \\n\nE\nb = \"x${a ? \"b\" : \"c\"}\"\nc = \"${[1,\"x\"]}\"\nd = \"a ${~ \
                x ~} b\"\ne = 1 + 2 * -3\nf = {\n a = 1,\n b = 2\n\n c = {for k, v in x : k => v...}\n}\ng = a[\"x\"].y[0]\nh = \
                a::b(1)\ni = -x.y\nj = \"a\\\\b\"\nk = 010\nl = a.0.b\nm = [\n 1,\n # c\n 2,\n]\nn = a\n";
    let want = json!({
        "a": "x\n\n  y\n  \nz %{if a}1%{else}2%{endif} \\n\n", "b": "x%{if a}b%{else}c%{endif}", "c": [1, "x"], "d": "a${x}b",
        "e": "${1 + 2 * -3}", "f": {"a": 1, "b": 2, "c": "${{for k, v in x : k => v...}}"}, "g": "${a[\"x\"].y[0]}",
        "h": "${a::b(1)}", "i": "${-x.y}", "j": "a\\b", "k": 10, "l": "${a.0.b}", "m": [1, 2], "n": "${a}",
    });
    assert_eq!(read(text).unwrap(), want);
}

#[test]
fn what_is_no_hcl_is_an_error_with_its_place() {
    for text in [
        "a",
        "a =",
        "a = 1\na = 2",
        "a = 1 b = 2",
        "a {",
        "}",
        "a \"b {}",
        "a = \"x",
        "a = \"${x\"",
        "a = <<E\nx",
        "a = [1",
        "a = {b}",
        "a = f(",
        "a = \"\\q\"",
        "a = \"%{ if x }\"",
        "a = \"%{ endif }\"",
        "/* x",
        "a = 1 ? 2",
        "a { b = 1 c = 2 }",
        "x y {}\nx {}",
        "a = 1e999999",
    ] {
        assert!(read(text).unwrap_err().contains("line "), "{text}");
    }
}

#[test]
fn depth_is_bounded_in_every_way_to_nest() {
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("{a=", "}"),
        ("\"${", "}\""),
        ("f(", ")"),
        ("a[", "]"),
        ("a ? b : ", ""),
        ("\"%{if a}${", "}%{endif}\""),
    ] {
        let text = format!("a = {}1{}", open.repeat(100_000), close.repeat(100_000));
        assert!(read(&text).unwrap_err().contains("deep"), "{open}");
    }
    assert!(read(&"a {\n".repeat(100_000)).unwrap_err().contains("deep"));
    assert!(read(&format!("a {}{{}}", "b ".repeat(100_000))).unwrap_err().contains("deep"));
    assert!(read(&format!("a = {}1", "-".repeat(100_000))).is_ok());
}
