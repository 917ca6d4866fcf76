#!/usr/bin/env bash
# Synthesises the template of an account and looks for what CloudFormation would refuse. Takes a cfn-lint from PATH, or
# installs one into .venv.
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.58.0
lint=$(command -v cfn-lint || true)
if [[ -z "${lint}" ]]; then
    lint=.venv/bin/cfn-lint
    if [[ ! -x "${lint}" ]]; then
        python3 -m venv .venv
        .venv/bin/pip install --quiet "cfn-lint==${version}"
    fi
fi
out=$(mktemp -d)
trap 'rm -rf "${out}"' EXIT
npx cdk synth --quiet --output "${out}" -c binaries=none "$@"
# W3005: a dependency that is stated though a reference implies it, which the CDK does everywhere.
"${lint}" --ignore-checks W3005 --template "${out}"/*.template.json
