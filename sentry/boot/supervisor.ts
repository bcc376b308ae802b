/** What arrives on the supervisor channel: signals of the caller, deaths of host processes, requests of the control socket. */

import type { SupervisorChannel } from "../../runtime/sandbox/supervisor-channel.ts";
import { MSG_CHILD_DIED, MSG_CONTINUED, MSG_SIGNAL } from "../../runtime/sandbox/supervisor-protocol.ts";
import { EPOLLIN } from "../../syscall-tables/flags/poll.ts";
import { SIGCONT, SIGKILL } from "../../syscall-tables/flags/signal.ts";

import { hostTerminal } from "../fs/tty/host-tty.ts";
import type { Control } from "./control.ts";
import type { JoinedContainers } from "./joined.ts";
import type { MoatKernel } from "./moat-kernel.ts";

export const watchSupervisor = (
  kernel: MoatKernel,
  supervisor: SupervisorChannel,
  control: Control,
  guests: JoinedContainers,
  isContainer: boolean,
): void => {
  const receive = (): void => {
    for (let message = supervisor.receive(); message !== null; message = supervisor.receive()) {
      switch (message.kind) {
        case MSG_SIGNAL:
          if (!message.fromTerminal || hostTerminal.deliver(message.signal) < 0) control.signalInit(message.signal);
          break;
        case MSG_CONTINUED:
          if (hostTerminal.terminal !== null) hostTerminal.terminal.isCallerForeground = message.isForeground;
          if (hostTerminal.deliver(SIGCONT) < 0) control.signalInit(SIGCONT);
          break;
        case MSG_CHILD_DIED:
          // As with runc, a process of a container that the host kills (its memory has run out, say) ends alone.
          if (!kernel.platform.processDied(message.pid, isContainer && (message.waitStatus & 0x7f) === SIGKILL)) {
            supervisor.fatal(`guest process ${message.pid} was killed by signal ${message.waitStatus & 0x7f}; the sandbox has ended`);
          }
          break;
        case "control":
          if (!guests.handle(message)) control.handle(message);
      }
    }
  };
  kernel.hostPoller.onEdge(supervisor.fd, EPOLLIN, receive);
  receive();
};
