//! Small files that would take a compiler much time or memory, each refused by the name of its limit; and what our own
//! components and those of common toolchains contain, which is accepted.

use super::*;

/// What is said of a component in WebAssembly's text format.
fn inspect_text(text: &str) -> Result<(), String> {
    match inspect(&wat::parse_str(text).unwrap()) {
        Ok(_) => Ok(()),
        Err(InspectError::TooMuch(why) | InspectError::Refused(why)) => Err(why),
        Err(InspectError::Unreadable(error)) => panic!("{error}"),
    }
}

fn refused(text: &str, says: &str) {
    let why = inspect_text(text).unwrap_err();
    assert!(why.contains(says), "{why}");
}

/// `line` for each number, joined.
fn each(numbers: impl Iterator<Item = u64>, line: impl Fn(u64) -> String) -> String {
    numbers.map(line).collect()
}

/// Components inside each other, each of which makes the one inside it twice.
fn tower(levels: usize) -> String {
    let core = "(component $c (core module $m) (core instance (instantiate $m)))".to_owned();
    let inner = (1..levels).fold(core, |inner, _| {
        format!("(component $c {inner} (instance (instantiate $c)) (instance (instantiate $c)))")
    });
    format!("(component {inner} (instance (instantiate $c)) (instance (instantiate $c)))")
}

#[test]
fn components_that_make_each_other_twice_are_refused_before_they_are_compiled() {
    refused(&tower(30), "nests components more than 8 levels deep");
    assert_eq!(inspect_text(&tower(7)), Ok(()));
    // The same side by side, by outer aliases instead of nesting.
    let side = |levels: u64| {
        let more = each(1..levels, |at| {
            let below = at - 1;
            format!(
                "(component $c{at} (alias outer 1 $c{below} (component $d)) (instance (instantiate $d)) (instance (instantiate $d)))"
            )
        });
        format!(
            "(component (component $c0 (core module $m) (core instance (instantiate $m))) {more} (instance (instantiate $c{})))",
            levels - 1
        )
    };
    refused(&side(30), "makes more than 2048 instances");
    assert_eq!(inspect_text(&side(8)), Ok(()));
    let many = each(0..limits::INSTANCES, |_| "(instance (instantiate $c))".to_owned());
    refused(&format!("(component (component $c) {many})"), "makes more than 2048 instances");
}

#[test]
fn a_component_that_takes_another_as_a_value_is_refused() {
    for text in [
        "(component (import \"c\" (component $c)) (instance (instantiate $c)))",
        "(component (component $c) (export \"c\" (component $c)))",
        "(component (component $c) (component $d (import \"c\" (component))) (instance (instantiate $d (with \"c\" (component $c)))))",
        "(component (component $c) (instance (export \"c\" (component $c))))",
        "(component (import \"i\" (instance $i (export \"c\" (component)))) (alias export $i \"c\" (component $d)))",
    ] {
        refused(text, "hands components on as values");
    }
}

#[test]
fn types_that_double_at_each_line_are_refused() {
    let tuples = each(1..30, |at| format!("(type $t{at} (tuple $t{0} $t{0}))", at - 1));
    refused(&format!("(component (type $t0 (tuple u8 u8)) {tuples})"), "a type of more than 50000 parts");
    let instances = each(1..30, |at| {
        let below = at - 1;
        format!(
            "(type $t{at} (instance (alias outer 1 $t{below} (type $u)) (export \"a\" (instance (type $u))) (export \"b\" (instance (type $u)))))"
        )
    });
    refused(&format!("(component (type $t0 (instance)) {instances})"), "a type of more than 50000 parts");
    let large = "(component (type $t (tuple u8 u8 u8 u8 u8 u8 u8 u8 u8 u8)) ".to_owned();
    let wide = format!("(tuple{})", " $t".repeat(4_000));
    refused(&format!("{large}{})", each(0..100, |_| format!("(type {wide})"))), "more than 2000000 parts of types");
}

#[test]
fn too_many_parts_of_a_component_are_refused_by_name() {
    for (text, says) in [
        (each(0..limits::COMPONENTS, |_| "(component)".to_owned()), "more than 64 components"),
        (each(0..=limits::MODULES, |_| "(core module)".to_owned()), "more than 64 core modules"),
        (each(0..=limits::COMPONENT_TYPES, |_| "(type u8)".to_owned()), "more than 20000 types"),
        (
            format!("(type (instance {}))", each(0..=limits::COMPONENT_TYPES, |_| "(type u8)".to_owned())),
            "more than 20000 types",
        ),
        (each(0..=limits::COMPONENT_ITEMS, |at| format!("(import \"i{at}\" (instance))")), "more than 10000 imports"),
        (
            format!("(type $t u8){}", each(0..=limits::COMPONENT_ITEMS, |at| format!("(export \"e{at}\" (type $t))"))),
            "more than 10000 exports",
        ),
        (
            format!(
                "(import \"i\" (instance $i (export \"r\" (type (sub resource))))){}",
                each(0..=limits::COMPONENT_ITEMS, |_| "(alias export $i \"r\" (type))".to_owned())
            ),
            "more than 10000 aliases",
        ),
        (
            format!(
                "(import \"f\" (func $f)){}",
                each(0..=limits::COMPONENT_ITEMS, |_| "(core func (canon lower (func $f)))".to_owned())
            ),
            "more than 10000 lifted and lowered functions",
        ),
        (
            each(0..20, |at| format!("(import \"{}{at}\" (instance))", "n".repeat(90_000))),
            "more than 1048576 bytes that describe it",
        ),
    ] {
        refused(&format!("(component {text})"), says);
    }
}

