/** docker build by the classic builder, whose RUN steps are containers of the daemon's default runtime. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { describeEngine } from "../needs.ts";
import { withDocker } from "./docker.ts";

const BUILD = `
export DOCKER_BUILDKIT=0
mkdir build; cd build; echo text > file
cat > Dockerfile <<END
FROM busybox
RUN echo built > /f && id
WORKDIR /w
COPY file /w/
ENV A=b
RUN cat file && echo \\$A > g && chown 7:8 g
USER ann
RUN id
CMD cat /f g && stat -c %u:%g g
END
docker build --no-cache -t built . | grep -v -e '--->' -e ^Sending -e ^Removing -e 'built [0-9a-f]'
docker run --rm built
printf 'FROM busybox\\nRUN exit 7\\n' > Dockerfile
docker build --no-cache . > /dev/null; echo "status $?"
docker info 2>/dev/null | grep Default`;

const EXPECTED = [
  "Step 1/9 : FROM busybox",
  "Step 2/9 : RUN echo built > /f && id",
  "uid=0(root) gid=0(root) groups=0(root)",
  "Step 3/9 : WORKDIR /w",
  "Step 4/9 : COPY file /w/",
  "Step 5/9 : ENV A=b",
  "Step 6/9 : RUN cat file && echo $A > g && chown 7:8 g",
  "text",
  "Step 7/9 : USER ann",
  "Step 8/9 : RUN id",
  "uid=1000(ann) gid=1000(ann) groups=55(extra),1000(ann)",
  "Step 9/9 : CMD cat /f g && stat -c %u:%g g",
  "Successfully tagged built:latest",
  "built",
  "b",
  "7:8",
  "The command '/bin/sh -c exit 7' returned a non-zero code: 7",
  "status 7",
];

for (const runtime of ["runc", "moat"]) {
  describeEngine(`docker build with ${runtime} as the default`, ["docker.io"], () => {
    const docker = withDocker({ "default-runtime": runtime });
    it("runs each step and keeps what it has made", async () => {
      const lines = (await docker.space.run(BUILD)).output.trimEnd().split("\n");
      assert.equal(lines.pop(), ` Default Runtime: ${runtime}`);
      assert.deepEqual(lines, EXPECTED);
    });
  });
}
