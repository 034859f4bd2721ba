#!/usr/bin/env bash
# Pins the bundle of the Konflux release policy to a digest in a policy configuration, and writes the result to
# $HOME/policy-with-pinned-bundle.yaml. If there is nothing to pin, no file is written.
#
# POLICY_CONFIGURATION   a file, JSON, or `[namespace/]name` of an EnterpriseContractPolicy in the cluster
# POLICY_BUNDLE_DIGEST   the digest, with or without `sha256:`; empty to leave the configuration unchanged
set -euo pipefail

fail() {
  printf 'error: %s\n' "$1" >&2
  exit 1
}

digest=${POLICY_BUNDLE_DIGEST:-}
if [ -z "$digest" ]; then
  echo 'no digest is given: the policy is unchanged'
  exit 0
fi
digest=sha256:${digest#sha256:}
[[ "$digest" =~ ^sha256:[0-9a-f]{64}$ ]] || fail "POLICY_BUNDLE_DIGEST is not a sha256 digest: $digest"

name='[a-z0-9]([-a-z0-9]*[a-z0-9])?'
if [ -f "$POLICY_CONFIGURATION" ]; then
  policy=$(cat "$POLICY_CONFIGURATION")
elif [[ "$POLICY_CONFIGURATION" == '{'* ]]; then
  policy=$POLICY_CONFIGURATION
elif [[ "$POLICY_CONFIGURATION" =~ ^$name(/$name)?$ ]]; then
  namespace=()
  if [[ "$POLICY_CONFIGURATION" == */* ]]; then
    namespace=(--namespace "${POLICY_CONFIGURATION%%/*}")
  fi
  policy=$(kubectl get "enterprisecontractpolicy/${POLICY_CONFIGURATION##*/}" "${namespace[@]}" --output json |
    jq --exit-status .spec) || fail "the policy $POLICY_CONFIGURATION cannot be read from the cluster"
else
  echo 'the policy is fetched from a remote source: it is unchanged'
  exit 0
fi

# A bundle with a digest is left alone: the user pinned it.
bundle='quay\.io/conforma/release-policy:konflux'
pinned=$(sed -E "s#(oci::(https?://|oci://)?$bundle)([^-._@a-zA-Z0-9]|\$)#\\1@$digest\\3#g" <<<"$policy")
if [ "$pinned" = "$policy" ]; then
  echo 'the policy does not use the bundle or already pins it: it is unchanged'
  exit 0
fi
printf '%s\n' "$pinned" >"$HOME/policy-with-pinned-bundle.yaml"
printf 'the release policy is pinned to %s\n' "$digest"
