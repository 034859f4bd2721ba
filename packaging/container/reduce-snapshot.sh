#!/usr/bin/env bash
# Writes the Snapshot that a Tekton task validates to $SNAPSHOT_PATH, reduced to one component if requested.
#
# SNAPSHOT                   a file, the name of a Snapshot in the current namespace, or JSON
# SINGLE_COMPONENT           `true` to keep only the component of the build
# CUSTOM_RESOURCE            the resource whose labels name that component, such as `pipelinerun/build-7k2mz`
# CUSTOM_RESOURCE_NAMESPACE  its namespace; empty for the current one
set -euo pipefail

fail() {
  printf 'error: %s\n' "$1" >&2
  exit 1
}

if [ -f "$SNAPSHOT" ]; then
  snapshot=$(cat "$SNAPSHOT")
elif [[ "$SNAPSHOT" =~ ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$ ]]; then
  snapshot=$(kubectl get "snapshot/$SNAPSHOT" --output json | jq --exit-status .spec) ||
    fail "the Snapshot $SNAPSHOT cannot be read from the cluster"
else
  snapshot=$SNAPSHOT
fi
jq empty <<<"$snapshot" || fail 'the Snapshot is not JSON'

if [ "${SINGLE_COMPONENT:-false}" = true ]; then
  namespace=()
  if [ -n "${CUSTOM_RESOURCE_NAMESPACE:-}" ]; then
    namespace=(--namespace "$CUSTOM_RESOURCE_NAMESPACE")
  fi
  labels=$(kubectl get "$CUSTOM_RESOURCE" "${namespace[@]}" --output json | jq '.metadata.labels // {}') ||
    fail "the labels of $CUSTOM_RESOURCE cannot be read from the cluster"
  # The Snapshot of a whole application, or of a resource that names no component, is unchanged.
  component=$(jq --raw-output \
    'select(."test.appstudio.openshift.io/type" == "component") | ."appstudio.openshift.io/component" // ""' <<<"$labels")
  if [ -n "$component" ]; then
    snapshot=$(jq --arg name "$component" '.components |= map(select(.name == $name))' <<<"$snapshot")
    printf 'validating only the component %s\n' "$component"
  fi
fi
printf '%s\n' "$snapshot" >"$SNAPSHOT_PATH"
