/** A sandbox on a terminal is a job like any other. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { moatPath, root, run } from "./moat.ts";

const CTRL_C = "\\x03";
const CTRL_D = "\\x04";
const CTRL_Z = "\\x1a";
const PROMPT = "host> $";

const tellsOfContinuing = `python3 ${join(root, "test/integration/tells-of-continuing.py")}`;

/** Each pair: what is typed, what must then be seen. */
const session = (...steps: [string, string][]): void => {
  const result = run("python3", [join(root, "test/integration/terminal-session.py"), ...steps.flat()]);
  assert.deepEqual(result, { status: 0, stdout: "", stderr: "" });
};

describe("on a terminal", { concurrency: 2 }, () => {
  // exec: a shell that is between vfork and exec holds SIGINT back and then waits for its child, on Linux too.
  it("a program is interrupted by ^C", () => {
    session([`${moatPath} do sh -c 'echo up; exec sleep 1000'\\n`, "\nup\n"], [CTRL_C, PROMPT], ["echo =$?\\n", "=130\n"]);
  });

  it("a program stops by ^Z, comes back, goes on in the background and is killed there", () => {
    session(
      [`${moatPath} do ${tellsOfContinuing}\\n`, "\nup\n"],
      [CTRL_Z, `Stopped(.|\n)*${PROMPT}`],
      ["fg\\n", "\nagain\n"],
      [CTRL_Z, `Stopped(.|\n)*${PROMPT}`],
      ["bg\\n", "again\n"],
      ["jobs\\n", "Running(.|\n)*host> $"],
      ["kill %1; wait %1; echo =$?\\n", "=143\n"],
    );
  });

  it("the terminal's modes are as before when it stops or ends in raw mode", () => {
    session(
      ["stty -a | cksum > /tmp/moat-modes.$$; echo ok\\n", "\nok\n"],
      [`${moatPath} do sh -c 'stty raw -echo; kill -STOP $$; stty -a; kill -KILL $$'\\n`, "Stopped"],
      ["stty -a | cksum | cmp - /tmp/moat-modes.$$ && echo same\\n", "\nsame\n"],
      ["fg\\n", "-echo "],
      ["\\n", PROMPT],
      ["stty -a | cksum | cmp - /tmp/moat-modes.$$ && echo same; rm /tmp/moat-modes.$$\\n", "\nsame\n"],
    );
  });

  it("a sandbox in the background stops before it reads", () => {
    session(
      [`${moatPath} do cat &\\n`, PROMPT],
      ["sleep 2; jobs\\n", "Stopped"],
      ["fg\\n", "cat\n"],
      ["job", ""],
      ["x\\n", "x\nx\n"],
      [CTRL_D, PROMPT],
    );
  });

  it("a shell inside has job control of its own", () => {
    session(
      [`${moatPath} do --env PS1='guest> ' bash --norc --noprofile -i\\n`, "guest> $"],
      [`${tellsOfContinuing}\\n`, "\nup\n"],
      [CTRL_Z, "Stopped(.|\n)*guest> $"],
      ["jobs\\n", "Stopped(.|\n)*guest> $"],
      ["fg\\n", "\nagain\n"],
      [CTRL_C, "guest> $"],
      ["tty; exit 4\\n", PROMPT],
      ["echo =$?\\n", "=4\n"],
    );
  });

  it("its size and changes of it are seen", () => {
    session(
      ["size 30x100", ""],
      [`${moatPath} do bash --norc --noprofile -c 'trap "stty size; exit" WINCH; stty size; while :; do sleep 0.1; done'\\n`, "\n30 100\n"],
      ["size 40x120", `40 120\n${PROMPT}`],
    );
  });
});
