// {{name}}: every image of the Snapshot must come from an allowed registry. Replace it with your own task.
//
// Memory is freed when the call ends: every call has a fresh instance.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "{{snake_world}}.h"

typedef {{snake_world}}_string_t string;

static const char PARAMS[] =
    "{\"type\": \"object\", \"properties\": {\"registries\": {\"type\": \"array\", \"items\": {\"type\": \"string\"}, "
    "\"default\": [\"registry.example/\"]}}, \"additionalProperties\": false}";

/// The maximum number of findings of one call, as the host allows.
enum { FINDINGS = 1000, PART = 500 };

static string text(const char *chars) {
  string copy;
  {{snake_world}}_string_dup(&copy, chars);
  return copy;
}

static bool is_named(string name, const char *chars) {
  return name.len == strlen(chars) && memcmp(name.ptr, chars, name.len) == 0;
}

void exports_assay_plugin_metadata_describe(exports_assay_plugin_metadata_manifest_t *ret) {
  memset(ret, 0, sizeof *ret);
  ret->name = text("{{name}}");
  ret->version = text("0.1.0");
  ret->summary = text("Checks that the images of a Snapshot come from allowed registries.");
  ret->license = text("Apache-2.0");
  ret->params = text(PARAMS);
  exports_assay_plugin_metadata_rule_t *rule =
      (exports_assay_plugin_metadata_rule_t *)calloc(1, sizeof *rule);
  rule->code = text("{{name}}.registry");
  rule->title = text("Image must come from an allowed registry");
  rule->severity = ASSAY_PLUGIN_TYPES_SEVERITY_HIGH;
  ret->rules.ptr = rule;
  ret->rules.len = 1;
}

static bool is_allowed(exports_assay_plugin_custom_task_context_t *ctx, string image) {
  for (size_t i = 0; i < ctx->params.len; i++) {
    assay_plugin_types_param_t *param = &ctx->params.ptr[i];
    if (!is_named(param->name, "registries") || param->value.tag != ASSAY_PLUGIN_TYPES_VALUE_ITEMS) continue;
    for (size_t j = 0; j < param->value.val.items.len; j++) {
      string prefix = param->value.val.items.ptr[j];
      if (prefix.len <= image.len && memcmp(prefix.ptr, image.ptr, prefix.len) == 0) return true;
    }
  }
  return false;
}

static assay_plugin_types_finding_t refused(string image, string name) {
  char message[2048];
  snprintf(message, sizeof message, "%.*s of the component %.*s is not from an allowed registry", (int)image.len,
           (const char *)image.ptr, (int)name.len, (const char *)name.ptr);
  assay_plugin_types_finding_t finding;
  memset(&finding, 0, sizeof finding);
  finding.code = text("{{name}}.registry");
  finding.outcome = ASSAY_PLUGIN_TYPES_OUTCOME_FAILURE;
  finding.severity = ASSAY_PLUGIN_TYPES_SEVERITY_HIGH;
  finding.message = text(message);
  finding.subject.is_some = true;
  {{snake_world}}_string_dup_n(&finding.subject.val, (const char *)image.ptr, image.len);
  finding.terms.ptr = (string *)calloc(1, sizeof(string));
  {{snake_world}}_string_dup_n(finding.terms.ptr, (const char *)name.ptr, name.len);
  finding.terms.len = 1;
  return finding;
}

bool exports_assay_plugin_custom_task_run(exports_assay_plugin_custom_task_context_t *ctx,
                                          exports_assay_plugin_custom_task_verdict_t *ret,
                                          exports_assay_plugin_custom_task_error_t *err) {
  (void)err;
  memset(ret, 0, sizeof *ret);
  ret->findings.ptr =
      (assay_plugin_types_finding_t *)calloc(FINDINGS, sizeof *ret->findings.ptr);
  uint32_t offset = 0;
  for (;;) {
    // One response of the host has at most 500 components.
    assay_plugin_snapshot_list_component_t part;
    assay_plugin_snapshot_components(offset, PART, &part);
    if (part.len == 0) break;
    for (size_t i = 0; i < part.len; i++) {
      if (is_allowed(ctx, part.ptr[i].image)) {
        ret->successes++;
        continue;
      }
      ret->failures++;
      if (ret->findings.len < FINDINGS) {
        ret->findings.ptr[ret->findings.len++] = refused(part.ptr[i].image, part.ptr[i].name);
      }
    }
    offset += part.len;
  }
  char note[200];
  snprintf(note, sizeof note, "%u of %u images are from allowed registries", (unsigned)ret->successes,
           (unsigned)(ret->successes + ret->failures));
  string line = text(note);
  assay_plugin_logging_log(ASSAY_PLUGIN_LOGGING_LEVEL_INFO, &line);
  ret->outcome = ret->failures > 0 ? ASSAY_PLUGIN_TYPES_OUTCOME_FAILURE : ASSAY_PLUGIN_TYPES_OUTCOME_SUCCESS;
  ret->note.is_some = true;
  ret->note.val = text(note);
  return true;
}
