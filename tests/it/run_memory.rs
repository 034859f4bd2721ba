//! Bad input of runs ends in its exit code, with a sentence and in little memory.

use std::{fmt::Write as _, process::Command};

use camino::Utf8Path;

use crate::{
    fixture::{CommandOutput, Fixture, command, guest},
    registry_failures::measured,
    runs::Shop,
};

/// What a process may hold in memory whatever its input is.
const MEMORY_KIB: u64 = 300 << 10;

/// Fails unless the command ends with this code, says this, and needs little memory.
fn expect(command: Command, about: &str, code: i32, says: &str) -> CommandOutput {
    let (output, memory) = measured(command);
    output.expect(code, says);
    assert!(memory < MEMORY_KIB, "{about}: {memory} KiB");
    assert!(output.err.len() < 4_000, "{about}: {} bytes of errors", output.err.len());
    output
}

fn import(file: &Utf8Path) -> Command {
    command(&["import", file.as_str(), "--format", "json"])
}

const PIPELINE: &str = "apiVersion: tekton.dev/v1\nkind: Pipeline\nmetadata: {name: p}\nspec:\n";
const PLUGIN: &str = "taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: x}";

#[test]
fn a_million_cells_a_bomb_and_ten_thousand_documents_are_imported_or_refused_in_little_memory() {
    let fixture = Fixture::empty();
    let list: Vec<_> = (0..1000).map(|n| format!("'{n}'")).collect();
    let list = list.join(", ");
    let matrix = format!(
        "{PIPELINE}  tasks: [{{name: a, {PLUGIN}, matrix: {{params: [{{name: b, value: [{list}]}}, {{name: c, value: [{list}]}}]}}}}]\n"
    );
    let mut bomb = format!("{PIPELINE}  tasks: []\nx0: &x0 [x, x, x, x, x, x, x, x, x, x]\n");
    for n in 1..12 {
        let refs = vec![format!("*x{}", n - 1); 10].join(", ");
        let _infallible = writeln!(bomb, "x{n}: &x{n} [{refs}]");
    }
    let mut documents = String::new();
    for number in 0..10_000 {
        let _infallible = writeln!(
            documents,
            "---\napiVersion: appstudio.redhat.com/v1alpha1\nkind: Component\nmetadata: {{name: c{number}}}\nspec: {{componentName: c{number}, application: shop}}"
        );
    }
    let cycle =
        format!("{PIPELINE}  tasks: [{{name: a, {PLUGIN}, runAfter: [b]}}, {{name: b, {PLUGIN}, runAfter: [a]}}]\n");
    let control = "apiVersion: appstudio.redhat.com/v1alpha1\nkind: Application\nmetadata: {name: \"a\\u001b[2J\"}\n";
    for (name, text, code, says) in [
        ("matrix.yaml", matrix, 2, "the matrix has 1000000 combinations, more than the 256 allowed"),
        ("bomb.yaml", bomb, 2, "is not YAML"),
        ("documents.yaml", documents, 0, "c9999"),
        ("cycle.yaml", cycle, 2, "the tasks wait for each other"),
        ("control.yaml", control.to_owned(), 2, "rejected"),
    ] {
        let file = fixture.file(name, &text);
        let output = expect(import(&file), name, code, says);
        assert!(!output.out.contains('\u{1b}') && !output.err.contains('\u{1b}'), "{name}");
    }
}

