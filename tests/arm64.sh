#!/usr/bin/env bash
# Tests of the kernels as on Arm64, emulated: tests/arm64.sh [PART OF A TEST'S NAME]...
# Needs (Debian, Ubuntu): apt install qemu-user libc6-arm64-cross libstdc++6-arm64-cross libgcc-s1-arm64-cross
set -eu -o pipefail

root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
[ $# -gt 0 ] || set -- Tests.Numerics QuantizedProducts
dotnet publish "$root/tests/Kvasir.OwnRuntime" -c Release --nologo -v quiet -r linux-arm64 -o "$folder"
# The largest heap that the emulator can reserve, and code pages that are writable and executable at once, which it cannot map twice.
export DOTNET_GCHeapHardLimit=40000000 DOTNET_EnableWriteXorExecute=0
qemu-aarch64 -cpu max -L /usr/aarch64-linux-gnu "$folder/Kvasir.OwnRuntime" "$@"
