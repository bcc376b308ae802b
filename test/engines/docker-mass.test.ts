/** Many containers, at once and one after the other, and what they leave: nothing. mass.mjs does the same with larger numbers. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { describeEngine } from "../needs.ts";
import { withDocker } from "./docker.ts";

const AT_ONCE = 10;
const IN_A_ROW = 20;
/** Daemons keep a few descriptors more or less from moment to moment; a leak is one for each container. */
const FD_SLACK = 10;

describeEngine("what containers leave in Docker", ["docker.io"], () => {
  const docker = withDocker();
  const daemonFds = async (): Promise<number> =>
    Number(await docker.space.must("for p in $(pgrep -x 'dockerd|containerd'); do ls /proc/$p/fd; done | wc -l"));

  describe("one after the other", { concurrency: 1 }, () => {
    it("nothing after exec, kill and a program that is not there", async () => {
      const before = await docker.space.inventory();
      const output = await docker.outputWith(
        "moat",
        "start -v $N:/v busybox sleep 100; docker exec $N true; docker exec -d $N sleep 50; docker kill $N; docker rm -v $N; docker volume rm $N; run --rm busybox nosuch",
      );
      assert.match(output, /executable file not found/);
      assert.deepEqual(await docker.space.settled(before), before);
    });

    it(`${AT_ONCE} at once answer an exec each and leave nothing`, async () => {
      const before = await docker.space.inventory();
      const each = (command: string): string => `{ for i in $(seq ${AT_ONCE}); do ${command} & done; wait; }`;
      const output = await docker.outputWith(
        "moat",
        `${each("run -d --name $N-$i busybox sleep 1000 > /dev/null")}
        ${each("docker exec $N-$i echo answer $i")} | sort -n -k 2
        ${each("docker rm -f $N-$i > /dev/null")}`,
      );
      const answers = Array.from({ length: AT_ONCE }, (_, i) => `answer ${i + 1}\n`).join("");
      assert.equal(output, answers);
      assert.deepEqual(await docker.space.settled(before), before);
    });

    it(`${IN_A_ROW} in a row leave nothing`, async () => {
      const before = await docker.space.inventory();
      const fds = await daemonFds();
      const output = await docker.outputWith("moat", `for i in $(seq ${IN_A_ROW}); do run --rm busybox echo $i; done | wc -l`);
      assert.equal(output, `${IN_A_ROW}\n`);
      assert.deepEqual(await docker.space.settled(before), before);
      const more = (await daemonFds()) - fds;
      assert.ok(more < FD_SLACK, `the daemons have ${more} descriptors more`);
    });
  });
});
