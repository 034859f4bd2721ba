//! Components that misbehave in their start function, so that the limits are seen to hold while an instance is made. Each is
//! followed by another on the same engine that succeeds.

use wasmtime::component::Component;

use super::*;
use crate::{call_context::RunContext, test_support::ENGINE, worlds};

/// Instantiates a component whose one core module has these definitions.
fn instantiate(metering: Metering, definitions: &str, limits: CallLimits) -> Called<()> {
    let bytes =
        wat::parse_str(format!("(component (core module $m {definitions}) (core instance (instantiate $m)))")).unwrap();
    let component = Component::from_binary(ENGINE.wasmtime(metering).unwrap(), &bytes).unwrap();
    let world = match metering {
        Metering::Fuel => &worlds::check::world::WORLD,
        Metering::Time => &worlds::adapter::world::WORLD,
    };
    let component = ENGINE.linker(world).unwrap().instantiate_pre(&component).unwrap();
    let context = CallContext {
        plugin: "gate".to_owned(),
        run: RunContext::default(),
        key: [0; 32],
        now: 0,
        deadline: 0,
        params: Vec::new(),
        attributes: Vec::new(),
    };
    call(&ENGINE, metering, &context, Capabilities::none(), limits, |store| component.instantiate(store).map(drop))
}

const LIMITS: CallLimits = CallLimits { cpu_ms: 200, memory_mib: 8, ..CallLimits::JOB };

#[test]
fn a_start_function_has_the_limits_of_a_call() {
    use ErrorCode::{PluginCpuLimit, PluginMemoryLimit, PluginTrap};
    let recursion = "(func $f (call $f)) (start $f)";
    let looping = "(func $f (loop (br 0))) (start $f)";
    let by_page = "(memory 1) (func $f (loop (drop (memory.grow (i32.const 1))) (br 0))) (start $f)";
    let at_once = "(memory 1) (func $f (drop (memory.grow (i32.const 16384)))) (start $f)";
    let declared = "(memory 129)";
    let table =
        "(table 1 funcref) (func $f (loop (drop (table.grow (ref.null func) (i32.const 1000))) (br 0))) (start $f)";
    let unreachable = "(func $f unreachable) (start $f)";
    let divided = "(func $f (drop (i32.div_u (i32.const 1) (i32.const 0)))) (start $f)";
    let outside = "(memory 1) (func $f (drop (i32.load (i32.const -4)))) (start $f)";
    for metering in [Metering::Fuel, Metering::Time] {
        for (definitions, code, says) in [
            (looping, PluginCpuLimit, "used up its computing"),
            (recursion, PluginTrap, "call stack exhausted"),
            (by_page, PluginMemoryLimit, "requested more than 8 MiB of memory"),
            (at_once, PluginMemoryLimit, "requested more than 8 MiB of memory"),
            (declared, PluginMemoryLimit, "requested more than 8 MiB of memory"),
            (table, PluginMemoryLimit, "a table of more than 20000 elements"),
            (unreachable, PluginTrap, "unreachable"),
            (divided, PluginTrap, "divide by zero"),
            (outside, PluginTrap, "out of bounds memory access"),
        ] {
            let called = instantiate(metering, definitions, LIMITS);
            let failure = called.result.map(drop).unwrap_err();
            assert_eq!(failure.code, code, "{definitions}: {failure:?}");
            assert!(failure.what.contains(says), "{definitions}: {failure:?}");
            assert!(called.usage.memory_bytes <= 8 << 20, "{:?}", called.usage);
            assert!(instantiate(metering, "(memory 1)", LIMITS).result.is_ok(), "{definitions}");
        }
    }
}

#[test]
fn instructions_are_counted_exactly_and_time_is_not() {
    let work = "(func $f (local i32) (loop (local.set 0 (i32.add (local.get 0) (i32.const 1))) \
                (br_if 0 (i32.lt_u (local.get 0) (i32.const 1000))))) (start $f)";
    let used = || instantiate(Metering::Fuel, work, LIMITS).usage.fuel.unwrap();
    assert!(used() > 1_000);
    assert_eq!(used(), used());
    assert_eq!(instantiate(Metering::Time, work, LIMITS).usage.fuel, None);
}

#[test]
fn no_memory_of_one_call_is_seen_by_the_next() {
    // It traps if its memory is not empty, and fills it.
    let fill = "(memory 16) (func $f (if (i32.load (i32.const 65532)) (then unreachable)) \
                (memory.fill (i32.const 0) (i32.const 255) (i32.const 1048576))) (start $f)";
    for metering in [Metering::Fuel, Metering::Time] {
        for _ in 0..20 {
            assert!(instantiate(metering, fill, LIMITS).result.is_ok());
        }
    }
}
