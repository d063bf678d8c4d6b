#!/usr/bin/env bash
# Fetches the modules that checking and testing need, and tries again if the
# proxy doesn't answer: the go command itself doesn't. What is in the module
# cache is not asked for.
set -uo pipefail
cd "$(dirname "$0")/.."
fetch() { # DIR FLAGS-AND-PACKAGES...
	for pause in 2 10 30; do
		${GO:-go} -C "$1" list -deps "${@:2}" >/dev/null && return
		sleep "$pause"
	done
	${GO:-go} -C "$1" list -deps "${@:2}" >/dev/null
}
fetch . -test ./... && fetch tools tool && fetch tools/apidiff .
