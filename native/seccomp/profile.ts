/** A seccomp profile as config.json has it, in libseccomp's terms. */

/** libseccomp's numbers of enum scmp_compare. */
export type CompareOp = 1 | 2 | 3 | 4 | 5 | 6 | 7;

export interface ProfileCheck {
  /** 0..5 */
  readonly index: number;
  readonly op: CompareOp;
  readonly value: bigint;
  /** For SCMP_CMP_MASKED_EQ (7), where `value` is the mask. */
  readonly valueTwo: bigint;
}

export interface ProfileRule {
  readonly names: readonly string[];
  /** A SECCOMP_RET_* word. */
  readonly action: number;
  readonly checks: readonly ProfileCheck[];
}

/** Who decides of calls whose action is SCMP_ACT_NOTIFY. */
export interface SeccompAgent {
  /** Of a unix socket; "@…" is an abstract one. */
  readonly path: string;
  readonly metadata: string;
}

export interface SeccompProfile {
  readonly defaultAction: number;
  /** Which of the architectures that a guest can meet are listed. */
  readonly hasX86_64: boolean;
  readonly hasX32: boolean;
  readonly rules: readonly ProfileRule[];
  /** SECCOMP_FILTER_FLAG_* of seccomp(2). */
  readonly flags: number;
  /** Null: no call asks for one. */
  readonly agent: SeccompAgent | null;
}
