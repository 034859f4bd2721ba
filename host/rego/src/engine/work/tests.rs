//! Sources of which a pass would make more than it was given, or take hours.

use super::*;
use crate::{compile_options::CompileOptions, engine::Files, sources::PolicyFile};

#[test]
fn work_stops_at_its_end_and_stays_stopped() {
    let work = Work::until(None);
    assert!(work.go_on(TICKS * 10) && work.made(COMPILE_PARTS));
    assert!(!work.made(1) && !work.go_on(0));
    assert_eq!(work.over(), Some(Over::Parts));
    let work = Work::until(Some(Instant::now()));
    assert!(!work.go_on(1));
    assert_eq!(work.over(), Some(Over::Deadline));
}

/// What is said of a source, the first error of many, within a time.
fn message(text: &str, options: CompileOptions) -> String {
    let started = Instant::now();
    let files = vec![PolicyFile { name: "t.rego".into(), text: text.to_owned(), v0: None }];
    let compiled = crate::engine::with_large_stack(|| {
        let compiled = Files::parse(files, options).and_then(|files| files.compile(regorus::Value::new_object()));
        compiled.map(drop).err().unwrap_or_default()
    });
    let errors = compiled.unwrap();
    assert!(started.elapsed().as_secs() < 100, "{:?}: {:.60}", started.elapsed(), text);
    let bytes: usize = errors.iter().map(|error| error.message.len() + error.line.len()).sum();
    assert!(bytes < 10 << 20, "{bytes} bytes of errors: {text:.60}");
    errors.into_iter().next().map(|error| error.message).unwrap_or_default()
}

/// `line` for each number, joined.
fn each(numbers: std::ops::Range<usize>, line: impl Fn(usize) -> String) -> String {
    numbers.map(line).collect()
}

#[test]
fn a_compilation_ends_at_the_end_of_the_run() {
    let options = CompileOptions { deadline: Some(Instant::now()), ..CompileOptions::default() };
    assert_eq!(message("package t\np := 1", options), "compiling was not done when the time of the run was over");
    let later = Instant::now() + std::time::Duration::from_secs(1);
    let options = CompileOptions { deadline: Some(later), ..CompileOptions::default() };
    // The literals wait for each other from the last to the first.
    let body = each(0..20_000, |at| format!("x{at} = x{}\n", at + 1));
    assert!(
        message(&format!("package t\np if {{\n{body}x20000 = 1\n}}"), options).contains("the time of the run was over")
    );
    assert!(Instant::now() < later + std::time::Duration::from_secs(20));
}

#[test]
fn what_each_of_many_replacements_changes_is_found_out_within_the_time() {
    let withs = each(0..20_000, |at| format!("p{at} := 1 if q with input.x{at} as 1\n"));
    let options = CompileOptions {
        deadline: Some(Instant::now() + std::time::Duration::from_secs(3)),
        ..CompileOptions::default()
    };
    let error = message(&format!("package t\nq := input\n{withs}"), options);
    assert!(error.contains("time of the run") || error.contains("more than 5000000 values"), "{error}");
}

#[test]
fn sources_whose_passes_would_grow_without_end_are_refused_by_name() {
    let long = each(0..600, |_| ".a".to_owned());
    let args = each(0..1_001, |at| format!("x{at},"));
    let (blocks, calls) = (each(0..2_000, |_| "# METADATA\n# title: t\n\n".to_owned()), 5_000);
    let calls = each(0..calls, |at| format!("p{at} := rego.metadata.chain()\n"));
    let bodies = "{1} ".repeat(60_000);
    for (text, says) in [
        (format!("package t{long}\np := 1"), "a name of more than 500 parts"),
        (format!("package t\np{long} := 1"), "a name of more than 500 parts"),
        (format!("package t\nimport data{long}\np := 1"), "a name of more than 500 parts"),
        (format!("package t\np := input{long}"), "a reference of more than 500 parts"),
        (format!("package t\np := f({args})\nf(x) := x"), "more than 1000 arguments"),
        (format!("package t\nf({args}) := 1"), "more than 1000 arguments"),
        (format!("{blocks}package t\n{calls}"), "compiling would make more than 5000000 values and names"),
        (format!("package t\np := [{}1] if {{1}} {bodies}", "1,".repeat(2_000)), "too many bodies"),
    ] {
        let error = message(&text, CompileOptions::default());
        assert!(error.contains(says), "{error}: {text:.60}");
    }
}

#[test]
fn sources_with_an_error_in_each_line_or_many_cycles_take_little() {
    let chain = each(0..8_000, |at| format!("r{at} := r{}\n", at + 1));
    let all = each(0..8_001, |at| format!("r{at},"));
    let bound = each(0..40_000, |at| format!("a{at} = input.x[a{}]\n", at + 1));
    let paths = each(0..20_000, |at| format!("input.x[k{at}],"));
    let terms = |name: &str| each(0..20_000, |at| format!("{name}{at},"));
    let metadata = each(0..10_000, |at| format!("# METADATA\n# title: t\np{at} := 1\n"));
    for (text, says) in [
        (format!("package t\n{chain}r8000 := r0"), "is recursive"),
        (format!("package t\n{chain}r8000 := [{all}]"), "is recursive"),
        (format!("package t\n{}", "default p := 1\n".repeat(20_000)), "multiple default rules"),
        (format!("package t\n{}", "p := 1\np contains 1\n".repeat(20_000)), "conflicting rules"),
        (format!("package t\n{}", "p := count(1)\n".repeat(30_000)), "invalid argument"),
        (format!("package t\n{}", "p := count(1) ".repeat(30_000)), ""),
        (format!("package t\n{}", "p := nope\n".repeat(30_000)), "is unsafe"),
        (format!("package t\np if {{\n{}}}", "x == 1\nx := 1\n".repeat(20_000)), "var x"),
        (format!("package t\np if {{\n{bound}nope\n}}"), "nope is unsafe"),
        (format!("package t\np if {{\n[{paths}] = input.y\nnope\n}}"), "nope is unsafe"),
        (format!("package t\np if {{\n[input.x[k], [{}]] = [k, [{}]]\nnope\n}}", terms("a"), terms("b")), "is unsafe"),
        (format!("package t\n{metadata}"), ""),
        (format!("package t\np := {}1", "-".repeat(30_000)), "unexpected"),
        (format!("package t\np := {}1", "[".repeat(30_000)), "nested more than 200 levels"),
        (format!("package t\np := {}", "$\"{".repeat(30_000)), "non-terminated string"),
        (format!("package t\np := x if {{ x := {}1 }}", "[1 | ".repeat(30_000)), "nested more than 200 levels"),
        (format!("package t\np if {}", "not ".repeat(30_000)), ""),
        (format!("package t\np := 1 {}", "else := 1 if false ".repeat(30_000)), ""),
    ] {
        let error = message(&text, CompileOptions::default());
        assert!(error.contains(says), "{error}: {text:.60}");
    }
}
