//! Compiled policies and data that are kept between runs: they make a run faster and change nothing else.

use camino::Utf8PathBuf;
use serde_json::json;

use crate::fixture::{CommandOutput, Fixture, HOST};

/// A world with images that are denied, warned about and passed, by rules and data.
fn fixture() -> Fixture {
    let mut fixture = Fixture::good();
    fixture.image("worse", &[("bad", "yes"), ("odd", "yes")]);
    fixture.file(
        "policy/data.rego",
        "package listed\n\nimport rego.v1\n\n# METADATA\n# title: Listed\n# custom:\n#   short_name: listed\ndeny contains \
         result if {\n\tnot input.component_name in data.allowed\n\tresult := {\"code\": \"listed.listed\", \"msg\": \
         sprintf(\"%s at %v\", [input.component_name, data.rule_data__configuration__.more])}\n}\n",
    );
    fixture.file("data/allowed.yaml", "allowed: [good]\n");
    fixture
}

/// Everything that a run prints and writes, but for what is different in each.
fn validate(fixture: &Fixture, more: &[&str]) -> (CommandOutput, String) {
    let source = json!({
        "policy": [fixture.path("policy")],
        "data": [fixture.path("data")],
        "ruleData": {"more": [1]},
    });
    let report = fixture.path("report.txt");
    let outputs = [
        "--output=json",
        &format!("--output=text={report}"),
        "--effective-time=2099-01-01T00:00:00Z",
        "--show-successes",
        "--show-warnings",
    ];
    let output =
        fixture.validate_with_policy(&json!({"sources": [source]}).to_string(), &[&outputs[..], more].concat());
    let text = fs_err::read_to_string(report).unwrap();
    // The last line ends with how long it took.
    let (text, took) = text.trim_end().rsplit_once(" in ").unwrap();
    assert!(took.ends_with(" s"), "{took}");
    (output, text.to_owned())
}

/// What is kept.
fn entries(fixture: &Fixture) -> Vec<Utf8PathBuf> {
    let listed = fixture.path("cache/derived").read_dir_utf8().unwrap();
    let mut entries: Vec<_> = listed.map(|entry| entry.unwrap().into_path()).collect();
    entries.sort();
    entries
}

fn same((one, text): &(CommandOutput, String), (other, other_text): &(CommandOutput, String)) {
    assert_eq!((one.code, &one.out, &one.err, text), (other.code, &other.out, &other.err, other_text));
}

#[test]
fn a_run_reports_the_same_byte_for_byte_with_and_without_what_is_kept() {
    let fixture = fixture();
    let without = validate(&fixture, &["--cache-dir="]);
    without.0.expect(1, "Image worse is bad");
    assert!(without.0.out.contains("worse at [1]"), "{}", without.0.out);
    let cache = fixture.path("cache");
    let with = ["--cache-dir", cache.as_str()];
    let cold = validate(&fixture, &with);
    let kept = entries(&fixture);
    assert_eq!(kept.len(), 2, "the policies and the data");
    let warm = validate(&fixture, &with);
    assert_eq!(entries(&fixture), kept, "nothing is kept again");
    same(&without, &cold);
    same(&without, &warm);
    // Another policy is another entry, and the data is known.
    fixture.file("policy/data.rego", "package listed\n");
    assert!(!validate(&fixture, &with).0.out.contains("worse at [1]"));
    assert_eq!(entries(&fixture).len(), 3);
}

/// What happens to the bytes of a file.
type Damage = fn(&[u8]) -> Vec<u8>;

#[test]
fn what_is_kept_and_damaged_is_compiled_again() {
    let fixture = fixture();
    let cache = fixture.path("cache");
    let with = ["--cache-dir", cache.as_str()];
    let cold = validate(&fixture, &with);
    let kept: Vec<_> = entries(&fixture).into_iter().map(|path| (fs_err::read(&path).unwrap(), path)).collect();
    let damages: [Damage; 5] = [
        |_| Vec::new(),
        |whole| whole[..whole.len() / 2].to_vec(),
        |whole| whole[..whole.len() - 1].to_vec(),
        |whole| {
            whole.iter().enumerate().map(|(at, byte)| if at == whole.len() / 2 { byte ^ 1 } else { *byte }).collect()
        },
        |whole| [whole, b"more"].concat(),
    ];
    for damage in damages {
        for (whole, path) in &kept {
            fs_err::write(path, damage(whole)).unwrap();
        }
        same(&cold, &validate(&fixture, &with));
        for (whole, path) in &kept {
            assert_eq!(&fs_err::read(path).unwrap(), whole, "it is kept again");
        }
    }
    // Entries of each other: their digests are right, but they are not what is looked for.
    let [(first, one), (second, other)] = kept.as_slice() else { panic!("{} are kept", kept.len()) };
    fs_err::write(one, second).unwrap();
    fs_err::write(other, first).unwrap();
    same(&cold, &validate(&fixture, &with));
}

#[test]
fn a_policy_that_does_not_compile_is_refused_in_every_run() {
    let fixture = fixture();
    fixture.file("policy/data.rego", "package listed\n\ndeny contains x if y\n");
    let cache = fixture.path("cache");
    for _ in 0..2 {
        let policy = json!({"sources": [{"policy": [fixture.path("policy")]}]}).to_string();
        let output = fixture.validate_with_policy(&policy, &["--cache-dir", cache.as_str()]);
        output.expect(2, "var y is unsafe");
        assert_eq!(entries(&fixture).len(), 0);
    }
}

#[test]
fn runs_at_the_same_time_share_a_cache() {
    let fixture = fixture();
    let (alone, _) = validate(&fixture, &["--cache-dir="]);
    let (cache, layout) = (fixture.path("cache"), fixture.path("oci"));
    let source = json!({"policy": [fixture.path("policy")], "data": [fixture.path("data")], "ruleData": {"more": [1]}});
    let policy = json!({"sources": [source]}).to_string();
    let run = || {
        let more = ["--evidence", layout.as_str(), "--cache-dir", cache.as_str()];
        let shown = ["--output=json", "--effective-time=2099-01-01T00:00:00Z", "--show-successes", "--show-warnings"];
        fixture.run_with_env(HOST, &policy, &[&more[..], &shown[..]].concat(), &[])
    };
    let outputs: Vec<_> = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..6).map(|_| scope.spawn(run)).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    for output in outputs {
        assert_eq!((output.code, output.out), (alone.code, alone.out.clone()));
    }
    assert_eq!(entries(&fixture).len(), 2);
    assert_eq!(cache.join("work").read_dir_utf8().unwrap().count(), 0, "nothing is left half written");
}
