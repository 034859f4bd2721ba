//! [`Compiler`]: what turns a component into native code, and [`run_compiler`], the program of the child process.
//!
//! The compiler cannot be interrupted, and takes time and memory for what a component says. So the first use of a component
//! compiles it in a child process with limits of its own: a component that is made to take too much ends with it, and
//! neither the memory nor a bug of the compiler is in the process that holds secrets.

use std::{
    ffi::OsString,
    fs::File,
    io::{Read, Write},
    os::unix::process::ExitStatusExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::Duration,
};

use assay_model::limits::PLUGIN_BYTES;
use nix::sys::resource::{Resource, setrlimit};

use crate::{
    engine_config::{Metering, compiling_engine},
    names::without_names,
    text,
};

/// What compiles components.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Compiler {
    /// This process, without limits: for tests.
    InProcess,
    /// A child process.
    Child {
        /// The program, which calls [`run_compiler`] with the arguments after the first one.
        program: PathBuf,
        /// Its first argument.
        verb: OsString,
        /// How long it may take. Twice as much computing time may be used.
        time: Duration,
    },
}

impl Compiler {
    /// How long a compilation takes at most unless something else is chosen.
    pub const TIME: Duration = Duration::from_secs(60);

    /// The environment variable that names another time, in seconds.
    pub const TIME_VARIABLE: &str = "ASSAY_PLUGIN_COMPILE_SECONDS";
}

/// Address space of the child process.
const CHILD_MEMORY: u64 = 4 << 30;

/// Native code of one component.
const CODE_BYTES: u64 = 512 << 20;

/// What is read of the words of the child process.
const STDERR_BYTES: u64 = 4 << 10;

/// Signals that show that a limit was passed (signal(7)): out of memory, killed, computing time, file size.
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;
const SIGXFSZ: i32 = 25;

