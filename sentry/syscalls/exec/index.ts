import type { Implementation } from "../implement.ts";
import { sys_execve, sys_execveat } from "./execve.ts";

export const execSyscalls: Implementation[] = [sys_execve, sys_execveat];
