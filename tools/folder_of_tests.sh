# To be sourced: has the files of tests go to memory, if there is room; PACHON_TEST_TMPDIR names another place.
# Tests sync thousands of small files. In memory that costs nothing.
if [ -z "${PACHON_TEST_TMPDIR:-}" ] && [ -w /dev/shm ] && [ "$(df -Pk /dev/shm | awk 'NR == 2 {print $4}')" -gt 4000000 ]; then
  PACHON_TEST_TMPDIR=$(mktemp -d /dev/shm/pachon-test-XXXXXX)
  trap 'rm -rf "$PACHON_TEST_TMPDIR"' EXIT
  echo "${0##*/}: files of the tests go to $PACHON_TEST_TMPDIR (removed afterwards)"
fi
[ -z "${PACHON_TEST_TMPDIR:-}" ] || export TMPDIR=$PACHON_TEST_TMPDIR
