#!/bin/bash
# Ends of an anonymous pipe opened again through /proc/self/fd wait for nobody, even when the other end is gone.
cat <(seq 3) <(seq 4 6)
diff <(seq 1 5) <(seq 2 6)
echo "diff $?"
{ sleep 0.2; cat /dev/stdin; } < <(echo "the writer has gone")
printf 'x' | { exec 5< /proc/self/fd/0; cat <&5; echo " again"; }
# Open for writing without waiting while a reader is there, and when none is left.
exec 6<> <(:)
echo "both ends $?"
exec 7> >(cat)
echo "to a reader" >&7
exec 7>&-
wait $!
echo "end $?"