/// Why there is no code.
#[derive(Debug)]
pub(crate) enum CompileError {
    /// A limit was passed: the end of a sentence that begins with the component.
    TooMuch(String),
    /// The component is invalid, or the compiler could not be run.
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

impl From<std::io::Error> for CompileError {
    fn from(error: std::io::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Compiles in a child process, whose standard output is the file.
pub(crate) fn compile_in_child(
    compiler: (&PathBuf, &OsString, Duration),
    metering: Metering,
    is_small: bool,
    component: &[u8],
    code: File,
) -> Result<(), CompileError> {
    let (program, verb, time) = compiler;
    let seconds = time.as_secs().saturating_mul(2).max(1).to_string();
    let layout = if is_small { "small" } else { "pooled" };
    let child = Command::new(program)
        .arg(verb)
        .args([metering.as_str(), layout, &seconds])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(code)
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| CompileError::Failed(format!("the compiler cannot be started: {error}").into()))?;
    let mut running = Running(child);
    let (input, stderr) = (running.0.stdin.take(), running.0.stderr.take());
    let (give, take) = mpsc::channel();
    // The child's standard error ends with it.
    let waiting = std::thread::Builder::new().name("plugin-compiler".to_owned()).spawn(move || {
        let mut said = Vec::new();
        let read = stderr.map_or(Ok(0), |mut stderr| {
            (&mut stderr).take(STDERR_BYTES).read_to_end(&mut said)?;
            std::io::copy(&mut stderr, &mut std::io::sink())
        });
        // Nobody takes what comes too late.
        let _late = give.send(read.map(|_| said));
    })?;
    let said = std::thread::scope(|scope| {
        // A child that ends early does not read everything.
        scope.spawn(move || input.map(|mut input| input.write_all(component)));
        let said = take.recv_timeout(time);
        if said.is_err() {
            running.0.kill()?;
        }
        Ok::<_, std::io::Error>(said.ok())
    })?;
    let status = running.0.wait()?;
    // It has ended with the child.
    let _panic = waiting.join();
    match said {
        Some(said) => result(Some(status), &String::from_utf8_lossy(&said?), time),
        None => result(None, "", time),
    }
}

fn result(status: Option<ExitStatus>, said: &str, time: Duration) -> Result<(), CompileError> {
    let longer = format!(
        "takes longer than {} s to compile; set {} to allow more, if you trust it",
        time.as_secs(),
        Compiler::TIME_VARIABLE
    );
    let Some(status) = status else { return Err(CompileError::TooMuch(longer)) };
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (_, Some(SIGXCPU | SIGKILL)) => Err(CompileError::TooMuch(longer)),
        (_, Some(SIGABRT)) => Err(CompileError::TooMuch(format!(
            "takes more than {} GiB of memory to compile, which is a fixed limit",
            CHILD_MEMORY >> 30
        ))),
        (_, Some(SIGXFSZ)) => Err(CompileError::TooMuch(format!(
            "compiles to more than {} MiB, which is a fixed limit",
            CODE_BYTES >> 20
        ))),
        (_, Some(signal)) => Err(CompileError::Failed(format!("the compiler was ended by signal {signal}").into())),
        (Some(code), None) if said.trim().is_empty() => {
            Err(CompileError::Failed(format!("the compiler ended with status {code}").into()))
        }
        _ => Err(CompileError::Failed(text::one_line(said.trim(), 2_000).into())),
    }
}

/// A child that does not outlive its parent's interest in it.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail for a child that has ended, as every child has that was waited for.
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// The child process: compiles the component of its standard input to its standard output. `arguments` are what
/// [`Compiler::Child`] passes after its verb. First it limits itself: address space, computing time, size of its output.
///
/// # Errors
/// One line for the parent.
pub fn run_compiler(arguments: &[String], input: impl Read, mut output: impl Write) -> Result<(), String> {
    let [metering, layout, seconds] = arguments else { return Err("the compiler takes three arguments".to_owned()) };
    let metering = Metering::parse(metering).ok_or_else(|| format!("there is no metering `{metering}`"))?;
    let seconds: u64 = seconds.parse().map_err(|_| format!("`{seconds}` is not a time"))?;
    for (resource, limit) in [
        (Resource::RLIMIT_AS, CHILD_MEMORY),
        (Resource::RLIMIT_CPU, seconds),
        (Resource::RLIMIT_FSIZE, CODE_BYTES),
        (Resource::RLIMIT_CORE, 0),
    ] {
        setrlimit(resource, limit, limit).map_err(|error| format!("the compiler cannot be limited: {error}"))?;
    }
    let mut component = Vec::new();
    input.take(PLUGIN_BYTES + 1).read_to_end(&mut component).map_err(|error| error.to_string())?;
    if component.len() as u64 > PLUGIN_BYTES {
        return Err(format!("it has more than {PLUGIN_BYTES} bytes"));
    }
    // What cannot be read is refused by the compiler, in its words.
    let component = without_names(&component).unwrap_or(component);
    let code = compiling_engine(metering, layout == "small")
        .and_then(|engine| engine.precompile_component(&component))
        .map_err(|error| text::one_line(&format!("{error:#}"), 2_000))?;
    output.write_all(&code).and_then(|()| output.flush()).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn child(program: &str, verb: &str, time: Duration) -> Result<(), CompileError> {
        let compiler = (&PathBuf::from(program), &OsString::from(verb), time);
        compile_in_child(compiler, Metering::Fuel, false, &vec![0; 1 << 20], tempfile::tempfile().unwrap())
    }

    #[test]
    fn a_child_that_takes_too_long_is_ended() {
        let Err(CompileError::TooMuch(why)) = child("/usr/bin/env", "yes", Duration::from_millis(50)) else {
            panic!("it was not ended")
        };
        assert!(why.contains("takes longer than 0 s") && why.contains(Compiler::TIME_VARIABLE), "{why}");
    }

    #[test]
    fn a_child_that_fails_is_an_error_with_its_words() {
        let Err(CompileError::Failed(error)) = child("/usr/bin/env", "false", Compiler::TIME) else { panic!() };
        assert_eq!(error.to_string(), "the compiler ended with status 1");
        let Err(CompileError::Failed(error)) = child("/nonexistent", "x", Compiler::TIME) else { panic!() };
        assert!(error.to_string().contains("cannot be started"), "{error}");
    }

    #[test]
    fn a_signal_of_a_limit_is_named_as_the_limit() {
        let ended = |signal| result(Some(ExitStatus::from_raw(signal)), "", Compiler::TIME).unwrap_err();
        for (signal, says) in [(SIGABRT, "4 GiB"), (SIGXCPU, "60 s"), (SIGKILL, "60 s"), (SIGXFSZ, "512 MiB")] {
            assert!(matches!(ended(signal), CompileError::TooMuch(why) if why.contains(says)), "{signal}");
        }
        assert!(matches!(ended(11), CompileError::Failed(_)));
    }

    #[test]
    fn arguments_that_are_none_are_refused() {
        for arguments in [&[][..], &["fuel", "pooled"], &["x", "pooled", "1"], &["fuel", "pooled", "x"]] {
            let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
            assert!(run_compiler(&arguments, std::io::empty(), std::io::sink()).is_err());
        }
    }
}
