import type { Implementation } from "../implement.ts";
import { sys_sendfile } from "./sendfile.ts";
import { sys_splice, sys_tee, sys_vmsplice } from "./splice.ts";

export const spliceSyscalls: Implementation[] = [sys_splice, sys_tee, sys_vmsplice, sys_sendfile];
