#!/bin/bash
# race_canary_test.sh CANARY: ThreadSanitizer must report the race that CANARY is made for, and nothing else.
set -u
output=$(TSAN_OPTIONS="${TSAN_OPTIONS-}:exitcode=66" "$1" 2>&1)
status=$?
reports=$(grep -c "^WARNING: ThreadSanitizer: data race" <<< "$output")
if [[ $status == 66 && $reports == 1 && $output == *"canary::RacingService::CreateReactor"* ]]; then exit 0; fi
echo "Status $status, $reports reports:"
echo "$output"
exit 1
