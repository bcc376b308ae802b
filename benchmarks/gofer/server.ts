/** A gofer process for the benchmark: tree 0 is argv[2] on fd 3's channel. */

import { goferMain } from "../../gofer/server/server.ts";
import { openAt } from "../../native/ffi/file-calls-unsafe.ts";
import { AT_FDCWD } from "../../syscall-tables/flags/open.ts";

const O_PATH = 0o10000000;
process.exit(goferMain({ channelFd: 3, trees: [{ fd: openAt(AT_FDCWD, process.argv[2], O_PATH), readOnly: true }] }));
