//! Tests of the reader of documents.

use proptest::prelude::*;
use serde_json::json;

use super::*;

#[test]
fn a_document_is_what_go_takes_it_for() {
    for (text, want) in [
        ("", json!(null)),
        ("hostNetwork: yes\nmode: 012\nn: 0_0\n", json!({"hostNetwork": true, "mode": 10, "false": 0})),
        ("a: 'yes'\nb: \"012\"\nc: |-\n  no\n", json!({"a": "yes", "b": "012", "c": "no"})),
        ("a:\nb: ~\n", json!({"a": null, "b": null})),
        ("a: 1.0\nb: 1e3\nc: 1.5\nd: 0o14", json!({"a": 1, "b": 1000, "c": 1.5, "d": 12})),
        ("a: 2001-12-14\nb: 1:30\n", json!({"a": "2001-12-14", "b": "1:30"})),
        (
            "1: a\n1.5: b\nyes: c\n2001-01-02: d\n1e9: e\n",
            json!({"1": "a", "1.5": "b", "true": "c", "2001-01-02": "d", "1e+09": "e"}),
        ),
        (
            "a: &x {b: 1, c: 2}\nd: {<<: *x, c: 3}\ne: *x\n",
            json!({"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}, "e": {"b": 1, "c": 2}}),
        ),
        ("a: &x {b: 1}\nc: {<<: [*x, {b: 2, d: 4}]}\n", json!({"a": {"b": 1}, "c": {"b": 1, "d": 4}})),
        // As in Go, what is merged after a key replaces it.
        ("c: {b: 0, <<: {b: 1}}\n", json!({"c": {"b": 1}})),
        ("\"<<\": 1", json!({"<<": 1})),
        (
            "a: !!str 12\nb: !!int '3'\nc: !!float 3\nd: !Ref yes\ne: !!binary aGk=\nf: ! yes\n",
            json!({"a": "12", "b": 3, "c": 3, "d": "yes", "e": "hi", "f": true}),
        ),
        ("- !Sub [a, 1]\n- !x {y: 2}\n", json!([["a", 1], {"true": 2}])),
        (r#"{"a": [1, "😀", true, null]}"#, json!({"a": [1, "😀", true, null]})),
        ("%YAML 1.1\n---\na: 1\n", json!({"a": 1})),
        ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
    ] {
        assert_eq!(parse(text).map_err(|error| error.to_string()), Ok(want), "{text:?}");
    }
}

#[test]
fn what_go_loses_or_json_cannot_hold_is_an_error_with_a_place() {
    for text in [
        "a: 1\na: 2",
        "1: a\n'1': b",
        "y: 1\nyes: 2",
        "a: .inf",
        "a: .NaN",
        "~: 1",
        "[a]: 1",
        "a: 1\n---\nb: 2",
        "a: *x",
        "a: &x [*x]",
        "a: !!int x",
        "a: !!binary '*'",
        "a: !!binary /w==",
        "<<: 1",
        "<<: [1]",
        "{",
        "a: b: c",
        "18446744073709551615: a",
    ] {
        let error = parse(text).unwrap_err().to_string();
        assert!(error.contains("line ") && !error.contains('\n'), "{text:?}: {error}");
    }
}

#[test]
fn depth_and_aliases_are_bounded() {
    assert!(parse(&"[".repeat(100_000)).is_err());
    assert!(parse(&format!("{}1{}", "[".repeat(NESTING + 1), "]".repeat(NESTING + 1))).is_err());
    assert!(parse(&format!("{}1{}", "[".repeat(NESTING), "]".repeat(NESTING))).is_ok());
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        let refs = vec![format!("*a{}", n - 1); 10].join(", ");
        bomb.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
    }
    assert!(parse(&bomb).unwrap_err().to_string().contains("aliases"));
    let mut text = format!("a: &a {}\nb:\n", "x".repeat(1 << 20));
    text.push_str(&"- *a\n".repeat(100));
    assert!(parse(&text).unwrap_err().to_string().contains("aliases"));
    // Each one is shallow where it stands, and all together are deep.
    let mut tower = "a0: &a0 [x]\n".to_owned();
    (1..20_000).for_each(|n| tower.push_str(&format!("a{n}: &a{n} [*a{}]\n", n - 1)));
    assert!(parse(&tower).is_err());
}

#[test]
fn a_word_of_two_meanings_is_reported_with_its_location() {
    let error = unambiguous("a: 1\nb: [x, yes]\n").unwrap_err().to_string();
    assert!(error.starts_with("`yes` at line 2, column 8 is one value in YAML 1.1 and another in 1.2"), "{error}");
    assert!(unambiguous("n: 1").is_err());
    for text in ["a: 'yes'\nb: true\nc: 12\nd: !!str no\n", "{\"y\": 1}", "a: [", ""] {
        assert!(unambiguous(text).is_ok(), "{text:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,60}", odd in "[-\\[\\]{}:,?&*!|>'\"%@` #\na0<.~]{0,60}") {
        let _both = (parse(&text), parse(&odd), unambiguous(&odd));
    }

    #[test]
    fn json_is_read_as_json(text in "\\PC{0,20}", number in any::<i64>(), float in -1e9_f64..1e9) {
        let value = json!({"a": [text.clone(), number, {text: null}], "b": true});
        prop_assert_eq!(parse(&value.to_string()).unwrap(), value);
        prop_assert_eq!(parse(&format!("{float:e}")).unwrap().as_f64(), Some(float));
    }
}
