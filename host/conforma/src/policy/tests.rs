//! Tests of compiling and evaluating.

use assay_model::error::ErrorCode;
use serde_json::json;

use super::*;

/// A policy of these modules, named `1.rego`, `2.rego`, … in a folder.
fn compiled(texts: &[&str], data: &str) -> Result<Policy, CompileError> {
    let folder = tempfile::tempdir().unwrap();
    let mut sources = Sources::new();
    // The names in messages are without the folder, which is another one each time.
    for (number, text) in (1..).zip(texts) {
        sources.add_policy_text(format!("{number}.rego"), *text);
    }
    let data_file = folder.path().join("data.json");
    fs_err::write(&data_file, data).unwrap();
    sources.add_data(&data_file).unwrap();
    Policy::compile(sources)
}

fn policy(text: &str) -> Policy {
    compiled(&[text], "{}").unwrap()
}

fn problems(texts: &[&str]) -> String {
    compiled(texts, "{}").unwrap_err().to_string()
}

fn all(policy: &Policy) -> BTreeSet<String> {
    policy.packages.keys().cloned().collect()
}

fn evaluate(policy: &Policy, input: &str) -> Result<Vec<String>, EvalError> {
    let packages = all(policy);
    let results = policy.evaluate(&EvalRequest::new(&packages, input))?;
    let shown = |result: RuleResult| {
        let kind = if result.kind == RuleKind::Deny { "deny" } else { "warn" };
        format!("{kind} {} {}", result.package, result.message)
    };
    Ok(results.into_iter().map(shown).collect())
}

