//! `assay plugin bench`: how long a component takes to compile, load and call.

use assay_app::{PluginEngine, plugins::bench_plugin};
use assay_model::limits;
use serde_json::json;

use super::{failed, print_result};
use crate::{error::CliError, exit, files::read_bytes, flags::plugin::distribution::BenchFlags, printer::Printer};

/// Measures and prints.
pub(crate) fn run(flags: &BenchFlags, engine: &PluginEngine, printer: Printer) -> Result<u8, CliError> {
    let bytes = read_bytes(&flags.component, "the component", limits::PLUGIN_BYTES)?;
    let measured = match bench_plugin(engine, &format!("`{}`", flags.component), &bytes, flags.runs.get()) {
        Ok(measured) => measured,
        Err(error) => return failed(error, printer),
    };
    let milliseconds = |time: std::time::Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let compile = milliseconds(measured.compile);
    let tenths = |time: std::time::Duration| (time.as_secs_f64() * 10_000.0).round() / 10.0;
    let (load, mapped) = (tenths(measured.load), tenths(measured.mapped));
    let (calls, usage) = (measured.calls, measured.calls.usage);
    let micros = |time: std::time::Duration| (time.as_secs_f64() * 10_000_000.0).round() / 10.0;
    let alone = calls.alone_p50.map(micros);
    let fuel = usage.fuel.map_or_else(|| "not counted".to_owned(), |fuel| fuel.to_string());
    let alone_text = alone.map_or_else(
        || "not measured: it cannot be called without this host".to_owned(),
        |alone| format!("{alone:.1} µs median, the same calls with wasmtime alone"),
    );
    let text = format!(
        "compile  {compile} ms\nload     {load:.1} ms, from the cache; {mapped:.1} ms without reading the component and the code\n\
         cold     {:.1} µs median, {:.1} µs of the slowest hundredth\nalone    {alone_text}\n\
         bare     {:.1} µs median, an empty component with a memory with wasmtime alone; {:.1} µs without a memory\n\
         fuel     {fuel}\nmemory   {} bytes\n",
        micros(calls.cold_p50),
        micros(calls.cold_p99),
        micros(calls.memory_p50),
        micros(calls.bare_p50),
        usage.memory_bytes
    );
    let json = json!({
        "compile_ms": compile,
        "load_ms": load,
        "mapped_ms": mapped,
        "cold_us": {"p50": micros(calls.cold_p50), "p99": micros(calls.cold_p99)},
        "alone_us": {"p50": alone},
        "bare_us": {"p50": micros(calls.memory_p50), "p50_without_memory": micros(calls.bare_p50)},
        "fuel": usage.fuel,
        "memory_bytes": usage.memory_bytes,
    });
    print_result(printer, flags.format, &text, &json)?;
    Ok(exit::SUCCESS)
}
