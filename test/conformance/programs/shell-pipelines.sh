# Shell constructs that lean on the kernel: job control, traps, redirections, here documents, process substitution.
set +e
echo one | cat | tr a-z A-Z | wc -c
(exit 3); echo $?
sh -c 'kill -TERM $$'; echo $?
sh -c 'kill -KILL $$' 2>/dev/null; echo $?
trap 'echo trapped' USR1; kill -USR1 $$; trap - USR1
sleep 100 & kill %1; wait %1 2>/dev/null; echo $?
sleep 0.05 & wait; echo waited $?
cat <<END
here $((6 * 7))
END
cat <(echo substituted) | sed s/sub/con/
diff <(seq 1 5) <(seq 1 6); echo $?
exec 5>out; echo to five >&5; exec 5>&-; cat out
exec 6<>both; echo text >&6; cat both; exec 6>&-
set -C; echo again > out; echo $?; set +C
yes | head -3; echo "${PIPESTATUS[@]}"
mkfifo p; (echo through fifo > p) & cat p; wait
ulimit -n 20; ulimit -n
mkdir -p a/b/c; touch a/b/c/{1..20}; find a -type f | wc -l; rm -r a; ls a 2>/dev/null || echo removed
ln -s nowhere dangling; test -L dangling && ! test -e dangling && echo dangling
echo "$(printf 'x%.0s' {1..100000})" | wc -c
seq 100000 | sort -R | sort -n | md5sum
dd if=/dev/zero bs=1M count=20 2>/dev/null | sha1sum
timeout 0.1 sleep 10; echo $?
timeout -s KILL 0.1 sleep 10; echo $?
(trap '' TERM; kill -TERM $BASHPID; echo survived)
bash -c 'coproc cat; echo hi >&${COPROC[1]}; read -u ${COPROC[0]} x; echo "coproc $x"'
wait; jobs >/dev/null; set -m; sleep 100 & kill -STOP $!; sleep 0.05; jobs | tr -s ' ' | sed 's/\[.\]..*Stopped/Stopped/'; kill -KILL $!; set +m
cd /proc/self && basename "$(readlink exe)"
cd "$HOME"; tar cf - out both | tar tvf - | awk '{print $1, $NF}'
printf '#!/bin/sh\necho "$0 $*"\n' > script; chmod +x script; ./script a 'b c'
env -i A=1 env
chmod 000 out; cat out >/dev/null; echo $?
nice -n 5 nice
echo -n | cat; (ulimit -f 1; dd if=/dev/zero of=big bs=4096 count=10 2>/dev/null); echo $?
