#!/usr/bin/env bash
# Validates images by the variables of the action, and says how it ended.
set -euo pipefail
mkdir -p "$REPORTS"
status=0
assay validate image --output text --output "json=$REPORTS/report.json" --output "sarif=$REPORTS/report.sarif" \
  --output "junit=$REPORTS/report.xml" --output "html=$REPORTS/report.html" --output "markdown=$REPORTS/report.md" || status=$?
{
  echo "exit-code=$status"
  echo "reports=$REPORTS"
} >> "$GITHUB_OUTPUT"
if [ -f "$REPORTS/report.md" ]; then
  cat "$REPORTS/report.md" >> "$GITHUB_STEP_SUMMARY"
fi
case $status in
  0) ;;
  1) echo "::error::violations found; see the summary of the job" ;;
  3) echo "::error::an image could not be evaluated: see the summary, and run the job again" ;;
  *) echo "::error::usage or configuration error; see the log" ;;
esac
exit "$status"
