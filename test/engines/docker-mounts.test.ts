/** docker run with volumes, binds, tmpfs, devices and a read-only root; docker cp, diff and commit of what a container writes. */

import { describeEngine } from "../needs.ts";
import { withDocker } from "./docker.ts";
import { same } from "./engine.ts";

describeEngine("mounts in Docker", ["docker.io"], () => {
  const docker = withDocker();
  const like = (name: string, script: string, expected: string | RegExp): void => same(docker, name, script, expected);
  /** Cases run side by side: each has a directory of its own. */
  const bound = 'mkdir -p $N.d/bound/sub; cd $N.d; echo text > bound/file; B="$PWD/bound"; ';

  like(
    "a bind, both ways",
    `${bound} run --rm -v "$B:/b" busybox sh -c 'cat /b/file; echo new > /b/made'; cat bound/made; rm bound/made`,
    "text\nnew\n",
  );
  like(
    "a bind that is read-only",
    `${bound} run --rm -v "$B:/b:ro" busybox sh -c 'exec 2>&1; touch /b/x; cat /b/file; grep " /b " /proc/mounts | cut -d" " -f4 | cut -d, -f1'`,
    /Read-only file system\ntext\nro\n/,
  );
  like("a bind of a file", `${bound} run --rm -v "$B/file:/etc/made/up" busybox cat /etc/made/up`, "text\n");
  like(
    "binds upon binds",
    `${bound} run --rm -v "$B:/b" -v "$B/file:/b/sub/inner:ro" busybox sh -c 'exec 2>&1; ls /b/sub; cat /b/sub/inner; echo x > /b/sub/inner'; rm bound/sub/inner`,
    /inner\ntext\n.*Read-only/,
  );
  like(
    "propagation",
    `mkdir -p $N.b/sub; B="$PWD/$N.b";  mount --bind $N.b $N.b; mount --make-shared $N.b; for p in rprivate rslave private slave rshared; do run --rm -v "$B:/b:$p" busybox sh -c 'grep " /b " /proc/self/mountinfo | cut -d" " -f6-8 | tr -s 0-9 N | tr -s N'; done; umount -l $N.b`,
    /rw,relatime - ext4|rw,relatime/,
  );
  like(
    "a host mount that comes later, in a slave",
    `mkdir -p $N.b/sub; B="$PWD/$N.b";  mount --bind $N.b $N.b; mount --make-shared $N.b; start -v "$B:/b:rslave" -v "$B:/p" busybox sleep 100; mount -t tmpfs t $N.b/sub; touch $N.b/sub/later; docker exec $N ls /b/sub /p/sub; umount $N.b/sub; docker exec $N ls /b/sub; umount $N.b`,
    /\/b\/sub:\nlater\n/,
  );
  like(
    "a volume keeps, and begins as the image has it",
    "run --rm -v $N:/etc busybox sh -c 'grep -c : /etc/passwd; echo kept > /etc/own'; run --rm -v $N:/v busybox sh -c 'cat /v/own; ls /v'; docker volume rm $N",
    /^2\nkept\n/,
  );
  like(
    "--tmpfs",
    "run --rm --tmpfs /t:size=1m,mode=700,noexec busybox sh -c 'exec 2>&1; stat -c %a /t; df -k /t | tail -1 | cut -c1-30; cp /bin/busybox /t/x; /t/x true; echo $?; dd if=/dev/zero of=/t/f bs=1M count=4 2>/dev/null; echo $?'",
    /^700\n/,
  );
  like("--mount with a tmpfs", "run --rm --mount type=tmpfs,dst=/t,tmpfs-size=2m,tmpfs-mode=1770 busybox stat -c %a /t", "1770\n");
  like(
    "--read-only",
    "run --rm --read-only --tmpfs /run busybox sh -c 'exec 2>&1; touch /x; touch /run/x && echo ok; touch /dev/shm/x && echo ok; grep -c . /etc/hosts > /dev/null && echo ok'",
    /Read-only file system\nok\nok\nok\n/,
  );
  like(
    "masked and read-only paths",
    "run --rm busybox sh -c 'exec 2>&1; ls /sys/firmware | wc -l; echo 1 > /proc/sys/kernel/panic'",
    /^0\n.*Read-only/,
  );
  like(
    "/dev",
    'run --rm busybox sh -c \'ls -l /dev | grep -v core | sed "s/  *[A-Z][a-z][a-z] .*:[0-9]* / /"; df /dev/shm | tail -1 | cut -c1-20; grep mqueue /proc/mounts | cut -d" " -f2-3\'',
    /null/,
  );
  like("--shm-size", 'run --rm --shm-size 5m busybox sh -c \'df -k /dev/shm | tail -1 | tr -s " " | cut -d" " -f2\'', "5120\n");
  like(
    "--device",
    "run --rm --device /dev/zero:/dev/nothing busybox sh -c 'head -c 3 /dev/nothing | wc -c; ls -l /dev/nothing | cut -c1-10'",
    "3\ncrw-rw-rw-\n",
  );
  like("mknod is allowed", "run --rm busybox sh -c 'mknod /dev/n c 1 3 && echo x > /dev/n && echo ok'", "ok\n");
  like(
    "files of Docker's own",
    "run --rm --hostname abc --add-host other:1.2.3.4 busybox sh -c 'cat /etc/hostname; grep other /etc/hosts; grep -c nameserver /etc/resolv.conf > /dev/null; echo x >> /etc/hosts && echo ok'",
    "abc\n1.2.3.4\tother\nok\n",
  );
  like(
    "docker cp, both ways, while it runs",
    `start busybox sleep 100; echo in > given; docker cp given $N:/tmp/given; docker exec $N cat /tmp/given; docker exec $N sh -c 'echo out > /tmp/out; chmod 640 /tmp/out'; docker cp $N:/tmp/out taken; cat taken; stat -c %a taken; rm -f given taken; docker exec $N sh -c 'mkdir /d; for i in 1 2 3; do echo $i > /d/$i; done'; docker cp $N:/d - | tar t | sort`,
    /^in\nout\n640\n(.*\n)*d\/3\n/,
  );
  like(
    "docker diff",
    "start busybox sh -c 'touch /new; rm /etc/group; chmod 700 /tmp; mkdir /dir; touch /dir/x; echo ready; sleep 100'; logged ready; docker diff $N | sort",
    "A /dir\nA /dir/x\nA /new\nC /etc\nC /tmp\nD /etc/group\n",
  );
  like(
    "docker commit",
    "start busybox sh -c 'echo kept > /kept; ln /kept /link; ln -s kept /sym; rm -r /root; mkdir /root; echo ready; sleep 100'; logged ready; docker commit $N $N-image > /dev/null; run --rm $N-image sh -c 'cat /kept /link /sym; stat -c %h /kept; ls -A /root | wc -l'; docker rmi -f $N-image > /dev/null",
    "kept\nkept\nkept\n2\n0\n",
  );
  like(
    "opaque and removed directories of the layers below",
    `printf 'FROM busybox\\nRUN mkdir /x && touch /x/a /x/b\\nRUN rm -r /x && mkdir /x && touch /x/c\\n' | DOCKER_BUILDKIT=0 docker build -q -t $N-layers - > /dev/null 2>&1; run --rm $N-layers sh -c 'exec 2>&1; ls /x; mv /x /y; ls /y; rmdir /y; rm -r /y; ls /y'; docker rmi -f $N-layers > /dev/null`,
    /c\n.*not empty/s,
  );
});