#[test]
fn a_parameter_of_a_hundred_megabytes_is_refused_in_little_memory() {
    let shop = Shop::new("success");
    let text = fs_err::read_to_string(shop.fixture.path("resources.yaml")).unwrap();
    let with = |bytes: usize| text.replace("value: success", &format!("value: '{}'", "x".repeat(bytes)));
    let run = |shop: &Shop| {
        let arguments = shop.arguments(&["--dev"]);
        command(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
    };
    // The file alone is too large.
    shop.fixture.file("resources.yaml", &with(100_000_000));
    expect(run(&shop), "a file of 100 MB", 2, "resources.yaml");
    assert!(!shop.fixture.path("store").exists());
    // The file may be that large, and the parameter may not.
    shop.fixture.file("resources.yaml", &with(12 << 20));
    expect(run(&shop), "a parameter of 12 MiB", 3, "the parameters have 12582");
    // As a Snapshot.
    shop.fixture.file("resources.yaml", &text);
    let snapshot = format!(
        "{{\"metadata\": {{\"annotations\": {{\"a\": \"{}\"}}}}, \"spec\": {{\"application\": \"shop\", \"components\": []}}}}",
        "x".repeat(100_000_000)
    );
    let snapshot = shop.fixture.file("snapshot.json", &snapshot);
    let arguments = shop.arguments(&["--dev", "--images", snapshot.as_str()]);
    let run = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    expect(run, "a Snapshot of 100 MB", 2, "snapshot.json");
}

/// Plugins that loop, end in a trap, take memory or write without an end.
#[test]
fn a_plugin_that_loops_traps_allocates_or_floods_is_an_error_in_little_memory() {
    let hostile = guest("hostile_task");
    let plugins = format!(
        "[plugin.scripted]\nfile = '{}'\n[plugin.hostile]\nfile = '{hostile}'\nlimits = {{ cpu-ms = 500 }}\n",
        guest("scripted_task")
    );
    let text = fs_err::read_to_string(Shop::new("success").fixture.path("resources.yaml")).unwrap();
    let first =
        "params: [{name: text, value: hello}]\n      taskRef: {apiVersion: assay.dev/v1, kind: Plugin, name: scripted}";
    assert!(text.contains(first));
    for (what, says) in [
        // Which limit comes first depends on how busy the machine is.
        ("loop", &["plugin-cpu-limit", "plugin-time-limit"][..]),
        ("trap", &["plugin-trap"]),
        ("allocate", &["plugin-memory-limit", "plugin-cpu-limit"]),
        ("flood", &["plugin-log-limit", "plugin-cpu-limit"]),
    ] {
        let shop = Shop::new("success");
        shop.fixture.file("plugins.toml", &plugins);
        let hostile = format!(
            "params: [{{name: do, value: {what}}}, {{name: times, value: '100000000'}}]\n      taskRef: {{apiVersion: assay.dev/v1, kind: Plugin, name: hostile}}"
        );
        let text = text.replace(first, &hostile).replace("$(tasks.first.results.text) again", "x");
        shop.fixture.file("resources.yaml", &text);
        let report = format!("json={}", shop.fixture.path("run.json"));
        let arguments = shop.arguments(&["--dev", "--scenario", "smoke", "--output", &report]);
        let mut run = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        run.env("ASSAY_PLUGIN_CACHE", Utf8Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-code"));
        run.env("ASSAY_PLUGIN_COMPILE_SECONDS", "900");
        expect(run, what, 3, "smoke");
        let document = fs_err::read_to_string(shop.fixture.path("run.json")).unwrap();
        let has_code = |code: &&str| document.contains(&format!("\"code\":\"{code}\""));
        assert!(says.iter().any(has_code), "{what}: {document}");
    }
}

/// A store on a disk that nobody can write, and on one that is full.
#[test]
#[ignore = "needs the right to mount: unshare"]
fn a_store_on_a_read_only_or_full_disk_is_an_error_in_little_memory() {
    let shop = Shop::new("success");
    shop.run(&["--dev"]).expect(0, "verdict allowed");
    let (store, full) = (shop.fixture.path("store"), shop.fixture.path("full"));
    fs_err::create_dir_all(&full).unwrap();
    let cache = shop.fixture.path("cache");
    let in_namespace = |prepare: &str, store: &Utf8Path, more: &[&str]| {
        let arguments = shop.arguments(more);
        let mut arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        *arguments.iter_mut().skip_while(|argument| **argument != "--store").nth(1).unwrap() = store.as_str();
        let script = format!("{prepare} && exec \"$0\" \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "bash", "-c", &script, env!("CARGO_BIN_EXE_assay")]);
        command.args(arguments).env("ASSAY_PLUGIN_CACHE", &cache);
        command
    };
    // The run is there, and can be read.
    let read_only = format!("mount --bind '{store}' '{store}' && mount -o remount,bind,ro '{store}'");
    expect(in_namespace(&read_only, &store, &["--dev"]), "read-only", 3, "store");
    let script = format!("{read_only} && exec \"$0\" runs list --store '{store}'");
    let mut list = Command::new("unshare");
    list.args(["--map-root-user", "--mount", "bash", "-c", &script, env!("CARGO_BIN_EXE_assay")]);
    expect(list, "read-only list", 0, "passed");
    for size in ["64k", "256k", "400k"] {
        let mount = format!("mount -t tmpfs -o size={size} tmpfs '{full}'");
        let (output, memory) = measured(in_namespace(&mount, &full.join("store"), &["--dev"]));
        assert!(output.code == 3 || output.code == 0 && size == "400k", "{size}: {output:?}");
        assert!(output.code == 0 || output.err.contains("store"), "{size}: {output:?}");
        assert!(!output.err.contains("panicked") && memory < MEMORY_KIB, "{size}: {memory} {output:?}");
    }
}
