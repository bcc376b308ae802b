/** SIGURG to the owner of a socket (fcntl(2) F_SETOWN) when urgent data comes in. */

import { F_OWNER_PGRP } from "../../syscall-tables/flags/fd.ts";
import { SIGURG } from "../../syscall-tables/flags/signal.ts";
import { kernelSignal, sendSignalToGroup, sendSignalToProcess } from "../task/signals.ts";

import type { Socket } from "./socket.ts";

export const sendSigurg = (socket: Socket): void => {
  const owner = socket.async?.owner ?? null;
  if (owner === null) return;
  if (socket.async?.ownerType === F_OWNER_PGRP) {
    if (owner.group !== null) sendSignalToGroup(owner.group, kernelSignal(SIGURG));
  } else if (owner.task !== null) sendSignalToProcess(owner.task.process, kernelSignal(SIGURG));
};
