/** Process groups and sessions (credentials(7), setpgid(2), setsid(2)). */
import type { Terminal } from "../fs/tty/terminal.ts";
import type { Pid } from "./pid-namespace.ts";
import type { Process } from "./process.ts";

export class Session {
  readonly pid: Pid;
  /** The process that called setsid(2); null after its death. */
  leader: Process | null;
  /** The controlling terminal. */
  tty: Terminal | null = null;
  /** The terminal's foreground process group. */
  foreground: ProcessGroup | null = null;
  readonly groups = new Set<ProcessGroup>();

  constructor(pid: Pid, leader: Process | null) {
    this.pid = pid;
    this.leader = leader;
    pid.session = this;
  }

  get id(): number {
    return this.pid.root;
  }
}

export class ProcessGroup {
  readonly pid: Pid;
  readonly session: Session;
  readonly members = new Set<Process>();

  constructor(pid: Pid, session: Session) {
    this.pid = pid;
    this.session = session;
    pid.group = this;
    session.groups.add(this);
  }

  get id(): number {
    return this.pid.root;
  }

  add(process: Process): void {
    this.members.add(process);
  }

  /** The last member's leave ends the group, the last group's end ends the session. A terminal keeps it as its foreground. */
  remove(process: Process): void {
    this.members.delete(process);
    if (this.members.size > 0) return;
    const session = this.session;
    session.groups.delete(this);
    this.pid.group = null;
    this.pid.releaseIfUnused();
    if (session.groups.size > 0) return;
    session.pid.session = null;
    session.pid.releaseIfUnused();
  }

  /**
   * will_become_orphaned_pgrp: no member has a parent in another group of the same session.
   * `without` is left out of the count, as it is about to go.
   */
  isOrphaned(without: Process | null = null): boolean {
    for (const member of this.members) {
      if (member === without || member.isZombie) continue;
      // Its parent is outside, the caller's shell, which can continue it.
      if (member.isHostChild) return false;
      if (member.parent === null) continue;
      // The host's init, whose children Linux does not count, is never seen inside.
      if (member.parent.group !== this && member.parent.session === this.session) return false;
    }
    return true;
  }

  hasStoppedMember(): boolean {
    for (const member of this.members) if (member.isStopped) return true;
    return false;
  }
}
