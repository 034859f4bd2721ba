//! Components that misbehave in their start function, so that the limits are seen to hold while an instance is made. Each is
//! followed by another on the same engine that succeeds.

use wasmtime::component::{Component, InstancePre};

use super::*;
use crate::{call_context::RunContext, test_support::ENGINE, worlds};

/// A component whose one core module has these definitions.
fn prepare(metering: Metering, definitions: &str) -> InstancePre<StoreState> {
    let bytes =
        wat::parse_str(format!("(component (core module $m {definitions}) (core instance (instantiate $m)))")).unwrap();
    let component = Component::from_binary(ENGINE.wasmtime(metering).unwrap(), &bytes).unwrap();
    let world = match metering {
        Metering::Fuel => &worlds::check::world::WORLD,
        Metering::Time => &worlds::adapter::world::WORLD,
    };
    ENGINE.linker(world).unwrap().instantiate_pre(&component).unwrap()
}

fn start(metering: Metering, component: &InstancePre<StoreState>, limits: CallLimits) -> Called<()> {
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

/// Instantiates a component whose one core module has these definitions.
fn instantiate(metering: Metering, definitions: &str, limits: CallLimits) -> Called<()> {
    start(metering, &prepare(metering, definitions), limits)
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
    // It traps if its memory is not what it declares (zeros, and seven at 65528), and fills it. What is kept between calls is
    // overwritten, and what lies above it is given back: a memory that has both, one that is kept whole, and one that grows.
    let fill = |pages: u32, grown: u32| {
        format!(
            "(memory {pages}) (data (i32.const 65528) \"\\07\\00\\00\\00\\00\\00\\00\\00\")
            (func $f (local $at i32) (local $end i32)
                (drop (memory.grow (i32.const {grown})))
                (local.set $end (i32.mul (memory.size) (i32.const 65536)))
                (loop $next
                    (if (i64.ne (i64.load (local.get $at)) (select (i64.const 7) (i64.const 0) (i32.eq (local.get $at) (i32.const 65528))))
                        (then unreachable))
                    (br_if $next (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 8))) (local.get $end))))
                (memory.fill (i32.const 0) (i32.const 255) (local.get $end)))
            (start $f)"
        )
    };
    for metering in [Metering::Fuel, Metering::Time] {
        let components = [(16, 0), (2, 0), (1, 4), (3, 0)].map(|(pages, grown)| prepare(metering, &fill(pages, grown)));
        for _ in 0..20 {
            // Twice in a row: a memory goes to the component that had it before, or to another.
            for component in components.iter().flat_map(|component| [component, component]) {
                start(metering, component, LIMITS).result.unwrap();
            }
        }
    }
}
