//! {{name}}: every image of the Snapshot must come from an allowed registry. Replace it with your own task.
//!
//! `contract` is the generated header, translated. Memory is freed when the call ends: every call has a fresh instance.

const std = @import("std");
const c = @import("contract");

const allocator = std.heap.c_allocator;

const params =
    \\{
    \\  "type": "object",
    \\  "properties": {
    \\    "registries": { "type": "array", "items": { "type": "string" }, "default": ["registry.example/"] }
    \\  },
    \\  "additionalProperties": false
    \\}
;

/// The maximum number of findings of one call, as the host allows, and of components in one response.
const most_findings = 1000;
const part_size = 500;

/// A string for the host.
fn text(from: []const u8) c.{{snake_world}}_string_t {
    const copy = allocator.dupe(u8, from) catch @panic("there is no memory");
    return .{ .ptr = copy.ptr, .len = copy.len };
}

/// A string from the host.
fn slice(from: c.{{snake_world}}_string_t) []const u8 {
    return from.ptr[0..from.len];
}

fn print(comptime format: []const u8, arguments: anytype) []const u8 {
    return std.fmt.allocPrint(allocator, format, arguments) catch @panic("there is no memory");
}

/// A list with one element.
fn one(comptime T: type, value: T) [*c]T {
    const list = allocator.alloc(T, 1) catch @panic("there is no memory");
    list[0] = value;
    return list.ptr;
}

export fn exports_assay_plugin_metadata_describe(ret: *c.exports_assay_plugin_metadata_manifest_t) void {
    ret.* = std.mem.zeroes(c.exports_assay_plugin_metadata_manifest_t);
    ret.name = text("{{name}}");
    ret.version = text("0.1.0");
    ret.summary = text("Checks that the images of a Snapshot come from allowed registries.");
    ret.license = text("Apache-2.0");
    ret.params = text(params);
    ret.rules = .{ .ptr = one(c.exports_assay_plugin_metadata_rule_t, .{
        .code = text("{{name}}.registry"),
        .title = text("Image must come from an allowed registry"),
        .severity = c.ASSAY_PLUGIN_TYPES_SEVERITY_HIGH,
    }), .len = 1 };
}

fn isAllowed(ctx: *c.exports_assay_plugin_custom_task_context_t, image: []const u8) bool {
    for (ctx.params.ptr[0..ctx.params.len]) |param| {
        if (!std.mem.eql(u8, slice(param.name), "registries")) continue;
        if (param.value.tag != c.ASSAY_PLUGIN_TYPES_VALUE_ITEMS) continue;
        const items = param.value.val.items;
        for (0..items.len) |at| {
            if (std.mem.startsWith(u8, image, slice(items.ptr[at]))) return true;
        }
    }
    return false;
}

fn refused(image: c.{{snake_world}}_string_t, name: c.{{snake_world}}_string_t) c.assay_plugin_types_finding_t {
    var finding = std.mem.zeroes(c.assay_plugin_types_finding_t);
    finding.code = text("{{name}}.registry");
    finding.outcome = c.ASSAY_PLUGIN_TYPES_OUTCOME_FAILURE;
    finding.severity = c.ASSAY_PLUGIN_TYPES_SEVERITY_HIGH;
    finding.message = text(print(
        "{s} of the component {s} is not from an allowed registry",
        .{ slice(image), slice(name) },
    ));
    finding.subject = .{ .is_some = true, .val = image };
    finding.terms = .{ .ptr = one(c.{{snake_world}}_string_t, name), .len = 1 };
    return finding;
}

export fn exports_assay_plugin_custom_task_run(
    ctx: *c.exports_assay_plugin_custom_task_context_t,
    ret: *c.exports_assay_plugin_custom_task_verdict_t,
    err: *c.exports_assay_plugin_custom_task_error_t,
) bool {
    _ = err;
    ret.* = std.mem.zeroes(c.exports_assay_plugin_custom_task_verdict_t);
    const findings = allocator.alloc(c.assay_plugin_types_finding_t, most_findings) catch @panic("there is no memory");
    ret.findings = .{ .ptr = findings.ptr, .len = 0 };
    var offset: u32 = 0;
    while (true) {
        var part: c.assay_plugin_snapshot_list_component_t = undefined;
        c.assay_plugin_snapshot_components(offset, part_size, &part);
        if (part.len == 0) break;
        for (0..part.len) |at| {
            const component = part.ptr[at];
            if (isAllowed(ctx, slice(component.image))) {
                ret.successes += 1;
                continue;
            }
            ret.failures += 1;
            if (ret.findings.len < most_findings) {
                findings[ret.findings.len] = refused(component.image, component.name);
                ret.findings.len += 1;
            }
        }
        offset += @intCast(part.len);
    }
    const all = ret.successes + ret.failures;
    ret.note = .{ .is_some = true, .val = text(print("{d} of {d} images are from allowed registries", .{ ret.successes, all })) };
    c.assay_plugin_logging_log(c.ASSAY_PLUGIN_LOGGING_LEVEL_INFO, &ret.note.val);
    ret.outcome = if (ret.failures > 0) c.ASSAY_PLUGIN_TYPES_OUTCOME_FAILURE else c.ASSAY_PLUGIN_TYPES_OUTCOME_SUCCESS;
    return true;
}
