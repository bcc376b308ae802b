import type { Implementation } from "../implement.ts";
import { sys_add_key, sys_request_key } from "./add-key.ts";
import { sys_keyctl } from "./keyctl.ts";

export const keysSyscalls: Implementation[] = [sys_add_key, sys_keyctl, sys_request_key];
