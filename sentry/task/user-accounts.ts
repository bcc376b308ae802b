/** What is counted per real user (struct ucounts): tasks for RLIMIT_NPROC, queued signals for RLIMIT_SIGPENDING, bytes of POSIX queues for RLIMIT_MSGQUEUE. */
export class UserAccount {
  tasks = 0;
  pendingSignals = 0;
  queueBytes = 0;
}

export class UserAccounts {
  readonly #accounts = new Map<number, UserAccount>();

  of(uid: number): UserAccount {
    let account = this.#accounts.get(uid);
    if (account === undefined) {
      account = new UserAccount();
      this.#accounts.set(uid, account);
    }
    return account;
  }
}
