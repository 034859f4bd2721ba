//! [`Program`]: runs a program within a time limit, and within a limit of what it writes to its folder.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    sync::{
        Mutex, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};

use super::error::FetchErrorKind;

/// How often a running program is looked at.
const TICK: Duration = Duration::from_millis(200);
/// What is kept of what a program says on standard error.
const STDERR_BYTES: u64 = 4 << 10;

/// How long a program may run and how much it may write.
pub(super) struct Program<'a> {
    /// The time limit.
    pub(super) time: Duration,
    /// The folder whose size is watched, and the size that ends the program.
    pub(super) folder: &'a Path,
    /// See `folder`.
    pub(super) bytes: u64,
}

/// How a program ended.
pub(super) struct ProcessOutput<T> {
    pub(super) status: ExitStatus,
    /// What came of its standard output.
    pub(super) output: T,
    /// Its standard error, cut short and on one line.
    pub(super) stderr: String,
}

impl Program<'_> {
    /// Runs the command; `read` reads its standard output. Standard error goes to a file, as a program that was left
    /// behind by it could hold a pipe open forever; for the same reason standard output is waited for no longer than
    /// the command may run.
    pub(super) fn run<T>(
        &self,
        command: &mut Command,
        read: impl FnOnce(&mut dyn Read) -> Result<T, FetchErrorKind>,
    ) -> Result<ProcessOutput<T>, FetchErrorKind> {
        let mut stderr = tempfile::tempfile_in(self.folder)?;
        let spawned = command.stdout(Stdio::piped()).stderr(stderr.try_clone()?).spawn();
        let mut child = match spawned {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(FetchErrorKind::NoGit),
            spawned => spawned?,
        };
        let Some(stdout) = child.stdout.take() else { return Err(io::Error::other("no standard output").into()) };
        let mut stdout = Timed { stdout, end: Instant::now() + self.time + 2 * TICK };
        let stderr_too = stderr.try_clone()?;
        let child = Mutex::new(child);
        let (over, watched) = mpsc::channel::<()>();
        let (output, status, stopped) = thread::scope(|scope| {
            let child = &child;
            let watch = scope.spawn(move || self.watch(child, &stderr_too, &watched));
            let output = read(&mut stdout);
            if output.is_err() {
                kill(child);
            }
            // A reader that stopped early must not block the program.
            drop(stdout);
            let status = wait(child, self.time);
            drop(over);
            (output, status, watch.join().ok().flatten())
        });
        if let Some(why) = stopped {
            return Err(why);
        }
        Ok(ProcessOutput { output: output?, status: status?, stderr: read_stderr(&mut stderr)? })
    }

    /// Ends the program when a limit is reached; returns which one.
    fn watch(&self, child: &Mutex<Child>, stderr: &File, over: &mpsc::Receiver<()>) -> Option<FetchErrorKind> {
        let started = Instant::now();
        while over.recv_timeout(TICK.min(self.time)) == Err(RecvTimeoutError::Timeout) {
            // The file of standard error has no name, so it is in no folder.
            let stderr = stderr.metadata().map_or(0, |about| about.len());
            let why = if started.elapsed() > self.time {
                FetchErrorKind::TooSlow(self.time)
            } else if folder_bytes(self.folder, 0).saturating_add(stderr) > self.bytes {
                FetchErrorKind::TooMuch(format!("more than {} bytes to fetch", self.bytes))
            } else {
                continue;
            };
            kill(child);
            return Some(why);
        }
        None
    }
}

/// The standard output of a program, until a deadline.
struct Timed {
    stdout: ChildStdout,
    end: Instant,
}

impl Read for Timed {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.end.saturating_duration_since(Instant::now());
            let wait =
                Timespec { tv_sec: left.as_secs().try_into().unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() };
            match poll(&mut [PollFd::new(&self.stdout, PollFlags::IN)], Some(&wait)) {
                Ok(0) => return Err(io::ErrorKind::TimedOut.into()),
                Ok(_) => return self.stdout.read(to),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

fn kill(child: &Mutex<Child>) {
    // It may have ended by itself.
    let _ended = child.lock().unwrap_or_else(PoisonError::into_inner).kill();
}

/// Waits without holding the lock, which is needed to end the program.
fn wait(child: &Mutex<Child>, time: Duration) -> io::Result<ExitStatus> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.lock().unwrap_or_else(PoisonError::into_inner).try_wait()? {
            return Ok(status);
        }
        if started.elapsed() > time + TICK {
            kill(child);
        }
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// The beginning of what was said: a message, which may be cut.
fn read_stderr(file: &mut File) -> io::Result<String> {
    use std::io::Seek as _;
    file.rewind()?;
    let mut bytes = Vec::new();
    file.take(STDERR_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Ok(lines.join("; ").chars().filter(|character| !character.is_control()).take(400).collect())
}

/// The size of the files in a folder, a few folders deep.
fn folder_bytes(folder: &Path, depth: usize) -> u64 {
    let Ok(entries) = fs_err::read_dir(folder) else { return 0 };
    let size = |entry: fs_err::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() && depth < 6 => folder_bytes(&entry.path(), depth + 1),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, time: Duration, bytes: u64) -> Result<(bool, String, String), String> {
        let folder = tempfile::tempdir().unwrap();
        let program = Program { time, folder: folder.path(), bytes };
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(folder.path()).stdin(Stdio::null());
        let read = |out: &mut dyn Read| {
            let mut text = String::new();
            out.read_to_string(&mut text).map_err(FetchErrorKind::from).map(|_| text)
        };
        let ended = program.run(&mut command, read).map_err(|why| why.to_string())?;
        Ok((ended.status.success(), ended.output, ended.stderr))
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_program_is_read_to_its_end() {
        let ended = run("echo out; echo err >&2; exit 3", LONG, 1 << 20).unwrap();
        assert_eq!(ended, (false, "out\n".to_owned(), "err".to_owned()));
    }

    #[test]
    fn a_program_that_hangs_or_writes_too_much_is_ended() {
        let error = run("exec sleep 600", Duration::from_millis(300), 1 << 20).unwrap_err();
        assert!(error.contains("longer than"), "{error}");
        let error = run("head -c 100000 /dev/zero > big; exec sleep 600", LONG, 50_000).unwrap_err();
        assert!(error.contains("more than 50000 bytes"), "{error}");
    }

    #[test]
    fn what_a_program_leaves_behind_holds_nothing_up() {
        let started = Instant::now();
        // The program ends at once; its child keeps its standard output open.
        let ended = run("sleep 30 & exit 0", Duration::from_millis(500), 1 << 20);
        assert!(ended.is_err(), "{ended:?}");
        assert!(started.elapsed() < Duration::from_secs(10));
    }

    #[test]
    fn what_a_program_says_counts_as_written() {
        let error = run("head -c 100000 /dev/zero >&2; exec sleep 600", LONG, 50_000).unwrap_err();
        assert!(error.contains("more than 50000 bytes"), "{error}");
    }

    #[test]
    fn a_program_that_is_not_there_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let program = Program { time: LONG, folder: folder.path(), bytes: 1 };
        let ended = program.run(&mut Command::new("no-such-program-here"), |_| Ok(()));
        assert!(matches!(ended, Err(FetchErrorKind::NoGit)));
    }
}
