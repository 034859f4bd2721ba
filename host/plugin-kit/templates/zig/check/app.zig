//! {{name}}: an image must have an attestation of a certain type. Replace it with your own check.
//!
//! `contract` is the generated header, translated. Memory is freed when the call ends: every call has a fresh instance.

const std = @import("std");
const c = @import("contract");

const allocator = std.heap.c_allocator;

const params =
    \\{
    \\  "type": "object",
    \\  "properties": { "type": { "type": "string", "default": "https://slsa.dev/provenance/v1" } },
    \\  "additionalProperties": false
    \\}
;

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
    ret.summary = text("Checks that an image has an attestation of a certain type.");
    ret.license = text("Apache-2.0");
    ret.params = text(params);
    var permission = std.mem.zeroes(c.exports_assay_plugin_metadata_permission_t);
    permission.kind = text("evidence");
    permission.name = text("attestations");
    permission.reason = text("they are what is checked");
    ret.permissions = .{ .ptr = one(c.exports_assay_plugin_metadata_permission_t, permission), .len = 1 };
    ret.rules = .{ .ptr = one(c.exports_assay_plugin_metadata_rule_t, .{
        .code = text("{{name}}.attested"),
        .title = text("Image must have the attestation"),
        .severity = c.ASSAY_PLUGIN_TYPES_SEVERITY_HIGH,
    }), .len = 1 };
}

/// The parameter `type`. The host has checked it and filled in its default.
fn wantedType(ctx: *c.exports_assay_plugin_image_check_context_t) []const u8 {
    for (ctx.params.ptr[0..ctx.params.len]) |param| {
        const is_text = param.value.tag == c.ASSAY_PLUGIN_TYPES_VALUE_TEXT;
        if (is_text and std.mem.eql(u8, slice(param.name), "type")) return slice(param.value.val.text);
    }
    return "";
}

export fn exports_assay_plugin_image_check_evaluate(
    ctx: *c.exports_assay_plugin_image_check_context_t,
    image: *c.{{snake_world}}_string_t,
    ret: *c.exports_assay_plugin_image_check_list_finding_t,
    err: *c.exports_assay_plugin_image_check_error_t,
) bool {
    ret.* = .{ .ptr = null, .len = 0 };
    const wanted = wantedType(ctx);
    var found: c.assay_plugin_evidence_list_attestation_t = undefined;
    var why: c.assay_plugin_evidence_error_t = undefined;
    if (!c.assay_plugin_evidence_attestations(image, &found, &why)) {
        err.tag = c.ASSAY_PLUGIN_TYPES_ERROR_INTERNAL;
        err.val.internal = text(print("the attestations of {s} cannot be read", .{slice(image.*)}));
        return false;
    }
    var line = text(print("{s} has {d} attestations", .{ slice(image.*), found.len }));
    c.assay_plugin_logging_log(c.ASSAY_PLUGIN_LOGGING_LEVEL_INFO, &line);
    for (0..found.len) |at| {
        if (std.mem.eql(u8, slice(found.ptr[at].predicate_type), wanted)) return true;
    }
    var finding = std.mem.zeroes(c.assay_plugin_types_finding_t);
    finding.code = text("{{name}}.attested");
    finding.outcome = c.ASSAY_PLUGIN_TYPES_OUTCOME_FAILURE;
    finding.severity = c.ASSAY_PLUGIN_TYPES_SEVERITY_HIGH;
    finding.message = text(print("{s} has no attestation of the type {s}", .{ slice(image.*), wanted }));
    finding.subject = .{ .is_some = true, .val = image.* };
    finding.solution = .{ .is_some = true, .val = text("Build the image with a pipeline that makes the attestation.") };
    ret.* = .{ .ptr = one(c.assay_plugin_types_finding_t, finding), .len = 1 };
    return true;
}