#[test]
fn too_many_parts_of_core_modules_are_refused_by_name() {
    let most = limits::CORE_ITEMS;
    for (text, says) in [
        (each(0..=most, |_| "(type (func))".to_owned()), "more than 100000 types of core modules"),
        (each(0..=most, |_| "(import \"\" \"\" (global i32))".to_owned()), "more than 100000 imports"),
        (
            format!("(global $g i32 (i32.const 0)){}", each(0..=most, |at| format!("(export \"{at}\" (global $g))"))),
            "more than 100000 exports",
        ),
        (each(0..=most, |_| "(global i32 (i32.const 0))".to_owned()), "more than 100000 globals"),
        (each(0..=most, |_| "(data \"\")".to_owned()), "more than 100000 segments"),
        (each(0..=most, |_| "(elem func)".to_owned()), "more than 100000 segments"),
        (each(0..=limits::FUNCTIONS, |_| "(func)".to_owned()), "more than 100000 functions"),
        (each(0..=2_048, |_| "(table 0 funcref)".to_owned()), "more than 2048 tables"),
        (each(0..=1_024, |_| "(memory 0)".to_owned()), "more than 1024 memories"),
        ("(table 10000000 funcref)".to_owned(), "a table of more than 20000 elements"),
        (format!("(func (local{}))", " i32".repeat(10_001)), "more than 10000 local variables"),
        (format!("(func {})", "(block)".repeat(500_000)), "a function of more than 1048576 bytes"),
        (
            format!("(func (local{}) {})", " i32".repeat(9_000), "(loop)".repeat(100_000)),
            "9000 local variables and 100000 blocks",
        ),
    ] {
        refused(&format!("(component (core module {text}))"), says);
    }
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

#[test]
fn more_code_than_can_be_compiled_is_refused() {
    // No locals, a megabyte less a bit of `nop`, and the end.
    let body = sized(&[&[0][..], &vec![1; (1 << 20) - 100], &[0x0b]].concat());
    let module = |functions: usize| {
        let types = sized(&[1, 0x60, 0, 0]);
        let declared = sized(&[leb(functions), vec![0; functions]].concat());
        let code = sized(&[leb(functions), body.repeat(functions)].concat());
        let sections =
            [[&[1][..], &types].concat(), [&[3][..], &declared].concat(), [&[10][..], &code].concat()].concat();
        let module = [b"\0asm\x01\0\0\0", sections.as_slice()].concat();
        [&b"\0asm\x0d\0\x01\0\x01"[..], &sized(&module)].concat()
    };
    assert!(inspect(&module(32)).is_ok());
    let Err(InspectError::TooMuch(why)) = inspect(&module(33)) else { panic!("33 MiB of code are taken") };
    assert!(why.contains("more than 33554432 bytes of code"), "{why}");
}

#[test]
fn a_file_that_cannot_be_read_is_left_to_the_compiler_to_name() {
    let good = wat::parse_str("(component (core module (func)) (type (tuple u8 u8)))").unwrap();
    for length in 8..good.len() {
        let cut = good.get(..length).unwrap();
        assert!(matches!(inspect(cut), Ok(_) | Err(InspectError::Unreadable(_))), "{length}");
    }
    assert!(matches!(inspect(b"garbage!"), Err(InspectError::Unreadable(_))));
    assert!(inspect(&good).is_ok());
}

#[test]
fn the_asynchronous_abi_is_refused_with_what_to_do_instead() {
    for text in [
        "(component (core func (canon task.cancel)))",
        "(component (core func (canon backpressure.inc)))",
        "(component (type (future)) (core func (canon future.new 0)))",
    ] {
        refused(text, "the asynchronous component ABI, which this host does not run");
        refused(text, "componentize-qjs --sync");
    }
}

#[test]
fn memories_that_no_call_can_have_are_refused() {
    refused("(component (core module (memory 8193)))", "a memory of more than 512 MiB");
    refused("(component (core module (memory i64 1)))", "the proposal memory64");
    refused("(component (core module (memory 1 1 shared)))", "the proposal threads");
    assert!(inspect_text("(component (core module (memory 8192)))").is_ok());
}

#[test]
fn the_names_of_the_outermost_component_are_listed() {
    let text = "(component (import \"a:b/c@1.0.0\" (instance $i)) (component (import \"inner\" (func))) (export \"d:e/f@0.1.0\" (instance $i)))";
    let surface = inspect(&wat::parse_str(text).unwrap()).unwrap();
    assert_eq!((surface.imports, surface.exports), (vec!["a:b/c@1.0.0".to_owned()], vec!["d:e/f@0.1.0".to_owned()]));
}
