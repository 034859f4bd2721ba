//! What a guest of each language that throws shows: the file and the line in the report, and what it printed in the log. The
//! templates are built with the tools of their languages, so these tests need them (`.ci/install-plugin-toolchains`).

use camino::Utf8Path;

use crate::{
    fixture::{CommandOutput, command, guest},
    tidy::root,
};

/// Fails unless the call trapped and its report has this.
#[track_caller]
fn shows(output: &CommandOutput, text: &str) {
    let is_trap = output.err.contains("\nerror: plugin `gate` trapped: ") && output.err.contains("(plugin-trap)");
    assert!(output.code == 3 && is_trap && output.err.contains(text), "wanted `{text}`: {output:#?}");
    assert!(output.err.starts_with("gate: info: said 1\n"), "{output:#?}");
}

/// Creates a task, changes one line of its source, builds it and runs it.
fn run_changed(language: &str, source: &str, line: &str, instead: &str) -> CommandOutput {
    let folder = tempfile::tempdir().unwrap();
    let path = Utf8Path::from_path(folder.path()).unwrap();
    let cache = guest("scripted_task").with_file_name("compiled-for-tests");
    let call = |arguments: &[&str]| {
        let mut command = command(arguments);
        command.current_dir(path).env("ASSAY_PLUGIN_CACHE", &cache).env("ASSAY_PLUGIN_COMPILE_SECONDS", "900");
        for name in ["PATH", "HOME", "GOCACHE"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        CommandOutput::of(&command.output().unwrap())
    };
    call(&["plugin", "new", "gate", "--lang", language, "--world", "task"]).expect(0, "");
    let file = path.join("gate").join(source);
    let text = fs_err::read_to_string(&file).unwrap();
    assert_eq!(text.matches(line).count(), 1, "{source} has changed");
    fs_err::write(&file, text.replace(line, instead)).unwrap();
    call(&["plugin", "build", "gate", "--debug"]).expect(0, "");
    let snapshot = root().join("host/plugin-kit/templates/tests/task/snapshot.json");
    call(&["plugin", "run", "gate/out/gate.wasm", "--images", snapshot.to_str().unwrap(), "--verbose"])
}

/// The number of the line that begins like this.
fn line_number(template: &str, line: &str) -> usize {
    let text = fs_err::read_to_string(root().join("host/plugin-kit/templates").join(template)).unwrap();
    text.lines().position(|one| one.contains(line)).unwrap() + 1
}

#[test]
#[ignore = "needs componentize-py"]
fn an_exception_in_python_shows_its_file_and_line() {
    let line = "allowed = assay.param(ctx, \"registries\")";
    let changed = "print(\"said\", 1); raise ValueError(\"no such cart\")";
    let output = run_changed("python", "src/app.py", line, changed);
    shows(&output, "ValueError: no such cart");
    shows(&output, &format!("app.py\", line {}", line_number("python/task/app.py", line)));
}

#[test]
#[ignore = "needs componentize-qjs"]
fn an_exception_in_javascript_shows_its_file_and_line() {
    let line = "const allowed = list(ctx, 'registries');";
    let changed = "console.log('said', 1); throw new RangeError('no such cart');";
    let output = run_changed("javascript", "src/app.js", line, changed);
    shows(&output, "no such cart");
    shows(&output, &format!("app.js:{}", line_number("javascript/task/app.js", line)));
}

#[test]
#[ignore = "needs Go, wit-bindgen and wasm-tools"]
fn a_panic_in_go_shows_its_file_and_line() {
    let line = "registries := assay.List(ctx, \"registries\")";
    let changed = "registries := assay.List(ctx, \"registries\"); fmt.Println(\"said\", 1); if len(registries) < 9 { panic(\"no such cart\") }";
    let output = run_changed("go", "export_assay_plugin_custom_task/task.go", line, changed);
    shows(&output, "panic: no such cart");
    shows(&output, &format!("task.go:{}", line_number("go/task/task.go", line)));
}
