#!/usr/bin/env bash
# Runs the keyword-spotting training scripts from end to end on a handful of speakers. Usage: training_test.sh TRAINING_DIR
# Exit status 77: skipped, as Debian's Python packages for training are not installed (scripts/setup --training).
set -euo pipefail
training=$1
python=/usr/bin/python3
export PYTHONDONTWRITEBYTECODE=1
"$python" -c 'import ctypes, scipy, soundfile, torch; ctypes.CDLL("libespeak-ng.so.1")' 2>/dev/null || exit 77

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" "$training/synthesise.py" --quick --arrays "$work/once" --shipped "$work/clips"
"$python" "$training/synthesise.py" --quick --arrays "$work/again" --jobs 2
cmp "$work/once/train.npz" "$work/again/train.npz"
"$python" "$training/train.py" --quick --arrays "$work/once" --out "$work/kws.safetensors"
"$python" "$training/make_golden.py" --data "$work/clips" --weights "$work/kws.safetensors" --out "$work/golden"
[ "$(stat -c %s "$work/golden/scores.f64")" -eq $((144 * 12 * 8)) ]
