import type { OwnerMapConfig } from "../runtime/sandbox/config.ts";
import { OVERFLOW_ID } from "../syscall-tables/limits.ts";

/** The owner map of an ordinary caller. */
export const FOREIGN_OWNER_MAP: OwnerMapConfig = { hostUid: OVERFLOW_ID, hostGid: OVERFLOW_ID, guestUid: 0, guestGid: 0 };

/**
 * An ordinary caller's user namespace has but one id: every file of somebody else looks like
 * the overflow user's (user_namespaces(7)). Nearly all of those are root's.
 */
export const ownerMap = (): OwnerMapConfig | null => (process.geteuid?.() === 0 ? null : FOREIGN_OWNER_MAP);
