#!/usr/bin/env bash
# Tests of the kernels on .NET 11, whose runtime comes as a package: tests/net11.sh [PART OF A TEST'S NAME]...
set -eu -o pipefail

root=$(cd -P "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
[ $# -gt 0 ] || set -- Tests.Numerics QuantizedProducts
dotnet publish "$root/tests/Kvasir.OwnRuntime" -c Release --nologo -v quiet --use-current-runtime -p:Net11=true -o "$folder"
"$folder/Kvasir.OwnRuntime" "$@"
