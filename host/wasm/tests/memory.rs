//! Memory of many calls and of many plugins, in a process of its own: nothing of a call stays behind, and a plugin that waits for
//! its next call costs little.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use assay_wasm::{CallTime, Engine, EngineOptions, JobOptions, Plugin, Task};
use camino::{Utf8Path, Utf8PathBuf};
use jiff::Timestamp;

const MIB: u64 = 1 << 20;

/// The bytes of a guest of the tests, built where those of all other tests are.
fn guest(name: &str) -> Vec<u8> {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    // This test stands in TARGET/PROFILE/deps.
    let program = Utf8PathBuf::from_path_buf(std::env::current_exe().unwrap()).unwrap();
    let built = xtask::guests::build(root, program.ancestors().nth(3).unwrap()).unwrap();
    fs_err::read(built.iter().find(|path| path.file_stem() == Some(name)).unwrap()).unwrap()
}

/// The memory of this process that is in use (`proc_pid_status(5)`).
fn resident() -> u64 {
    let status = fs_err::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn run(plugin: &Plugin, times: usize) {
    for _ in 0..times {
        let task = Task::new(plugin, JobOptions::default()).unwrap();
        let outcome = task.run(CallTime::first(Timestamp::UNIX_EPOCH));
        assert!(outcome.result.is_ok(), "{:?}", outcome.result);
    }
}

/// The component with a section of its own, so that it is another one.
fn distinct(component: &[u8], number: u8) -> Vec<u8> {
    [component, &[0, 3, 1, b'n', number]].concat()
}

#[test]
fn ten_thousand_calls_grow_memory_by_at_most_four_mebibytes_and_a_hundred_plugins_need_at_most_two_hundred() {
    let engine = Engine::new(EngineOptions::in_process(4)).unwrap();
    let component = guest("scripted_task");
    let plugin = Plugin::load(&engine, "scripted-task", &component).unwrap();
    // The first calls fill the pools that all further ones use.
    run(&plugin, 500);
    let before = resident();
    run(&plugin, 10_000);
    let grown = resident().saturating_sub(before);
    assert!(grown <= 4 * MIB, "10,000 calls grew memory by {grown} bytes");
    let before = resident();
    let plugins: Vec<Plugin> =
        (0..100).map(|number| Plugin::load(&engine, "scripted-task", &distinct(&component, number)).unwrap()).collect();
    let digests: std::collections::BTreeSet<String> =
        plugins.iter().map(|plugin| plugin.digest().to_string()).collect();
    assert_eq!(digests.len(), 100);
    plugins.iter().for_each(|plugin| run(plugin, 1));
    let used = resident().saturating_sub(before);
    assert!(used <= 200 * MIB, "100 plugins need {used} bytes");
}
