// {{name}}: an image must have an attestation of a certain type. Replace it with your own check.
//
// Memory is freed when the call ends: every call has a fresh instance.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "{{snake_world}}.h"

typedef {{snake_world}}_string_t string;

static const char PARAMS[] =
    "{\"type\": \"object\", \"properties\": {\"type\": {\"type\": \"string\", \"default\": "
    "\"https://slsa.dev/provenance/v1\"}}, \"additionalProperties\": false}";

static string text(const char *chars) {
  string copy;
  {{snake_world}}_string_dup(&copy, chars);
  return copy;
}

static bool equal(string a, string b) { return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0; }

/// A parameter that is a string. The host has checked it and filled in its default.
static string parameter(exports_assay_plugin_image_check_context_t *ctx, const char *name) {
  for (size_t i = 0; i < ctx->params.len; i++) {
    assay_plugin_types_param_t *param = &ctx->params.ptr[i];
    if (equal(param->name, text(name)) && param->value.tag == ASSAY_PLUGIN_TYPES_VALUE_TEXT) return param->value.val.text;
  }
  return text("");
}

void exports_assay_plugin_metadata_describe(exports_assay_plugin_metadata_manifest_t *ret) {
  memset(ret, 0, sizeof *ret);
  ret->name = text("{{name}}");
  ret->version = text("0.1.0");
  ret->summary = text("Checks that an image has an attestation of a certain type.");
  ret->license = text("Apache-2.0");
  ret->params = text(PARAMS);
  exports_assay_plugin_metadata_permission_t *permission =
      (exports_assay_plugin_metadata_permission_t *)calloc(1, sizeof *permission);
  permission->kind = text("evidence");
  permission->name = text("attestations");
  permission->reason = text("they are what is checked");
  ret->permissions.ptr = permission;
  ret->permissions.len = 1;
  exports_assay_plugin_metadata_rule_t *rule =
      (exports_assay_plugin_metadata_rule_t *)calloc(1, sizeof *rule);
  rule->code = text("{{name}}.attested");
  rule->title = text("Image must have the attestation");
  rule->severity = ASSAY_PLUGIN_TYPES_SEVERITY_HIGH;
  ret->rules.ptr = rule;
  ret->rules.len = 1;
}

bool exports_assay_plugin_image_check_evaluate(exports_assay_plugin_image_check_context_t *ctx, string *image,
                                               exports_assay_plugin_image_check_list_finding_t *ret,
                                               exports_assay_plugin_image_check_error_t *err) {
  memset(ret, 0, sizeof *ret);
  string wanted = parameter(ctx, "type");
  assay_plugin_evidence_list_attestation_t found;
  assay_plugin_evidence_error_t error;
  if (!assay_plugin_evidence_attestations(image, &found, &error)) {
    err->tag = ASSAY_PLUGIN_TYPES_ERROR_INTERNAL;
    err->val.internal = text("the attestations cannot be read");
    return false;
  }
  for (size_t i = 0; i < found.len; i++) {
    if (equal(found.ptr[i].predicate_type, wanted)) return true;
  }
  char message[2048];
  snprintf(message, sizeof message, "%.*s has no attestation of the type %.*s", (int)image->len,
           (const char *)image->ptr, (int)wanted.len, (const char *)wanted.ptr);
  string line = text(message);
  assay_plugin_logging_log(ASSAY_PLUGIN_LOGGING_LEVEL_INFO, &line);
  exports_assay_plugin_image_check_finding_t *finding =
      (exports_assay_plugin_image_check_finding_t *)calloc(1, sizeof *finding);
  finding->code = text("{{name}}.attested");
  finding->outcome = ASSAY_PLUGIN_TYPES_OUTCOME_FAILURE;
  finding->severity = ASSAY_PLUGIN_TYPES_SEVERITY_HIGH;
  finding->message = text(message);
  finding->subject.is_some = true;
  {{snake_world}}_string_dup_n(&finding->subject.val, (const char *)image->ptr, image->len);
  finding->solution.is_some = true;
  finding->solution.val = text("Build the image with a pipeline that makes the attestation.");
  ret->ptr = finding;
  ret->len = 1;
  return true;
}
