import { registerFifo } from "../../fs/pipe/fifo.ts";
import type { Implementation } from "../implement.ts";
import { sys_pipe, sys_pipe2 } from "./pipe.ts";

registerFifo();

export const pipeSyscalls: Implementation[] = [sys_pipe, sys_pipe2];
