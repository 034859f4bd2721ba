//! [`sweep`]: removes files that killed runs left next to their reports.

use std::{fs::File, time::Duration};

use camino::Utf8Path;

/// How old a leftover is at least. A report is written within seconds, so one that is older belongs to no running program.
const AGE: Duration = Duration::from_secs(15 * 60);

/// The random part of a temporary name.
const RANDOM: usize = 6;

/// Removes the old temporary files whose names begin and end so, with nothing but a random part between. `fresh` is a file
/// made there just now: ages are measured against it, by the disk's own clock. What cannot be removed stays.
pub(crate) fn sweep(folder: &Utf8Path, begin: &str, end: &str, fresh: &File) {
    let Ok(now) = fresh.metadata().and_then(|about| about.modified()) else { return };
    for entry in folder.read_dir_utf8().into_iter().flatten().filter_map(Result::ok) {
        let random = entry.file_name().strip_prefix(begin).and_then(|rest| rest.strip_suffix(end));
        let is_ours = random
            .is_some_and(|random| random.len() == RANDOM && random.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        let Some(about) = is_ours.then(|| fs_err::symlink_metadata(entry.path())).and_then(Result::ok) else {
            continue;
        };
        let age = about.modified().ok().and_then(|made| now.duration_since(made).ok());
        if about.is_file() && age.is_some_and(|age| age > AGE) {
            let _gone = fs_err::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::write_whole;

    #[test]
    fn what_killed_runs_left_beside_a_report_goes_when_it_is_old() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        let old = [".report.json.Ab3dE6.part"];
        let kept = [
            ".report.json.Young0.part",
            ".other.json.Ab3dE6.part",
            ".report.json.mine.part",
            ".report.json.a_cd-f.part",
            ".report.json.part",
            "report.json.Ab3dE6.part",
        ];
        for name in old.iter().chain(&kept) {
            let file = File::create(folder.join(name)).unwrap();
            if !name.contains("Young") {
                let then = file.metadata().unwrap().modified().unwrap() - 2 * AGE;
                file.set_modified(then).unwrap();
            }
        }
        write_whole(&folder.join("report.json"), b"new").unwrap();
        for (name, want) in old.iter().map(|name| (name, false)).chain(kept.iter().map(|name| (name, true))) {
            assert_eq!(folder.join(name).exists(), want, "{name}");
        }
    }
}
