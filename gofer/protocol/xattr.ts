/** Which extended attributes the gofer shows: the guest's own, and file capabilities, which execve(2) needs. */
export const isOwnXattr = (name: string): boolean => name.startsWith("user.");
export const isReadableXattr = (name: string): boolean => isOwnXattr(name) || name === "security.capability";
