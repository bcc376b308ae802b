/** skopeo and umoci make a bundle from an image; `run` by name, without an engine. */
import { after, before } from "node:test";
import { moatPath } from "../integration/moat.ts";
import { describeEngine } from "../needs.ts";
import { Engine, same } from "./engine.ts";

class Bundles extends Engine {
  protected get preamble(): string {
    return `
RUNTIME=/usr/sbin/runc; [ $RT = moat ] && RUNTIME=${moatPath}
oci() { $RUNTIME --root $PWD/state-$RT "$@"; }
bundle() { umoci unpack --image copy:busybox $N > /dev/null && sed -i 's/"terminal": true/"terminal": false/; s|"cgroupsPath": "[^"]*",||' $N/config.json; }
`;
  }
  protected readonly cleanup = "oci delete --force $N; rm -rf $N";

  protected async prepare(): Promise<void> {
    await this.space.must(`umoci init --layout oci
umoci new --image oci:busybox
umoci insert --image oci:busybox busybox /
umoci config --image oci:busybox --config.cmd sh --config.cmd -c --config.cmd 'echo $A; pwd; id; exit 3' --config.env PATH=/bin --config.env A=b --config.workingdir /tmp --config.user 7:8
skopeo copy -q oci:oci:busybox oci:copy:busybox`);
  }
}

describeEngine("skopeo and umoci", ["skopeo", "umoci"], () => {
  const bundles = new Bundles();
  before(() => bundles.start());
  after(() => bundles.stop());
  const like = (name: string, script: string, expected: string | RegExp): void => same(bundles, name, script, expected);

  like("run as the image says", "bundle; status oci run -b $N $N", "b\n/tmp\nuid=7 gid=8\nstatus 3\n");
  like(
    "create, start, state, delete",
    'bundle; sed -i \'s/echo $A.*exit 3/sleep 100/\' $N/config.json; oci create -b $N $N < /dev/null > /dev/null 2>&1; oci start $N; oci state $N | grep -o \'"status": "[a-z]*"\'; oci kill $N KILL; soon sh -c "$RUNTIME --root $PWD/state-$RT state $N | grep -q stopped"; oci delete $N; status oci state $N 2>/dev/null',
    '"status": "running"\nstatus 1\n',
  );
});
