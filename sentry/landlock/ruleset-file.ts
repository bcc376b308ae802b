/** The fd of a ruleset (landlock_create_ruleset(2)). */
import { O_RDWR } from "../../syscall-tables/flags/open.ts";
import { EINVAL } from "../abi/errno.ts";
import type { Kernel } from "../kernel.ts";
import { anonInode } from "../vfs/anon.ts";
import { OpenFile } from "../vfs/open-file.ts";
import type { Ruleset } from "./domain.ts";

export class RulesetFile extends OpenFile {
  readonly rules: Ruleset;

  constructor(kernel: Kernel, rules: Ruleset) {
    super(anonInode(kernel, 0o600), null, O_RDWR);
    this.rules = rules;
  }

  override get anonymousName(): string {
    return "anon_inode:[landlock-ruleset]";
  }

  override read(): number {
    return EINVAL;
  }

  override write(): number {
    return EINVAL;
  }
}