#[test]
fn rules_are_evaluated_in_the_order_of_packages_and_names() {
    let policy = compiled(
        &[
            "package q\n\nwarn contains \"w\" if input.x == data.x\n\ndeny contains {\"msg\": \"d\", \"code\": \"q.d\"}\n",
            "package a.b\n\nviolation_two contains \"v\"\n\ndenied contains \"no\"\n\ndeny contains x if { some x in [\"z\", \"y\"] }\n",
            "package lib\n\nx := 1\n",
        ],
        r#"{"x": 3}"#,
    )
    .unwrap();
    let want = ["deny a.b y", "deny a.b z", "deny a.b v", "deny q d", "warn q w"];
    assert_eq!(evaluate(&policy, r#"{"x": 3}"#).unwrap(), want);
    assert_eq!(evaluate(&policy, r#"{"x": 4}"#).unwrap(), want.get(..4).unwrap());
    let only = BTreeSet::from(["q".to_owned(), "absent".to_owned()]);
    let results = policy.evaluate(&EvalRequest::new(&only, "{}")).unwrap();
    let [result] = results.as_slice() else { panic!("{results:?}") };
    assert_eq!((result.message.as_str(), json!(result.metadata)), ("d", json!({"code": "q.d"})));
}

#[test]
fn rules_are_known_with_their_annotations_and_places() {
    let text = "# METADATA\n# title: The package\n# custom:\n#   short_name: ignored\npackage a.b\n\nimport rego.v1\n\n\
                # METADATA\n# title: One\n# description: D.\n# custom:\n#   short_name: one\n#   collections: [x, y]\n#   \
                effective_on: 2030-01-01T00:00:00Z\n#   depends_on: [c.d]\n#   solution: S\ndeny contains result if {\n\tfalse\n\
                \tresult := {\"code\": \"a.b.other\", \"msg\": \"\"}\n}\n\n# METADATA\n# title: No short name\nwarn_x contains result if {\n\
                \tfalse\n\tresult := {\"msg\": \"\", \"code\": \"a.b.literal\"}\n}\n\ndeny contains \"x\" if false\n\n# METADATA\n\
                # custom: {short_name: helper}\nhelper := 1\n\n# METADATA\n# scope: document\n# custom: {short_name: last}\n\n\
                warn contains 1\n";
    let policy = policy(text);
    let shown: Vec<_> = policy
        .rules()
        .iter()
        .map(|rule| (rule.code.as_str(), rule.name.as_str(), rule.title.as_deref().unwrap_or("-"), rule.location.1))
        .collect();
    let want = [
        ("a.b.one", "deny", "One", 18),
        ("a.b.last", "warn", "-", 40),
        ("a.b.literal", "warn_x", "-", 25),
        ("a.b.deny", "deny", "-", 30),
    ];
    assert_eq!(shown, want);
    assert_eq!(policy.annotated_rules().len(), 2);
    let one = policy.rules().first().unwrap();
    assert_eq!(one.collections, ["x", "y"]);
    assert_eq!(one.depends_on, ["c.d"]);
    assert_eq!((one.effective_on.as_deref(), one.solution.as_deref()), (Some("2030-01-01T00:00:00Z"), Some("S")));
    assert_eq!((one.package.as_str(), one.kind, one.location.0.as_str()), ("a.b", RuleKind::Deny, "1.rego"));
}

#[test]
fn what_does_not_compile_is_reported_with_its_location() {
    for (texts, says) in [
        (&["package p\n\ndeny contains x if { x := }\n"][..], "1.rego:3:27: unexpected `}`: expected a value"),
        (&["package p\n\ndeny contains 1\n", "nonsense"], "2.rego:1:1"),
        (
            &["package p\n\ndeny contains \"a\" if undefined_function(1)\n"],
            "1.rego:3:22: undefined function undefined_function",
        ),
        (&["package p\n\nf(x) := f(x)\n\ndeny contains f(1)\n"], "1.rego:3:1: rule data.p.f is recursive"),
        (&["package p\n\n# METADATA\n# a: b: c\ndeny contains 1\n"], "1.rego:3:1: the METADATA block is not YAML"),
        (
            &["package p\n\n# METADATA\n# scope: world\ndeny contains 1\n"],
            "1.rego:3:1: invalid annotation scope 'world'",
        ),
        (
            &[
                "package p\n\n# METADATA\n# custom: {short_name: a}\ndeny contains 1\n",
                "package p\n\n# METADATA\n# custom: {short_name: a}\nwarn contains 1\n",
            ],
            "2.rego:5:1: a second rule has the code `p.a`, the first stands at 1.rego:5",
        ),
        (
            &["package p\n\nx := 1\n", "package q\n\ndeny(x) := x\n\ndefault warn := false\n"],
            "no `deny` or `warn` rule, so it could not find any violation (2 files read)",
        ),
        (&["package p\n\n# METADATA\n# title: x\n"], "1.rego:3:1: invalid annotation scope ''"),
        (&["package p\n\ndeny contains x if { x := y }\n"], "1.rego:3:22: var y is unsafe"),
        (&[""], "1.rego:1:1"),
    ] {
        let error = problems(texts);
        assert!(error.contains(says), "{texts:?}: {error}");
    }
}

#[test]
fn all_problems_of_a_step_are_reported_at_once() {
    let error =
        problems(&["package p\n\ndeny contains nope(1)\n", "package q\n\n# METADATA\n# - x\ndeny contains huh(1)\n"]);
    let lines: Vec<_> = error.lines().map(str::trim).collect();
    let want = [
        "the policy does not compile: 1.rego:3:15: undefined function nope",
        "2.rego:3:1: the METADATA block is not a list of keys with values",
        "2.rego:5:15: undefined function huh",
    ];
    assert_eq!(lines, want);
}

#[test]
fn expressions_without_end_are_refused_and_do_not_use_up_the_stack() {
    let started = Instant::now();
    let chain = |link: &str| format!("package p\n\ndeny contains 1{}\n", link.repeat(90_000));
    for (text, says) in [
        (chain("+\n1"), "1.rego:203:2: too many operators in one expression"),
        (chain(" in 1"), "1.rego:3:1017: too many operators in one expression"),
        (
            format!("package p\n\nx := {}{}\n", "[\n".repeat(100_000), "]".repeat(100_000)),
            "nested more than 200 levels deep",
        ),
        (format!("package p\n\nx := {}", "f(\n".repeat(100_000)), "nested more than 200 levels deep"),
    ] {
        let error = problems(&[&text]);
        assert!(error.contains(says), "{says}: {}", error.chars().take(300).collect::<String>());
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[test]
fn a_value_that_is_no_set_of_results_is_an_error_with_its_place() {
    for (rule, says) in [
        ("deny := true", "1.rego:3:1: `data.p.deny` is a boolean"),
        ("deny contains {\"code\": \"x\"}", "1.rego:3:1: `data.p.deny` returns a result without a string `msg`"),
        ("deny[x] := 1 if { x := \"k\" }", "1.rego:3:1: `data.p.deny` is an object"),
        ("deny.k := \"no\"", "1.rego:3:1: `data.p.deny` is an object"),
        ("deny.k contains \"no\"", "1.rego:3:1: `data.p.deny` is an object"),
        ("deny contains n if n := count([1])", "1.rego:3:1: `data.p.deny` returns a result that is a number"),
        ("deny contains n if n := input == input", "1.rego:3:1: `data.p.deny` returns a result that is a boolean"),
        ("deny contains n if n := {\"said\"}", "1.rego:3:1: `data.p.deny` returns a result that is a list or set"),
        ("deny contains n if n := {\"a\": null}.a", "1.rego:3:1: `data.p.deny` returns a result that is null"),
    ] {
        let error = evaluate(&policy(&format!("package p\n\n{rule}\n")), "{}").unwrap_err();
        assert!(error.to_string().starts_with(says), "{error}");
        assert_eq!(error.into_evaluation_error("s").code, ErrorCode::PolicyError);
    }
    let lists = policy("package p\n\ndeny := [\"a\"] if input.x\n\nwarn := {\"b\"}\n");
    assert_eq!(evaluate(&lists, "{}").unwrap(), ["warn p b"]);
    assert_eq!(evaluate(&lists, r#"{"x": 1}"#).unwrap(), ["deny p a", "warn p b"]);
}

#[test]
fn a_definition_that_cannot_yield_a_result_is_an_error_where_images_are_evaluated() {
    for (rule, odd) in [
        ("deny contains 1", Some("a number")),
        ("warn contains null", Some("null")),
        ("deny if input.x", Some("a boolean")),
        ("default deny_x := false", Some("a boolean")),
        ("deny contains [\"a\"]", Some("a list")),
        ("deny := {\"a\"}", Some("a set")),
        ("deny := {x | some x in input}", Some("a set")),
        ("deny contains {\"msg\": x | some x in input}", Some("an object made from others")),
        ("deny contains input.message", Some("a reference")),
        ("deny contains $\"a {input.x}\"", Some("a template")),
        ("violation(x) := true if x", Some("a boolean")),
        ("deny.x := 1", Some("a number")),
        ("deny contains \"a\"", None),
        ("deny contains `a`", None),
        ("deny contains {\"msg\": input.x}", None),
        ("deny contains x if { x := 1 }", None),
        ("deny contains sprintf(\"%d\", [1])", None),
        ("helper := true", None),
        ("# METADATA\n# title: A helper\nhelper := true", None),
    ] {
        let text = format!("package p\n\n{rule}\n\nwarn contains \"a\"\n");
        let checked = policy(&text).require_result_values().map(|_| ()).map_err(|error| error.to_string());
        match (odd, checked) {
            (None, checked) => assert_eq!(checked, Ok(()), "{rule}"),
            (Some(odd), checked) => {
                let found_message = checked.unwrap_err();
                let says = format!("1.rego:3:1: the rule `{}` returns an unsupported value, {odd};", name_of(rule));
                assert!(found_message.contains(&says), "{rule}: {found_message}");
            }
        }
    }
}

/// The first word of a definition.
fn name_of(rule: &str) -> &str {
    let rule = rule.strip_prefix("default ").unwrap_or(rule);
    rule.split([' ', '(', '.']).next().unwrap()
}

#[test]
fn disabled_functions_are_errors_for_rules_that_reach_them() {
    let request = "http.send({\"method\": \"get\", \"url\": \"https://h.example\"})";
    let sending = policy(&format!("package p\n\ndeny contains \"a\" if {{\n\tinput.x\n\t{request}\n}}\n"));
    assert_eq!(evaluate(&sending, "{}").unwrap(), [""; 0]);
    assert!(evaluate(&sending, r#"{"x": 1}"#).is_err());
    assert!(problems(&["package p\n\ndeny contains net.lookup_ip_addr(\"h\")\n"]).contains("must not depend on DNS"));
    let runtime = policy("package p\n\ndeny contains json.marshal(opa.runtime())\n");
    assert_eq!(evaluate(&runtime, "{}").unwrap(), ["deny p {}"]);
}

#[test]
fn data_at_the_place_of_a_rule_does_not_silence_it() {
    for data in [r#"{"p": {"deny": []}}"#, r#"{"p": {"deny": null}}"#, r#"{"p": 1}"#] {
        let policy =
            compiled(&["package p\n\ndeny contains \"a\" if data.p.helper\n\nhelper := true\n"], data).unwrap();
        assert_eq!(evaluate(&policy, "{}").unwrap(), ["deny p a"], "{data}");
    }
}

#[test]
fn exceptions_silence_a_rule_by_its_name_without_the_kind() {
    let text = "package p\n\ndeny contains \"a\"\n\ndeny_x contains \"b\"\n\nwarn_y contains \"c\"\n\nexception contains input.names if input.names\n";
    let policy = policy(text);
    for (input, want) in [
        ("{}", &["deny p a", "deny p b", "warn p c"][..]),
        (r#"{"names": ["x", "z"]}"#, &["deny p a", "warn p c"]),
        (r#"{"names": ["", "y"]}"#, &["deny p b"]),
        (r#"{"names": ["deny_x"]}"#, &["deny p a", "deny p b", "warn p c"]),
    ] {
        assert_eq!(evaluate(&policy, input).unwrap(), want, "{input}");
    }
}

#[test]
fn an_input_that_is_not_json_is_an_error() {
    let policy = policy("package p\n\ndeny contains \"a\"\n");
    for input in ["", "{", "{} {}", &format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))] {
        assert!(matches!(evaluate(&policy, input), Err(EvalError::Input(_))), "{}", input.len());
    }
}

#[test]
fn evaluation_stops_at_its_limits() {
    let endless = "package p\n\ndeny contains \"a\" if {\n\tsome a in numbers.range(1, 1000)\n\tsome b in numbers.range(1, 1000)\n\t\
                   some c in numbers.range(1, 1000)\n\ta + b + c < 0\n}\n";
    let policy_of_loops = policy(endless);
    let packages = all(&policy_of_loops);
    let limit = Duration::from_millis(200);
    let started = Instant::now();
    let error =
        policy_of_loops.evaluate(&EvalRequest { time_limit: limit, ..EvalRequest::new(&packages, "{}") }).unwrap_err();
    assert_eq!(error, EvalError::TimeLimit(limit));
    assert_eq!(error.into_evaluation_error("s").code, ErrorCode::Deadline);
    let soon = Some(Instant::now() + limit);
    let error =
        policy_of_loops.evaluate(&EvalRequest { deadline: soon, ..EvalRequest::new(&packages, "{}") }).unwrap_err();
    assert_eq!(error, EvalError::Deadline);
    let past = Some(Instant::now());
    let error =
        policy_of_loops.evaluate(&EvalRequest { deadline: past, ..EvalRequest::new(&packages, "{}") }).unwrap_err();
    assert_eq!(error, EvalError::Deadline);
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());

    let many = policy("package p\n\ndeny contains sprintf(\"%d\", [n]) if some n in numbers.range(0, 10000)\n");
    assert_eq!(evaluate(&many, "{}"), Err(EvalError::TooManyResults));
    let huge = policy("package p\n\ndeny contains \"a\" if not numbers.range(0, 1000000000000)\n");
    let error = evaluate(&huge, "{}").unwrap_err().to_string();
    assert!(error.contains("requested more than 1000000 numbers"), "{error}");
}

#[test]
fn recursion_over_rules_is_an_error_with_its_place() {
    for rules in
        ["a if b\n\nb if a", "a if b\n\nb := {x | some x in [1]; data.p.a}", "f(x) := g(x)\n\ng(x) := f(x) + 1"]
    {
        let error = problems(&[&format!("package p\n\n{rules}\n\ndeny contains \"x\"\n")]);
        assert!(error.contains("1.rego:3:1: rule data.p.") && error.contains("recursive"), "{error}");
    }
}

#[test]
fn threads_share_a_policy_and_get_the_same_results() {
    fn shared<T: Send + Sync + 'static>(value: T) -> Arc<T> {
        Arc::new(value)
    }
    let text = "package p\n\ndeny contains sprintf(\"%d\", [n * input.x]) if some n in data.numbers\n";
    let policy = shared(compiled(&[text], r#"{"numbers": [3, 1, 2]}"#).unwrap());
    let results = |input: &'static str| {
        let policy = Arc::clone(&policy);
        std::thread::spawn(move || (0..20).map(|_| evaluate(&policy, input).unwrap()).collect::<BTreeSet<_>>())
    };
    let threads =
        [results(r#"{"x": 1}"#), results(r#"{"x": 1}"#), results(r#"{"x": 10}"#)].map(|thread| thread.join().unwrap());
    let want = |numbers: [&str; 3]| BTreeSet::from([numbers.map(|number| format!("deny p {number}")).to_vec()]);
    assert_eq!(threads, [want(["1", "2", "3"]), want(["1", "2", "3"]), want(["10", "20", "30"])]);
}

#[test]
fn packages_and_numbers_of_any_form_work() {
    let text = "package a[\"b.c\"][\"d-e\"]\n\ndeny contains json.marshal(input.n)\n\ndeny contains {\"msg\": \"n\", \"n\": input.n}\n";
    let policy = policy(text);
    assert_eq!(all(&policy), BTreeSet::from(["a.b.c.d-e".to_owned()]));
    let packages = all(&policy);
    let results = policy.evaluate(&EvalRequest::new(&packages, r#"{"n": 123456789012345678901234567890}"#)).unwrap();
    let big = "123456789012345678901234567890";
    assert!(results.iter().any(|result| result.message == big), "{results:?}");
    assert!(
        results.iter().any(|result| result
            .metadata
            .get("n")
            .and_then(Value::as_number)
            .is_some_and(|n| n.as_str() == big)),
        "{results:?}"
    );
}

/// What is kept, in memory.
#[derive(Default)]
struct Kept(std::sync::Mutex<BTreeMap<assay_model::digest::Digest, Vec<u8>>>);

impl assay_model::port::DerivedCache for Kept {
    fn find(&self, key: &assay_model::digest::Digest) -> Option<Vec<u8>> {
        self.0.lock().unwrap().get(key).cloned()
    }

    fn keep(&self, key: &assay_model::digest::Digest, bytes: &[u8]) {
        self.0.lock().unwrap().insert(key.clone(), bytes.to_vec());
    }
}

/// A policy that is kept, of files of which the names begin with something.
fn kept(kept: &Arc<Kept>, names: &str, texts: &[&str], options: CompileOptions) -> Result<Policy, CompileError> {
    let mut sources = Sources::new();
    sources.set_cache(Arc::clone(kept) as Arc<dyn assay_model::port::DerivedCache>);
    for (number, text) in (1..).zip(texts) {
        sources.add_policy_text(format!("{names}{number}.rego"), *text);
    }
    Policy::compile_with(sources, options)
}

const ANNOTATED: &str = "package a.b\n\nimport rego.v1\n\n# METADATA\n# title: One\n# custom:\n#   short_name: one\n#   \
                         collections: [x, y]\n#   solution: S\n#   depends_on: [c.d]\ndeny contains result if {\n\tsome x in \
                         input.xs\n\tresult := {\"code\": \"a.b.one\", \"msg\": sprintf(\"%s\", [x])}\n}\n\nwarn contains 1\n\n\
                         wrong := v if { v := [1, 2][_] }\n\nviolation contains \"v\" if wrong\n";

#[test]
fn a_policy_that_was_kept_is_the_policy_whatever_its_files_are_called() {
    let cache: Arc<Kept> = Arc::default();
    let texts = [ANNOTATED, "package lib\n\nx := 1\n"];
    let first = kept(&cache, "one/", &texts, CompileOptions::default()).unwrap();
    assert_eq!(cache.0.lock().unwrap().len(), 1);
    let again = kept(&cache, "other/", &texts, CompileOptions::default()).unwrap();
    assert_eq!(cache.0.lock().unwrap().len(), 1, "it was taken from there");
    let named = |rule: &RuleInfo| {
        let mut rule = rule.clone();
        rule.location.0 = rule.location.0.replace("other/", "one/");
        rule
    };
    assert!(again.rules().iter().all(|rule| rule.location.0 == "other/1.rego"), "{:?}", again.rules());
    assert_eq!(again.rules().iter().map(named).collect::<Vec<_>>(), first.rules());
    assert_eq!(again.annotated_rules().len(), first.annotated_rules().len());
    for input in [r#"{"xs": ["p", "q"]}"#, "{}"] {
        let error = evaluate(&first, input).unwrap_err().to_string();
        assert!(error.contains("one/1.rego:"), "{error}");
        assert_eq!(evaluate(&again, input).unwrap_err().to_string().replace("other/", "one/"), error);
    }
    let problem = |policy: Policy| policy.require_result_values().unwrap_err().to_string();
    assert_eq!(problem(again).replace("other/", "one/"), problem(first));
}

#[test]
fn what_is_kept_is_of_these_texts_and_options() {
    let cache: Arc<Kept> = Arc::default();
    let count = || cache.0.lock().unwrap().len();
    let text = "package a\n\ndeny contains \"x\"\n";
    kept(&cache, "", &[text], CompileOptions::default()).unwrap();
    for (texts, options, want) in [
        (&[text][..], CompileOptions::default(), 1),
        (&[text, "package b\n"], CompileOptions::default(), 2),
        (&["package b\n", text], CompileOptions::default(), 3),
        (&[text], CompileOptions { strict: true, ..CompileOptions::default() }, 4),
        (
            &[text],
            CompileOptions { deadline: Some(Instant::now() + Duration::from_secs(60)), ..CompileOptions::default() },
            4,
        ),
    ] {
        kept(&cache, "", texts, options).unwrap();
        assert_eq!(count(), want, "{texts:?}");
    }
    let old = CompileOptions { v0: true, ..CompileOptions::default() };
    kept(&cache, "", &["package a\n\ndeny[\"x\"] { true }\n"], old).unwrap();
    assert_eq!(count(), 5);
    assert!(kept(&cache, "", &["package a\n\ndeny[\"x\"] { true }\n"], CompileOptions::default()).is_err());
    assert_eq!(count(), 5, "what has an error is not kept");
    assert!(matches!(
        kept(&cache, "", &["package a\n"], CompileOptions::default()),
        Err(CompileError::NoRules { files: 1 })
    ));
    assert!(matches!(
        kept(&cache, "", &["package a\n"], CompileOptions::default()),
        Err(CompileError::NoRules { files: 1 })
    ));
}

#[test]
fn a_policy_that_was_kept_and_is_damaged_is_compiled() {
    let cache: Arc<Kept> = Arc::default();
    let text = "package a\n\ndeny contains x if some x in input.xs\n";
    kept(&cache, "", &[text], CompileOptions::default()).unwrap();
    let whole: Vec<u8> = cache.0.lock().unwrap().values().next().unwrap().clone();
    for end in 0..whole.len() {
        cache.0.lock().unwrap().values_mut().for_each(|bytes| bytes.truncate(end));
        let policy = kept(&cache, "", &[text], CompileOptions::default()).unwrap();
        assert_eq!(evaluate(&policy, r#"{"xs": ["p"]}"#).unwrap(), ["deny a p"], "{end}");
        assert_eq!(cache.0.lock().unwrap().values().next(), Some(&whole), "it is kept again");
    }
}
