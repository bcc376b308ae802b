/** ioctl(2) on sockets (socket(7), netdevice(7)). */

import * as IO from "../../syscall-tables/flags/ioctl.ts";
import { EFAULT, ENOENT, ENOTTY, EPERM } from "../abi/errno.ts";
import type { Task } from "../task/task.ts";
import { getOwner, setOwner } from "../vfs/file-owner.ts";
import type { Socket } from "./socket.ts";

/** TIOCOUTQ, under which name the argument arrives. */
const SIOCOUTQ = 0x5411;
const SIOCOUTQNSD = 0x894b;
/** Device ioctls go by this range; beyond it begin the protocol's own. */
const SIOCDEVICE_FIRST = 0x8910;
const SIOCDEVICE_LAST = 0x89ff;

const store = (task: Task, addr: number, value: number): number => (value < 0 ? value : task.memory.storeU32(addr, value));

export const socketIoctl = (socket: Socket, task: Task, command: number, argument: number): number => {
  switch (command) {
    case IO.FIONREAD:
      return store(task, argument, socket.inputQueue());
    case SIOCOUTQ:
    case SIOCOUTQNSD:
      return store(task, argument, socket.outputQueue());
    case IO.SIOCATMARK:
      return store(task, argument, socket.atMark());
    case IO.SIOCGPGRP:
    case IO.FIOGETOWN:
      return task.memory.storeU32(argument, getOwner(task, socket) >>> 0);
    case IO.SIOCSPGRP:
    case IO.FIOSETOWN: {
      const owner = task.memory.loadU32(argument);
      return owner < 0 ? EFAULT : setOwner(task, socket, owner | 0);
    }
    case IO.SIOCGSTAMP_OLD:
    case IO.SIOCGSTAMPNS_OLD:
      return ENOENT;
    case IO.SIOCADDRT:
    case IO.SIOCDELRT:
      return EPERM;
    default:
      if (command >= SIOCDEVICE_FIRST && command <= SIOCDEVICE_LAST) return socket.net.stack.interfaceIoctl(task, command, argument);
      return ENOTTY;
  }
};
