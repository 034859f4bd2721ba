//! Components are compiled in a child process with limits, and their code is kept on disk for this user alone.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

use camino::Utf8PathBuf;

use crate::fixture::{CommandOutput, Fixture, HOST, guest};

/// Validates with these arguments and variables.
fn validate(fixture: &Fixture, more: &[&str], variables: &[(&str, &str)]) -> CommandOutput {
    fixture.layout.write(&fixture.path("oci")).unwrap();
    let evidence = fixture.path("oci");
    let more = [&["--evidence", evidence.as_str()], more].concat();
    fixture.run_with_env(HOST, &fixture.policy(), &more, variables)
}

/// A number in LEB128.
fn leb(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = u8::try_from(number & 0x7f).unwrap();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// A section, or anything else that begins with its length.
fn sized(bytes: &[u8]) -> Vec<u8> {
    [leb(bytes.len()), bytes.to_vec()].concat()
}

/// A component of the world `check` by its exports, with 31 MiB of arithmetic.
fn bomb() -> Vec<u8> {
    // One local i32; `local.get 0`, `i32.const 77`, `i32.mul`, `local.get 0`, `i32.xor`, `local.set 0`, over and over.
    let step = [0x20, 0, 0x41, 0xcd, 0, 0x6c, 0x20, 0, 0x73, 0x21, 0];
    let body = sized(&[&[1, 1, 0x7f][..], &step.repeat(95_000), &[0x0b]].concat());
    let functions = 31;
    let types = sized(&[1, 0x60, 0, 0]);
    let declared = sized(&[leb(functions), vec![0; functions]].concat());
    let code = sized(&[leb(functions), body.repeat(functions)].concat());
    let module = [&b"\0asm\x01\0\0\0"[..], &[1], &types, &[3], &declared, &[10], &code].concat();
    let export = |name: &str| [&[0][..], &sized(name.as_bytes()), &[5, 0, 0]].concat();
    let exports =
        [&[2][..], &export("assay:plugin/metadata@0.1.0"), &export("assay:plugin/image-check@0.1.0")].concat();
    let instance = sized(&[1, 1, 0]);
    [&b"\0asm\x0d\0\x01\0"[..], &[1], &sized(&module), &[5], &instance, &[11], &sized(&exports)].concat()
}

#[test]
fn a_component_that_takes_too_long_to_compile_is_refused_with_the_setting() {
    let fixture = Fixture::good();
    let file = fixture.path("bomb.wasm");
    fs_err::write(&file, bomb()).unwrap();
    let limited = [("ASSAY_PLUGIN_COMPILE_SECONDS", "1")];
    let output = validate(&fixture, &["--plugin", file.as_str()], &limited);
    output.expect(2, "takes longer than 1 s to compile; set ASSAY_PLUGIN_COMPILE_SECONDS to allow more");
}

#[test]
fn code_is_kept_for_this_user_and_used_again() {
    let fixture = Fixture::good();
    let cache = fixture.path("cache");
    let check = guest("licenses");
    let run = |variables: &[(&str, &str)]| {
        validate(&fixture, &["--plugin", check.as_str()], variables).expect(1, "licenses.sbom");
    };
    let files = || -> Vec<Utf8PathBuf> {
        let engines: Vec<_> = match cache.join("assay/plugins").read_dir_utf8() {
            Ok(entries) => entries.map(|entry| entry.unwrap().path().to_owned()).collect(),
            Err(_) => Vec::new(),
        };
        let all = engines.iter().flat_map(|engine| engine.read_dir_utf8().unwrap());
        all.map(|entry| entry.unwrap().path().to_owned()).filter(|path| path.extension() == Some("cwasm")).collect()
    };
    run(&[("XDG_CACHE_HOME", cache.as_str()), ("ASSAY_PLUGIN_CACHE", "off")]);
    assert_eq!(files(), [] as [&str; 0]);
    let home = [("XDG_CACHE_HOME", cache.as_str())];
    run(&home);
    let code = files();
    assert_eq!(code.len(), 1, "{code:?}");
    let code = code.first().unwrap();
    let file = || fs_err::metadata(code).unwrap();
    assert_eq!(file().permissions().mode() & 0o777, 0o600);
    let first = file().ino();
    run(&home);
    assert_eq!(file().ino(), first, "it is not compiled again");
    // Damaged code is compiled again, and not run.
    let mut bytes = fs_err::read(code).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs_err::write(code, bytes).unwrap();
    run(&home);
    assert_ne!(file().ino(), first);
}

#[test]
fn variables_that_are_nonsense_are_refused() {
    let fixture = Fixture::good();
    for variable in [("ASSAY_PLUGIN_COMPILE_SECONDS", "soon"), ("ASSAY_PLUGIN_CACHE", "here")] {
        validate(&fixture, &[], &[variable]).expect(2, variable.0);
    }
}
