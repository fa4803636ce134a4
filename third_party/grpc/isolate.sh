#!/bin/sh
# isolate.sh OUTPUT: gRPC's core and a private OpenSSL as one object. README.md says why.
set -eu
output=$1
lib=$(pkg-config --variable=libdir grpc)
case $lib in *x86_64*|*aarch64*) ;; *) lib=/usr/lib/$(uname -m)-linux-gnu ;; esac
ld -r -o "$output.raw" --whole-archive "$lib/libgrpc.a" --no-whole-archive "$lib/libssl.a" "$lib/libcrypto.a"
nm --defined-only -g "$lib/libssl.a" "$lib/libcrypto.a" 2>/dev/null |
  awk 'NF==3{print $3}' | sort -u > "$output.symbols"
objcopy --localize-symbols="$output.symbols" "$output.raw" "$output"
rm -f "$output.raw" "$output.symbols"
