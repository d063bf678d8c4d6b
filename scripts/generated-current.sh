#!/usr/bin/env bash
# Regenerates everything that is generated and checked in, and fails if a file
# differs from what was there. The new files stay: looking at them and committing
# them is the mend.
set -euo pipefail
cd "$(dirname "$0")/.."
sums() { find examples \( -name '*_bpfe[lb].go' -o -name '*_bpfe[lb].o' \) -print0 | sort -z | xargs -0 -r sha256sum; }

before=$(sums)
find examples -name '*.bpfgen' -delete # sources may be what they were, but the generator is not
${GO:-go} generate ./examples/...
after=$(sums)
if [ "$before" != "$after" ]; then
	echo "generated files were not current; regenerated, commit them:" >&2
	diff <(echo "$before") <(echo "$after") | sed -n 's/^[<>] [0-9a-f]*  //p' | sort -u >&2
	exit 1
fi
